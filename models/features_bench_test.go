package models

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// lived returns a history of days with samples every five minutes, and the
// moment after the last.
func lived(days int, seed uint64) (*History, time.Time) {
	rng := rand.New(rand.NewPCG(seed, 0))
	h := NewHistory(forecast.DefaultGrid())
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	now := start
	for range days * 288 {
		h.Add(&timeseries.Sample{
			Key: timeseries.Key{Workload: "w"}, Time: now,
			Usage: resource.Of(4*rng.Float64(), 8e9*rng.Float64()), Limit: resource.Of(4, 8e9),
		})
		now = now.Add(5 * time.Minute)
	}
	return h, now
}

func BenchmarkRow(b *testing.B) {
	h, now := lived(28, 1)
	s := Observed(h)
	var row []float32
	var ok bool
	for b.Loop() {
		row, _, ok = Row(row[:0], &s, resource.CPU, now, forecast.DefaultGrid())
	}
	if !ok || len(row) != len(Features()) {
		b.Fatalf("%d features, %v", len(row), ok)
	}
}

func BenchmarkAdd(b *testing.B) {
	h, now := lived(28, 1)
	sample := timeseries.Sample{Key: h.Key, Usage: resource.Of(1, 1e9), Limit: resource.Of(4, 8e9)}
	for b.Loop() {
		now = now.Add(5 * time.Minute)
		sample.Time = now
		h.Add(&sample)
	}
	if !h.Last().Equal(now) {
		b.Fatal("the samples were not added")
	}
}

func BenchmarkPercentiles(b *testing.B) {
	h, now := lived(28, 1)
	s := Observed(h)
	var ok bool
	for b.Loop() {
		_, ok = Percentiles{}.Predict(&s, resource.CPU, now, forecast.DefaultGrid())
	}
	if !ok {
		b.Fatal("nothing predicted")
	}
}
