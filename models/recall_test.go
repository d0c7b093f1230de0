package models

import (
	"testing"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

func TestRecall(t *testing.T) {
	h := NewHistory(forecast.DefaultGrid())
	start := time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC)
	for _, s := range []struct {
		after time.Duration
		cpu   float64
	}{
		{-30 * 24 * time.Hour, 9}, // before the memory
		{10 * time.Minute, 1}, {50 * time.Minute, 3},
		{2 * time.Hour, 5}, // leaves a gap
	} {
		h.Add(&timeseries.Sample{Key: timeseries.Key{Workload: "w"}, Time: start.Add(s.after), Usage: resource.Vector{}.With(resource.CPU, s.cpu)})
	}
	var got []Slot
	for s := range h.Usage(resource.CPU).Recall() {
		got = append(got, s)
	}
	want := []Slot{{start, 2, 3}, {start.Add(2 * time.Hour), 5, 5}}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("recalled %v, want %v", got, want)
	}
	for range newUsage(resource.CPU, time.Hour).Recall() {
		t.Error("a slot of nothing")
	}
}
