package timeseries_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/timeseries"
)

var gap = math.NaN()

func same(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

func sameSeries(a, b timeseries.Series) bool {
	return a.Start.Equal(b.Start) && a.Step == b.Step && slices.EqualFunc(a.Values, b.Values, same)
}

func minutes(values ...float64) timeseries.Series {
	return timeseries.Series{Start: noon, Step: time.Minute, Values: values}
}

func minute(m float64) time.Time { return noon.Add(time.Duration(m * float64(time.Minute))) }

func TestSeries(t *testing.T) {
	s := minutes(1, gap, 3)
	if !s.End().Equal(minute(3)) {
		t.Errorf("ends at %v", s.End())
	}
	for m, want := range map[float64]float64{-0.1: gap, 0: 1, 0.99: 1, 1: gap, 2: 3, 2.99: 3, 3: gap, 1e6: gap} {
		if got := s.At(minute(m)); !same(got, want) {
			t.Errorf("at minute %v: %v, want %v", m, got, want)
		}
	}
	for want, s := range map[float64]timeseries.Series{0: {}, 2. / 3: s, 1: minutes(0)} {
		if got := s.Coverage(); got != want {
			t.Errorf("coverage of %v: %v, want %v", s.Values, got, want)
		}
	}
	if none := minutes(gap, gap).Coverage(); none != 0 {
		t.Errorf("coverage of gaps: %v", none)
	}
}

// The zero Series has neither values nor a step; nothing divides by it.
func TestZeroSeries(t *testing.T) {
	var zero timeseries.Series
	if got := zero.Slice(timeseries.Window{From: noon, To: minute(1)}); len(got.Values) != 0 {
		t.Errorf("slice: %v", got)
	}
	if got := zero.At(noon); !math.IsNaN(got) {
		t.Errorf("at noon: %v", got)
	}
	if got := zero.Coarsen(3, slices.Max); len(got.Values) != 0 || !zero.End().IsZero() {
		t.Errorf("coarsened: %v", got)
	}
}

// A slice holds the intervals that lie wholly in the window, and shares them.
func TestSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := minutes(rapid.SliceOfN(rapid.Float64Range(0, 9), 0, 12).Draw(t, "values")...)
		var w timeseries.Window
		edge := func(label string) time.Time {
			return minute(rapid.SampledFrom([]float64{-1e9, -2, -0.5, 0, 0.5, 1, 3, 3.25, 7, 11, 12, 12.5, 20, 1e9}).Draw(t, label))
		}
		if rapid.Bool().Draw(t, "has from") {
			w.From = edge("from")
		}
		if rapid.Bool().Draw(t, "has to") {
			w.To = edge("to")
		}
		var want []float64
		for i, v := range s.Values {
			from, to := minute(float64(i)), minute(float64(i+1))
			if (w.From.IsZero() || !from.Before(w.From)) && (w.To.IsZero() || !to.After(w.To)) {
				want = append(want, v)
			}
		}
		got := s.Slice(w)
		if !slices.Equal(got.Values, want) {
			t.Fatalf("slice %v of %v is %v, want %v", w, s, got, want)
		}
		if len(want) > 0 && (s.At(got.Start) != want[0] || &got.Values[0] != &s.Values[int(got.Start.Sub(s.Start)/s.Step)]) {
			t.Fatalf("slice %v of %v starts at %v", w, s, got.Start)
		}
		if cap(got.Values) != len(got.Values) {
			t.Fatal("appending to a slice would write into the series")
		}
	})
}

func TestSliceFarAway(t *testing.T) {
	s := timeseries.Series{Start: time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC), Step: time.Hour, Values: []float64{1, 2}}
	if got := s.Slice(timeseries.Window{From: noon}); len(got.Values) != 0 {
		t.Errorf("slice two thousand years on: %v", got)
	}
	s.Start = noon
	if got := s.Slice(timeseries.Window{To: time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC)}); len(got.Values) != 0 {
		t.Errorf("slice two thousand years ago: %v", got)
	}
}

func TestResample(t *testing.T) {
	points := []timeseries.Point{
		{minute(4.9), 7}, {minute(0), 1}, {minute(1.5), 3}, {minute(0.5), 2}, {minute(1.5), 5}, // in no order, two at one time
		{minute(-0.1), 100}, {minute(5), 100}, {minute(2), gap}, // outside, and no value
	}
	w := timeseries.Window{From: noon, To: minute(5)}
	for by, want := range map[timeseries.Aggregate][]float64{
		timeseries.Mean: {1.5, 4, gap, gap, 7}, timeseries.Max: {2, 5, gap, gap, 7}, timeseries.Last: {2, 5, gap, gap, 7},
	} {
		if got, err := timeseries.Resample(points, w, time.Minute, by); err != nil || !sameSeries(got, minutes(want...)) {
			t.Errorf("%s: %v, %v; want %v", by, got, err, want)
		}
	}
	zero, err := timeseries.Resample([]timeseries.Point{{noon, 0}}, w, 5*time.Minute, timeseries.Mean)
	if err != nil || len(zero.Values) != 1 || zero.Values[0] != 0 {
		t.Errorf("a measured zero: %v, %v", zero, err)
	}
}

