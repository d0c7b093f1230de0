package models

import (
	"math"
	"time"

	"github.com/auspex-project/auspex/forecast"
)

const (
	// recent is the part of the memory whose maxima stand for what peaks now.
	recent = 7 * 24 * time.Hour

	// habit is the quantile of a slot's maxima over the whole memory that stands
	// for what it peaks at as a rule.
	habit = .9
)

// profile returns what u adds to a node's sum in each slot of g, and ok false
// when its memory holds nothing.
//
// A slot counts half its largest maximum of the last week, half the 90th
// percentile of its maxima over three weeks. Summed over a node this predicts
// the peak of the sum as well as the largest value of the members' summed
// history does (Bitbrains, 24 h ahead: .611 of the limits saved at 1 %
// violations by either), at 24 numbers a workload instead of thousands.
func (u *Usage) profile(now time.Time, g forecast.Grid) (profile []float32, ok bool) {
	profile = make([]float32, g.Slots)
	var values []float32
	highest := float32(math.Inf(-1))
	for k := range profile {
		var largest float32
		values, largest = u.pastMaxima(values[:0], u.slots.coming(now, k, g), g)
		if len(values) == 0 {
			profile[k] = float32(math.NaN())
			continue
		}
		profile[k] = float32(u.capped(float64((largest + selectQuantile(values, habit)) / 2)))
		highest = max(highest, profile[k])
	}
	if math.IsInf(float64(highest), -1) {
		return nil, false
	}
	for k, v := range profile {
		if v != v { // never seen: it may be as high as any other
			profile[k] = highest
		}
	}
	return profile, true
}

// pastMaxima appends the maxima of the slots that lie whole spans of g before
// slot coming, and returns the largest one of the last week (of all, when the
// week holds none).
func (u *Usage) pastMaxima(values []float32, coming int64, g forecast.Grid) (_ []float32, largest float32) {
	seen := false
	for back := int64(g.Slots); back <= int64(len(u.slots.max)); back += int64(g.Slots) {
		v, ok := u.slots.maxAt(coming - back)
		if !ok {
			continue
		}
		values = append(values, v)
		if time.Duration(back)*u.slots.length <= recent || !seen {
			largest = max(largest, v)
			seen = true
		}
	}
	return values, largest
}

// coming returns the number of the first slot at or after now that has index k
// in g.
func (s *slots) coming(now time.Time, k int, g forecast.Grid) int64 {
	n := s.number(now)
	return n + int64((k-g.Index(now)+g.Slots)%g.Slots)
}
