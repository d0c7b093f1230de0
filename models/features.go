package models

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
)

// windows are the spans before now that usage is summed up over.
var windows = [...]struct {
	name string
	span time.Duration
}{
	{"3h", 3 * time.Hour}, {"12h", 12 * time.Hour}, {"1d", 24 * time.Hour},
	{"3d", 3 * 24 * time.Hour}, {"7d", 7 * 24 * time.Hour}, {"21d", Memory},
}

// featureNames names the columns that appendFeatures writes, in order. A model
// fitted on other columns is refused.
//
// The first are the quantiles of the workload's own past maxima, by level, and
// their spread, as shares of the scale. All other amounts are given in that
// workload's own terms, as (amount - median maximum) / spread: so one model
// serves the idle and the busy, the steady and the wild.
func featureNames() []string {
	var names []string
	for _, p := range levels {
		names = append(names, fmt.Sprintf("own_p%g", 100*p))
	}
	names = append(names, "own_spread")
	for _, w := range windows {
		names = append(names, "mean_"+w.name, "sd_"+w.name, "max_"+w.name)
	}
	names = append(names,
		"slot_max_p50_7d", "slot_max_p90_7d", "slot_max_p99_7d", "slot_max_p50_21d", "slot_max_p90_21d", "slot_max_p99_21d",
		"span_max_1", "span_max_2", "span_max_3", "span_max_7", "span_max_mean", "span_max_sd", "span_max_largest_2", "span_max_largest_3",
		"decayed_1h", "decayed_6h", "decayed_1d", "decayed_7d", "decayed_sd_1d", "decayed_sd_7d",
		"decayed_p50", "decayed_p90", "decayed_p95", "decayed_p98",
		"peak", "limit", "floor", "profile_max", "profile_mean",
		"at_limit", "log_limit", "age_hours", "stale_hours", "coverage_7d", "hour", "weekday")
	return names
}

// featureCount is the length of featureNames.
const featureCount = 61

// ownSpread is the column of the spread; those before it are the own quantiles.
const ownSpread = len(levels)

// leastSpread is added to every spread, as a share of the scale: what never
// varied may still.
const leastSpread = .01

// appendFeatures appends what is known of s's use of n at now to row, NaN where
// nothing is known. There must be a usage.
func appendFeatures(row []float32, s *Subject, n resource.Name, now time.Time, g forecast.Grid) []float32 {
	u := s.usage(n)
	f := featureRow{row: row, scale: scaleOf(s, n)}
	end := u.slots.number(now)
	maxima := u.spanMaxima(now, g)
	own := u.ownQuantiles(maxima)
	for _, v := range own {
		f.plain(float64(v) / f.scale)
	}
	f.middle = float64(own[0])
	f.spread = float64(own[len(own)-1]-own[0]) + leastSpread*f.scale
	f.plain(f.spread / f.scale)
	f.windows(&u.slots, end)
	f.slotQuantiles(&u.slots, end, recent)
	f.slotQuantiles(&u.slots, end, Memory)
	f.spans(maxima)
	for i := range u.decayed {
		f.usage(u.decayed[i].mean())
	}
	f.deviation(u.decayed[2].sd())
	f.deviation(u.decayed[3].sd())
	for _, p := range [...]float64{.5, .9, .95, .98} {
		f.usage(u.histo.Quantile(p))
	}
	f.usage(u.Peak())
	f.usage(f.scale)
	f.usage(u.floorAt(now))
	f.profile(u, now, g)
	f.plain(u.hits.mean())
	f.plain(math.Log2(f.scale))
	f.plain(now.Sub(u.first).Hours())
	f.plain(now.Sub(u.last).Hours())
	f.plain(u.slots.coverage(end, recent))
	f.plain(float64(now.UTC().Hour()))
	f.plain(float64(now.UTC().Weekday()))
	return f.row
}

