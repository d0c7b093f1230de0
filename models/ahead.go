package models

import (
	"math"
	"slices"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
)

// aheadNames names the columns a Profiler is given for a workload and a slot to
// come, in the order ahead writes them. Amounts are told from the middle of the
// workload's slot maxima of the last week, in their spread.
func aheadNames() []string {
	return []string{
		"middle", "spread",
		"mean_3h", "max_3h", "mean_1d", "max_1d", "mean_7d", "sd_7d", "max_7d", "max_21d",
		"decayed_6h", "decayed_1d", "decayed_7d",
		"limit", "log_limit", "at_limit", "age_hours", "coverage_7d", "newest", "trend_3h",
		"habit", "slot_1d", "slot_2d", "slot_7d", "slot_mean_1d", "slot_mean_7d", "slot_max_7d", "slot_average_7d", "slot_level_7d",
		"slot_p50_21d", "slot_p90_21d", "beside_1d", "beside_7d",
		"ahead", "hour", "weekday",
	}
}

// Columns a Profiler reads itself.
const (
	aheadMiddle = 0
	aheadSpread = 1
	aheadHabit  = 20
	aheadLevel  = 28 // slot_level_7d
	aheadCount  = 36
)

// ahead writes the columns of every slot of a span to come, in the order of the
// grid. Its buffers are used again.
type ahead struct {
	grid forecast.Grid

	common         []float32
	middle, spread float64
	values         []float32
	largest        []float32 // by slot, of the last week
	yesterday      []float32
}

// rows appends the columns of all slots of the span that begins with p's moment,
// slot 0 of the grid first. scale is what usage is a share of. ok is false where
// nothing is known.
func (a *ahead) rows(out []float32, p past, scale float64) (_ []float32, ok bool) {
	if ok = a.summarize(p, scale); !ok {
		return out, false
	}
	n := a.grid.Slots
	a.largest, a.yesterday = resized(a.largest, n), resized(a.yesterday, n)
	length := p.slots.length
	week := int(recent / a.grid.Span())
	start := p.now
	phase := int(((start % int64(n)) + int64(n)) % int64(n)) // grid's index of the first slot ahead
	for k := range n {
		a.largest[k], a.yesterday[k] = nan32, nan32
		coming := start + int64((k-phase+n)%n)
		for back := 1; back <= max(week, 1); back++ {
			if v, _, ok := p.at(coming - int64(back*n)); ok && !(a.largest[k] >= v) {
				a.largest[k] = v
			}
		}
		if v, _, ok := p.at(coming - int64(n)); ok {
			a.yesterday[k] = v
		}
	}
	for k := range n {
		step := (k - phase + n) % n
		coming := start + int64(step)
		out = append(out, a.common...)
		out = a.slot(out, p, k, coming, week)
		at := time.UnixMilli(coming * length.Milliseconds()).UTC()
		out = append(out, float32(step), float32(at.Hour()), float32(at.Weekday()))
	}
	return out, true
}

// slot appends what earlier slots at the same time of the span tell of one to come.
func (a *ahead) slot(out []float32, p past, k int, coming int64, week int) []float32 {
	n := a.grid.Slots
	values := a.values[:0]
	var sum, means, seen float64
	lag := func(back int) (largest, mean float32) {
		v, m, ok := p.at(coming - int64(back*n))
		if !ok {
			return nan32, nan32
		}
		return v, m
	}
	all := len(p.slots.max) / n
	if most := int(Memory / a.grid.Span()); all > most {
		all = most
	}
	for back := 1; back <= all; back++ {
		v, m, ok := p.at(coming - int64(back*n))
		if !ok {
			continue
		}
		values = append(values, v)
		if back <= week {
			sum, means, seen = sum+float64(v), means+float64(m), seen+1
		}
	}
	a.values = values
	median, high, largest := nan32, nan32, a.largest[k]
	if len(values) > 0 {
		if !(largest >= 0) {
			largest = values[0]
		}
		high = selectQuantile(values, habit)
		median = selectQuantile(values, .5)
	}
	usual := (largest + high) / 2 // as Usage.profile has it
	if usual != usual {
		usual = float32(a.middle)
	}
	v1, m1 := lag(1)
	v2, _ := lag(2)
	v7, m7 := lag(max(week, 1))
	for _, v := range [...]float32{usual, v1, v2, v7, m1, m7, largest, float32(sum / seen), float32(means / seen), median, high,
		larger(a.yesterday[(k+n-1)%n], a.yesterday[(k+1)%n]), larger(a.largest[(k+n-1)%n], a.largest[(k+1)%n])} {
		out = append(out, a.free(float64(v)))
	}
	return out
}

func (a *ahead) free(v float64) float32 { return float32((v - a.middle) / a.spread) }