func TestResampleRefuses(t *testing.T) {
	w := timeseries.Window{From: noon, To: minute(5)}
	for want, c := range map[string]struct {
		w    timeseries.Window
		step time.Duration
		by   timeseries.Aggregate
	}{
		"not before":                      {timeseries.Window{From: noon, To: noon}, time.Minute, timeseries.Max},
		"not a positive multiple of step": {w, 2 * time.Minute, timeseries.Max},
		"multiple of step 0s":             {w, 0, timeseries.Max},
		"multiple of step -1m0s":          {w, -time.Minute, timeseries.Max},
		"window of 0s":                    {timeseries.Window{From: noon}, time.Minute, timeseries.Max},
		`unknown aggregate "median"`:      {w, time.Minute, "median"},
	} {
		if s, err := timeseries.Resample([]timeseries.Point{{noon, 1}}, c.w, c.step, c.by); err == nil || !strings.Contains(err.Error(), want) || s.Values != nil {
			t.Errorf("%v, %v; want %q", s, err, want)
		}
	}
}

// Resample against a search through all points for every interval.
func TestResampleIsTheSearch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const n = 5
		var points []timeseries.Point
		for range rapid.IntRange(0, 15).Draw(t, "points") {
			v := float64(rapid.IntRange(0, 100).Draw(t, "value"))
			if rapid.IntRange(0, 9).Draw(t, "gap") == 0 {
				v = gap
			}
			points = append(points, timeseries.Point{Time: minute(float64(rapid.IntRange(-4, 4*n+4).Draw(t, "quarter")) / 4), Value: v})
		}
		before := slices.Clone(points)
		by := rapid.SampledFrom([]timeseries.Aggregate{timeseries.Mean, timeseries.Max, timeseries.Last}).Draw(t, "by")
		got, err := timeseries.Resample(points, timeseries.Window{From: noon, To: minute(n)}, time.Minute, by)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			want, count := gap, 0
			var last time.Time
			for _, p := range points {
				if p.Time.Before(minute(float64(i))) || !p.Time.Before(minute(float64(i+1))) || math.IsNaN(p.Value) {
					continue
				}
				switch {
				case count == 0:
					want, last = p.Value, p.Time
				case by == timeseries.Mean:
					want += p.Value
				case by == timeseries.Max:
					want = math.Max(want, p.Value)
				case by == timeseries.Last && !p.Time.Before(last):
					want, last = p.Value, p.Time
				}
				count++
			}
			if by == timeseries.Mean && count > 0 {
				want /= float64(count)
			}
			if !same(got.Values[i], want) {
				t.Fatalf("%s of interval %d is %v, want %v", by, i, got.Values[i], want)
			}
		}
		if !slices.EqualFunc(points, before, func(a, b timeseries.Point) bool { return a.Time.Equal(b.Time) && same(a.Value, b.Value) }) {
			t.Fatal("the points were changed")
		}
	})
}

func TestCoarsen(t *testing.T) {
	s := minutes(1, gap, 5, gap, gap, gap, 2)
	sum := func(present []float64) float64 {
		total := 0.0
		for _, v := range present {
			total += v
		}
		return total
	}
	for n, want := range map[int][]float64{1: {1, gap, 5, gap, gap, gap, 2}, 2: {1, 5, gap, 2}, 3: {6, gap, 2}, 100: {8}} {
		got := s.Coarsen(n, sum)
		if wanted := (timeseries.Series{Start: noon, Step: time.Duration(n) * time.Minute, Values: want}); !sameSeries(got, wanted) {
			t.Errorf("coarsened by %d: %v, want %v", n, got, wanted)
		}
	}
	if !sameSeries(s, minutes(1, gap, 5, gap, gap, gap, 2)) {
		t.Errorf("the series was changed: %v", s)
	}
}

// Coarsening a resampled series by its maximum is resampling on the wider grid.
func TestCoarsenIsResample(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var points []timeseries.Point
		for range rapid.IntRange(0, 20).Draw(t, "points") {
			points = append(points, timeseries.Point{Time: minute(float64(rapid.IntRange(0, 48).Draw(t, "quarter")) / 4), Value: rapid.Float64Range(0, 9).Draw(t, "value")})
		}
		w := timeseries.Window{From: noon, To: minute(12)}
		n := rapid.SampledFrom([]int{1, 2, 3, 4, 6, 12}).Draw(t, "n")
		fine, err := timeseries.Resample(points, w, time.Minute, timeseries.Max)
		if err != nil {
			t.Fatal(err)
		}
		wide, err := timeseries.Resample(points, w, time.Duration(n)*time.Minute, timeseries.Max)
		if err != nil {
			t.Fatal(err)
		}
		if got := fine.Coarsen(n, slices.Max); !sameSeries(got, wide) {
			t.Fatalf("coarsened by %d: %v, want %v", n, got, wide)
		}
	})
}

// FuzzResample holds for any two points and any window: no panic, and no value
// from nowhere.
func FuzzResample(f *testing.F) {
	f.Add(int16(0), int16(60), int16(10), int16(5), 1.0, int16(59), 2.0)
	f.Add(int16(-5), int16(7), int16(3), int16(-6), math.Inf(1), int16(7), gap)
	f.Add(int16(9), int16(9), int16(0), int16(9), 0.0, int16(9), 0.0)
	f.Fuzz(func(t *testing.T, from, to, step, at1 int16, v1 float64, at2 int16, v2 float64) {
		at := func(seconds int16) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }
		points := []timeseries.Point{{Time: at(at1), Value: v1}, {Time: at(at2), Value: v2}}
		w := timeseries.Window{From: at(from), To: at(to)}
		s, err := timeseries.Resample(points, w, time.Duration(step)*time.Second, timeseries.Max)
		if err != nil {
			return
		}
		if !s.End().Equal(w.To) {
			t.Errorf("series of %v ends at %v", w, s.End())
		}
		for _, v := range s.Values {
			if !same(v, v1) && !same(v, v2) && !math.IsNaN(v) {
				t.Errorf("value %v of %v", v, points)
			}
		}
	})
}