// Scale returns what usage of n by s is divided by to be free of units.
func Scale(s *Subject, n resource.Name) float64 { return scaleOf(s, n) }

// scaleOf is what usage is divided by to be free of units: the limit, or the
// largest usage seen where no limit is known.
func scaleOf(s *Subject, n resource.Name) float64 {
	if limit := s.Limit(n); limit > 0 {
		return limit
	}
	if u := s.usage(n); u != nil && u.peak > 0 {
		return u.peak
	}
	return 1
}

type featureRow struct {
	row            []float32
	scale          float64
	middle, spread float64 // of the maxima of past spans, in the resource's unit
}

func (f *featureRow) plain(v float64)     { f.row = append(f.row, float32(v)) }
func (f *featureRow) usage(v float64)     { f.row = append(f.row, float32((v-f.middle)/f.spread)) }
func (f *featureRow) deviation(v float64) { f.row = append(f.row, float32(v/f.spread)) }

// windows walks once from the newest slot back, writing mean, deviation and
// maximum wherever a window ends.
func (f *featureRow) windows(s *slots, end int64) {
	var sum, sq, count float64
	largest := math.Inf(-1)
	back := int64(0)
	for _, w := range windows {
		for ; back < int64(w.span/s.length); back++ {
			i, ok := s.at(end - back)
			if !ok {
				continue
			}
			mean := float64(s.sum[i]) / float64(s.count[i])
			sum, sq, count = sum+mean, sq+mean*mean, count+1
			largest = max(largest, float64(s.max[i]))
		}
		if count == 0 {
			f.row = append(f.row, nan32, nan32, nan32)
			continue
		}
		mean := sum / count
		f.usage(mean)
		f.deviation(math.Sqrt(max(0, sq/count-mean*mean)))
		f.usage(largest)
	}
}

func (f *featureRow) slotQuantiles(s *slots, end int64, span time.Duration) {
	values := make([]float32, 0, len(s.max))
	for back := range int64(span / s.length) {
		if v, ok := s.maxAt(end - back); ok {
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		f.row = append(f.row, nan32, nan32, nan32)
		return
	}
	for _, p := range [...]float64{.5, .9, .99} {
		f.usage(float64(selectQuantile(values, p)))
	}
}

// spans writes the maxima of some of the spans before now, and how all of them
// are spread.
func (f *featureRow) spans(maxima []float32) {
	for _, i := range [...]int{0, 1, 2, 6} {
		f.nth(maxima, i)
	}
	if len(maxima) == 0 {
		f.row = append(f.row, nan32, nan32)
	} else {
		var sum, sq float64
		for _, v := range maxima {
			sum, sq = sum+float64(v), sq+float64(v)*float64(v)
		}
		mean := sum / float64(len(maxima))
		f.usage(mean)
		f.deviation(math.Sqrt(max(0, sq/float64(len(maxima))-mean*mean)))
	}
	slices.Sort(maxima)
	slices.Reverse(maxima)
	f.nth(maxima, 1)
	f.nth(maxima, 2)
}

func (f *featureRow) nth(values []float32, i int) {
	if i < len(values) {
		f.usage(float64(values[i]))
	} else {
		f.row = append(f.row, nan32)
	}
}

func (f *featureRow) profile(u *Usage, now time.Time, g forecast.Grid) {
	profile, ok := u.profile(now, g)
	if !ok {
		f.row = append(f.row, nan32, nan32)
		return
	}
	var sum float64
	for _, v := range profile {
		sum += float64(v)
	}
	f.usage(float64(slices.Max(profile)))
	f.usage(sum / float64(len(profile)))
}

// coverage is the share of the slots of span before end that hold a sample.
func (s *slots) coverage(end int64, span time.Duration) float64 {
	n, seen := int64(span/s.length), 0
	for back := range n {
		if _, ok := s.at(end - back); ok {
			seen++
		}
	}
	return float64(seen) / float64(n)
}

var nan32 = float32(math.NaN())