// summarize fills in what is the same for all slots.
func (a *ahead) summarize(p past, scale float64) bool {
	type window struct{ sum, largest, count float64 }
	var windows [4]window
	spans := [...]time.Duration{3 * time.Hour, 24 * time.Hour, recent, Memory}
	halves := [...]time.Duration{6 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}
	var decayed, weights, factor, kept [len(halves)]float64
	length := p.slots.length
	for i, h := range halves {
		factor[i], kept[i] = halved(length, h), 1
	}
	var sum, squares, week, hits float64
	newest := nan32
	var recentSum, daySum, pairs float64
	span := int64(a.grid.Slots)
	slotsOf := func(d time.Duration) int64 { return int64(d / length) }
	w := 0
	total := slotsOf(Memory)
	var running window
	running.largest = math.Inf(-1)
	for back := range total {
		for w < len(spans) && back >= slotsOf(spans[w]) {
			windows[w] = running
			w++
		}
		v, m, ok := p.at(p.now - back)
		if ok {
			if newest != newest {
				newest = v
			}
			running.sum += float64(m)
			running.count++
			running.largest = max(running.largest, float64(v))
			for i := range halves {
				decayed[i] += kept[i] * float64(m)
				weights[i] += kept[i]
			}
			if back < slotsOf(recent) {
				sum, squares, week = sum+float64(v), squares+float64(v)*float64(v), week+1
				if float64(v) >= HitShare*scale {
					hits++
				}
			}
			if back < slotsOf(spans[0]) {
				if before, _, ok := p.at(p.now - back - span); ok {
					recentSum, daySum, pairs = recentSum+float64(v), daySum+float64(before), pairs+1
				}
			}
		}
		for i := range kept {
			kept[i] *= factor[i]
		}
	}
	for ; w < len(spans); w++ {
		windows[w] = running
	}
	if running.count == 0 {
		return false
	}
	if week == 0 {
		a.middle, a.spread = running.sum/running.count, leastSpread*scale
	} else {
		a.middle = sum / week
		a.spread = math.Sqrt(max(0, squares/week-a.middle*a.middle)) + leastSpread*scale
	}
	deviation := (a.spread - leastSpread*scale) / a.spread
	c := append(a.common[:0], float32(a.middle/scale), float32(a.spread/scale))
	add := func(v float64) { c = append(c, a.free(v)) }
	for i := range 2 {
		add(windows[i].sum / windows[i].count)
		add(orNaN(windows[i].largest))
	}
	add(windows[2].sum / windows[2].count)
	c = append(c, float32(deviation))
	add(orNaN(windows[2].largest))
	add(orNaN(windows[3].largest))
	for i := range halves {
		add(decayed[i] / weights[i])
	}
	add(scale)
	c = append(c, float32(math.Log2(scale)), float32(hits/max(week, 1)), float32(min(p.age, Memory).Hours()), float32(week/float64(slotsOf(recent))))
	add(float64(newest))
	c = append(c, float32((recentSum-daySum)/pairs/a.spread))
	a.common = c
	return true
}

func orNaN(v float64) float64 {
	if math.IsInf(v, 0) {
		return math.NaN()
	}
	return v
}

// larger returns the larger of two values that may be missing.
func larger(a, b float32) float32 {
	if a >= b || b != b {
		return a
	}
	return b
}

func resized(s []float32, n int) []float32 { return slices.Grow(s[:0], n)[:n] }

// SlotColumns computes what a Profiler is fitted on and predicts from. It is not
// safe for concurrent use.
type SlotColumns struct{ ahead ahead }

// NewSlotColumns returns a SlotColumns over g.
func NewSlotColumns(g forecast.Grid) *SlotColumns { return &SlotColumns{ahead{grid: g}} }

// SlotFeatures names the columns.
func SlotFeatures() []string { return aheadNames() }

// Known appends the columns of every slot of the span that begins at now, slot 0 of
// the grid first, from what s is known to have used of n. ok is false where that is
// nothing.
func (c *SlotColumns) Known(rows []float32, s *Subject, n resource.Name, now time.Time) (_ []float32, ok bool) {
	u := s.usage(n)
	if u == nil {
		return rows, false
	}
	return c.ahead.rows(rows, u.pastAt(now), scaleOf(s, n))
}

// Before is Known for a timeline as it was when the slot of now began.
func (c *SlotColumns) Before(rows []float32, t *Timeline, now time.Time, scale float64) (_ []float32, ok bool) {
	return c.ahead.rows(rows, t.before(now), scale)
}

// EarlierMean returns the mean usage in the slot of rows[i] over the last week, as
// a share of the scale; over all of its hours where that slot was not seen.
func EarlierMean(rows []float32, i int) float32 {
	row := rows[i*aheadCount : (i+1)*aheadCount]
	z := row[aheadLevel]
	if z != z {
		z = 0
	}
	return max(0, row[aheadMiddle]+z*row[aheadSpread])
}

// SlotOutcome returns what trees are fitted to for a row whose slot came to share,
// a share of the scale: its distance from what earlier days make of the slot, in
// the workload's spreads.
func SlotOutcome(row []float32, share float32) float32 {
	return min(max((share-row[aheadMiddle])/row[aheadSpread]-row[aheadHabit], -farOut), farOut)
}

// SlotShare undoes SlotOutcome.
func SlotShare(row []float32, outcome float32) float32 {
	return max(0, row[aheadMiddle]+(row[aheadHabit]+outcome)*row[aheadSpread])
}

// SlotWeight returns what a row counts for in fitting: with it, the loss of outcomes
// is that of shares.
func SlotWeight(row []float32) float32 { return row[aheadSpread] }
