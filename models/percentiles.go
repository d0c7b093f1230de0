package models

import (
	"slices"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
)

// Percentiles predicts from the workload's own past: its
// profile, its largest usage of three weeks, and the quantiles of its daily maxima. A past of
// a few days is drawn towards the prior of workloads like it.
type Percentiles struct {
	MinHistory time.Duration // shorter pasts are left to other predictors; 0 = 24 h
	Prior      *Prior        // nil for none

	// Profilers predict slots, by resource, where the past speaks for itself.
	Profilers map[resource.Name]*Profiler
}

// minOwn is the shortest past that speaks for itself: every hour of the day once.
const minOwn = 24 * time.Hour

var _ Predictor = Percentiles{}

// levels are the probabilities of the quantiles in forecasts.
var levels = [...]float64{.5, .9, .95, .98, .99, .995}

// Levels returns the probabilities of the quantiles in forecasts, rising.
func Levels() []float64 { return levels[:] }

func (p Percentiles) Predict(s *Subject, n resource.Name, now time.Time, g forecast.Grid) (forecast.Demand, bool) {
	least := p.MinHistory
	if least == 0 {
		least = minOwn
	}
	u := s.usage(n)
	if u == nil || u.last.Sub(u.first) < least {
		return forecast.Demand{}, false
	}
	d, ok := ownDemand(u, s.Limit(n), now, g)
	if !ok {
		return forecast.Demand{}, false
	}
	maxima := u.spanMaxima(now, g)
	for i, v := range u.ownQuantiles(maxima) {
		d.Quantiles = append(d.Quantiles, forecast.Quantile{P: levels[i], Value: min(v, d.Peak)})
	}
	past := u.past(maxima, g)
	p.Profilers[n].refine(&d, s, now, past)
	return p.Prior.Shrink(d, past, s, g), true
}

// ownQuantiles returns, by level, the quantiles of the maxima of past spans; of
// the decayed usage where there is no whole span yet.
func (u *Usage) ownQuantiles(maxima []float32) [len(levels)]float32 {
	var q [len(levels)]float32
	sorted := slices.Clone(maxima)
	slices.Sort(sorted)
	for i, p := range levels {
		if len(sorted) == 0 {
			q[i] = float32(u.capped(u.histo.Quantile(p)))
		} else {
			q[i] = quantileOf(sorted, p)
		}
	}
	return q
}

// ownDemand returns the part of a demand that rests on the workload's own past:
// profile, mean, and its largest usage of three weeks as its peak.
func ownDemand(u *Usage, limit float64, now time.Time, g forecast.Grid) (forecast.Demand, bool) {
	profile, ok := u.profile(now, g)
	if !ok {
		return forecast.Demand{}, false
	}
	floor := u.floorAt(now)
	peak := max(u.Peak(), floor)
	if limit > 0 {
		peak, floor = min(peak, limit), min(floor, limit)
	}
	d := forecast.Demand{Resource: u.resource, Profile: profile, Peak: float32(peak), Limit: float32(limit), Mean: float32(min(u.decayed[2].mean(), peak))}
	for k, v := range d.Profile {
		d.Profile[k] = min(max(v, float32(floor)), d.Peak)
	}
	return d, true
}

// spanMaxima returns the maxima of the spans of g before now, newest first,
// those without a sample left out.
func (u *Usage) spanMaxima(now time.Time, g forecast.Grid) []float32 {
	var maxima []float32
	end := u.slots.number(now)
	for back := 0; back+g.Slots <= len(u.slots.max); back += g.Slots {
		largest, seen := float32(0), false
		for i := range g.Slots {
			if v, ok := u.slots.maxAt(end - int64(back+i)); ok {
				largest, seen = max(largest, v), true
			}
		}
		if seen {
			maxima = append(maxima, float32(u.capped(float64(largest))))
		}
	}
	return maxima
}
