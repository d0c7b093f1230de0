package timeseries

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Series is one quantity on a regular grid: Values[i] covers
// [Start + i*Step, Start + (i+1)*Step). A gap is NaN.
type Series struct {
	Start  time.Time
	Step   time.Duration
	Values []float64
}

// End returns the end of the last interval.
func (s Series) End() time.Time { return s.Start.Add(time.Duration(len(s.Values)) * s.Step) }

// At returns the value of the interval that holds t, NaN outside the series.
func (s Series) At(t time.Time) float64 {
	i, ok := s.index(t)
	if !ok {
		return math.NaN()
	}
	return s.Values[i]
}

// Slice returns the part of s in w, sharing its values. Intervals that only
// partly lie in w are left out.
func (s Series) Slice(w Window) Series {
	if s.Step <= 0 { // the zero Series
		return s
	}
	from, to := 0, len(s.Values)
	if !w.From.IsZero() && w.From.After(s.Start) {
		skipped := w.From.Sub(s.Start)
		from = int(skipped / s.Step)
		if skipped%s.Step != 0 {
			from++
		}
	}
	if !w.To.IsZero() && w.To.Before(s.End()) {
		to = int(w.To.Sub(s.Start) / s.Step)
	}
	from = min(from, len(s.Values))
	to = max(from, to)
	return Series{Start: s.Start.Add(time.Duration(from) * s.Step), Step: s.Step, Values: s.Values[from:to:to]}
}

// Coverage returns the share of intervals that hold a value, 0 when empty.
func (s Series) Coverage() float64 {
	if len(s.Values) == 0 {
		return 0
	}
	n := 0
	for _, v := range s.Values {
		if !math.IsNaN(v) {
			n++
		}
	}
	return float64(n) / float64(len(s.Values))
}

func (s Series) index(t time.Time) (int, bool) {
	if t.Before(s.Start) || s.Step <= 0 {
		return 0, false
	}
	i := int(t.Sub(s.Start) / s.Step)
	return i, i < len(s.Values)
}

// Point is one measured value.
type Point struct {
	Time  time.Time
	Value float64
}

// Aggregate says how the points of one interval become one value.
type Aggregate string

const (
	Mean Aggregate = "mean"
	Max  Aggregate = "max"
	Last Aggregate = "last"
)

// Resample puts points onto the grid of step over w, which must have both ends
// and a length that is a multiple of step. Points may be in any order and are
// not kept; those outside w and NaN values are left out; an interval without a
// point is NaN.
func Resample(points []Point, w Window, step time.Duration, by Aggregate) (Series, error) {
	if err := w.Validate(); err != nil {
		return Series{}, fmt.Errorf("resample: %w", err)
	}
	if step <= 0 || w.Duration() <= 0 || w.Duration()%step != 0 {
		return Series{}, fmt.Errorf("resample: window of %v is not a positive multiple of step %v", w.Duration(), step)
	}
	n := int(w.Duration() / step)
	s := Series{Start: w.From, Step: step, Values: make([]float64, n)}
	count := make([]int, n)
	latest := make([]time.Time, n)
	for i := range s.Values {
		s.Values[i] = math.NaN()
	}
	for _, p := range points {
		i, ok := s.index(p.Time)
		if !ok || math.IsNaN(p.Value) {
			continue
		}
		switch {
		case count[i] == 0:
			s.Values[i] = p.Value
		case by == Mean:
			s.Values[i] += p.Value
		case by == Max:
			s.Values[i] = max(s.Values[i], p.Value)
		case by == Last && !p.Time.Before(latest[i]):
			s.Values[i] = p.Value
		}
		if count[i] == 0 || p.Time.After(latest[i]) {
			latest[i] = p.Time
		}
		count[i]++
	}
	switch by {
	case Mean:
		for i, c := range count {
			if c > 0 {
				s.Values[i] /= float64(c)
			}
		}
	case Max, Last:
	default:
		return Series{}, fmt.Errorf("resample: unknown aggregate %q (want mean, max or last)", by)
	}
	return s, nil
}

// Coarsen returns s on a grid n times as wide, each interval holding the
// aggregate of the values present; an interval with none is NaN. The last
// interval may be made of fewer values.
func (s Series) Coarsen(n int, by func(present []float64) float64) Series {
	out := Series{Start: s.Start, Step: s.Step * time.Duration(n)}
	present := make([]float64, 0, n)
	for block := range slices.Chunk(s.Values, n) {
		present = present[:0]
		for _, v := range block {
			if !math.IsNaN(v) {
				present = append(present, v)
			}
		}
		v := math.NaN()
		if len(present) > 0 {
			v = by(present)
		}
		out.Values = append(out.Values, v)
	}
	return out
}
