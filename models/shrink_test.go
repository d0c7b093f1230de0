package models

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/forecast"
)

// The estimate finds how far a group varies within and between its workloads.
func TestCredibility(t *testing.T) {
	for _, c := range []struct{ within, between, want float64 }{
		{.05, .2, .0625}, {.1, .1, 1}, {.2, .1, 4}, {.1, 0, mostCredibility}, {0, .1, leastCredibility},
	} {
		rng := rand.New(rand.NewPCG(1, 2))
		var s spread
		for w := range 2000 {
			middle := 50 + c.between*rng.NormFloat64()
			maxima := make([]float32, 3+w%15)
			for i := range maxima {
				maxima[i] = float32(middle + c.within*rng.NormFloat64())
			}
			s.add(maxima, 1)
		}
		if got := float64(s.credibility()); math.Abs(got-c.want) > .15*c.want {
			t.Errorf("within %g and between %g: %g, want %g", c.within, c.between, got, c.want)
		}
	}
	if got := new(spread).credibility(); got != 1 {
		t.Errorf("of nothing: %g", got)
	}
}

// A forecast moves from the prior to the own past as that grows, always stays a
// forecast, and never forgets a peak that was seen.
func TestShrink(t *testing.T) {
	grid := forecast.Grid{Slot: time.Hour, Slots: 3}
	s := &Subject{ID: "w", App: "web"}
	rapid.Check(t, func(t *rapid.T) {
		share := rapid.Float32Range(0, 1)
		group := priorGroup{Peak: 1, Mean: .1, Profile: []float32{.1, .2, .3}, Quantiles: make([]float32, len(levels)),
			Points: rapid.SliceOfN(share, 10, 10).Draw(t, "points"), Credibility: rapid.Float32Range(leastCredibility, mostCredibility).Draw(t, "credibility")}
		slices.Sort(group.Points)
		prior := &Prior{grid, map[string]priorGroup{"cpu": group}}
		maxima := rapid.SliceOfN(rapid.Float32Range(0, 10), settled, settled).Draw(t, "maxima")
		for n := range settled + 1 {
			past := Past{maxima[:n], rapid.Float32Range(0, 10).Draw(t, "so far")}
			own := forecast.Demand{Resource: "cpu", Limit: 10, Peak: max(past.AtLeast, slices.Max(append(past.Maxima, 0))), Profile: []float32{0, 0, 0}}
			peak := own.Peak
			d := prior.Shrink(own, past, s, grid)
			if err := (&forecast.Forecast{Grid: grid, Demands: []forecast.Demand{d}}).Validate(); err != nil {
				t.Fatal(err)
			}
			if d.Peak < peak {
				t.Fatalf("after %d spans a peak of %g, %g was seen", n, d.Peak, peak)
			}
			if n == settled {
				if len(d.Quantiles) != 0 {
					t.Fatal("a settled workload is drawn towards the others")
				}
				continue
			}
			// The definition, value by value: at least p of the mass does not pass the
			// quantile, less than p lies below it.
			for _, q := range d.Quantiles {
				below, upto := massOf(past, group.Points, float32(n)/(float32(n)+group.Credibility), q.Value)
				if upto < q.P-1e-4 || below > q.P+1e-4 {
					t.Fatalf("after %d spans the %g quantile %g has %g below it and %g up to it", n, q.P, q.Value, below, upto)
				}
			}
		}
	})
}

func massOf(past Past, points []float32, z, v float32) (below, upto float64) {
	var total float64
	count := func(x, w float32) {
		total += float64(w)
		if x < v {
			below += float64(w)
		}
		if x <= v {
			upto += float64(w)
		}
	}
	for _, x := range past.Maxima {
		count(x, z/float32(len(past.Maxima)))
	}
	for _, p := range points {
		if len(past.Maxima) > 0 || p*10 >= past.AtLeast {
			count(p*10, (1-z)/float32(len(points)))
		}
	}
	if total == 0 {
		return 0, 1
	}
	return below / total, upto / total
}
