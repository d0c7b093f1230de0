package store

import (
	"iter"
	"math"
	"slices"
	"time"

	"github.com/auspex-project/auspex/timeseries"
)

// Downsample folds samples, which come in the order of key, then time, into
// buckets. Memory grows with the samples of one window at most.
func Downsample(samples iter.Seq2[timeseries.Sample, error], d Downsampling) iter.Seq2[Bucket, error] {
	return func(yield func(Bucket, error) bool) {
		if err := d.Validate(); err != nil {
			yield(Bucket{}, err)
			return
		}
		var open Bucket
		var values []float64 // of the open bucket; none before the first
		for s, err := range samples {
			if err != nil {
				yield(Bucket{}, err)
				return
			}
			if !s.Usage.Has(d.Resource) {
				continue
			}
			start := windowStart(s.Time, d.Every)
			if len(values) > 0 && (s.Key != open.Key || !start.Equal(open.Start)) {
				open.Value = d.fold(values)
				if !yield(open, nil) {
					return
				}
				values = values[:0]
			}
			open.Key, open.Start = s.Key, start
			values = append(values, s.Usage.Get(d.Resource))
		}
		if len(values) > 0 {
			open.Value = d.fold(values)
			yield(open, nil)
		}
	}
}

// windowStart returns the start of the window that holds t, a time after 1970.
func windowStart(t time.Time, every time.Duration) time.Time {
	ms, step := t.UnixMilli(), every.Milliseconds()
	return time.UnixMilli(ms - ms%step).UTC()
}

// fold makes one value of many, whose order it may change.
func (d Downsampling) fold(values []float64) float64 {
	switch d.Aggregate {
	case Max:
		return slices.Max(values)
	case Mean:
		sum := 0.0
		for _, v := range values {
			sum += v
		}
		return sum / float64(len(values))
	}
	slices.Sort(values)
	rank := d.P * float64(len(values)-1)
	low, share := math.Modf(rank)
	v := values[int(low)]
	if share > 0 {
		v += share * (values[int(low)+1] - v)
	}
	return v
}
