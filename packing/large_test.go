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

// What work leaves again mends by itself: nothing is kept together.
func TestTogetherWhereWorkLeaves(t *testing.T) {
	for _, leaving := range []float64{0, fewLeave, 2 * fewLeave, 1} {
		w, err := Problem{Targets: targets(Class{4, 2, Whole, 0, 0}), Leaving: leaving}.Solve(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if kept := w.Together(2, 4, 0) > 0; kept != (leaving <= fewLeave) {
			t.Errorf("%g leave: kept together %v", leaving, kept)
		}
	}
}
