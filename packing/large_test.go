package packing

import (
	"context"
	"math"
	"testing"
)

// Half of the demand is for jobs of four devices with 16 cores and 40 bytes.
func TestTogether(t *testing.T) {
	four := Class{Cores: 16, Devices: 4, Share: Whole}
	var m Mix
	for range 4 {
		m.Add(Task{Class: Class{Cores: 1, Devices: 1, Share: Whole}, NeedCores: 1})
	}
	m.Add(Task{Class: four, NeedCores: 16, NeedMemory: 40})
	w := Unplanned(m.Targets(), nil)
	const slot = mostKeeping * .5 * 4
	for _, c := range []struct {
		name          string
		whole         int
		cores, memory float64
		want          float64
	}{
		{"two fit", 8, 32, 80, 2 * slot},
		{"a device less", 7, 32, 80, slot},
		{"cores for one", 8, 31, 80, slot},
		{"memory for none", 8, 32, 39, 0},
		{"too few devices", 3, 32, 80, 0},
		{"less than nothing", 8, -1, 80, 0},
	} {
		if got := float64(w.Together(c.whole, c.cores, c.memory)); !near(got, c.want) {
			t.Errorf("%s: %g, want %g", c.name, got, c.want)
		}
	}
	if got := Unplanned(targets(Class{4, 2, Whole, 1, 0}, Class{4, 2, Whole, 0, 0}), nil).Together(8, 64, 64); got != 0 {
		t.Errorf("where models are named: %g", got)
	}
	if got := Unplanned(targets(Class{4, 1, 500, 0, 0}), nil).Together(8, math.Inf(1), math.Inf(1)); got != 0 {
		t.Errorf("where none asks for several devices: %g", got)
	}
}

// Where work leaves, places for large jobs are worth what is refused of smaller ones, and
// else what they make up of the demand.
func TestTogetherWhereWorkLeaves(t *testing.T) {
	two, small := Class{4, 2, Whole, 0, 0}, Class{1, 1, 500, 0, 0}
	for _, leaving := range []float64{0, FewLeave, 2 * FewLeave, 1} {
		for refusals, want := range []float64{2, 0, -1} {
			p := Problem{Targets: targets(two), Leaving: leaving}
			for range refusals {
				p.Refused.Add(small)
			}
			if leaving <= FewLeave {
				want = 2 * mostKeeping
			}
			w, err := p.Solve(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if got := float64(w.Together(2, 4, 0)); !near(got, want) || w.Parts() != (want < 0) {
				t.Errorf("%g leave, %d refused: %g, want %g; parts %v", leaving, refusals, got, want, w.Parts())
			}
		}
	}
}

// Only what asks for less counts against a large job, the latest the most.
func TestRefused(t *testing.T) {
	var r Refused
	if got := r.Kept(8); got != 1 {
		t.Errorf("nothing refused: %g", got)
	}
	r.Add(Class{1, 8, Whole, 0, 0})
	r.Add(Class{1, 1, 300, 0, 0})
	r.Fade(.5)
	for devices, want := range map[int32]float64{1: 1, 2: .5, 8: .5, 9: 0, MostDevices: 0} {
		if got := r.Kept(devices); got != want {
			t.Errorf("%d devices: %g, want %g", devices, got, want)
		}
	}
	r.Add(Class{1, MostDevices, Whole, 0, 0})
	r.Add(Class{1, 4, Whole, 0, 0})
	if got := r.Kept(8); got != leastKept {
		t.Errorf("the least is %g, want %g", got, leastKept)
	}
}
