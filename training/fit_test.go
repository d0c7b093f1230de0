package training

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/resource"
)

// Workloads that are at their limit every day, in one leaf with others that are far
// from theirs, do not make these be predicted more than they come to.
func TestWorkloadsAtTheirLimitLeaveOthersAlone(t *testing.T) {
	o, err := Options{Trees: 60}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []resource.Name{resource.CPU, resource.Memory} {
		rng := rand.New(rand.NewPCG(1, 1))
		r := &rows{}
		const count = 90 // fewer than two leaves need
		for i := range count {
			row := make([]float32, len(models.Features()))
			own, share := float32(1), float32(1)
			if i%3 != 0 {
				own, share = .5, .4+.2*rng.Float32()
			}
			for k := range row {
				row[k] = own
			}
			row[len(models.Levels())] = .1 // the spread
			r.features, r.targets = append(r.features, row...), append(r.targets, share)
			r.censored = append(r.censored, models.Censored(n, row, share))
			r.at = append(r.at, start.Add(time.Duration(i)*time.Hour))
		}
		corrections, err := (&plan{Options: o}).fitLevels(t.Context(), "fit", r)
		if err != nil {
			t.Fatal(err)
		}
		const level = 1 // .9
		out := make([]float32, count)
		if err := corrections[level].Trees.Predict(r.features, out); err != nil {
			t.Fatal(err)
		}
		held := 0
		for i, y := range r.targets {
			if models.Outcome(r.row(i), y, level) <= out[i] {
				held++
			}
		}
		if share := float64(held) / count; share < .86 || share > .93 {
			t.Errorf("%s: the 90 %% quantile holds %.1f %% of what it was fitted to", n, 100*share)
		}
	}
}

// What is served ends at the cap, so what passes it costs nothing, and does not make
// a model that is right about the busy look worse than one that is not.
func TestTuningStopsAtTheCap(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	var own, learned, targets, caps []float32
	for i := range 2000 {
		y := .2 * rng.Float32()
		knows := y
		if i%2 == 0 {
			y, knows = 1, 3 // learned: far over the cap
		}
		own, learned = append(own, .5), append(learned, knows)
		targets, caps = append(targets, y), append(caps, 1)
	}
	if trust, _ := tuned(.9, own, learned, targets, caps); trust != 1 {
		t.Errorf("trusted by %g", trust)
	}
}
