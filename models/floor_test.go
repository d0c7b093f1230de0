package models

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

const gib = 1 << 30

// remembered returns the history of samples every hour.
func remembered(samples ...timeseries.Sample) *History {
	h := NewHistory(forecast.DefaultGrid())
	for i := range samples {
		samples[i].Key, samples[i].Time = timeseries.Key{Workload: "w"}, monday.Add(time.Duration(i)*time.Hour)
		h.Add(&samples[i])
	}
	return h
}

// However often a workload is killed, what it is expected to need follows what it
// was seen to use, and fades.
func TestTheFloorCannotRunAway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.Float64Range(1e6, 1e12).Draw(t, "limit")
		h := NewHistory(forecast.DefaultGrid())
		now := monday
		for range rapid.IntRange(1, 60).Draw(t, "samples") {
			now = now.Add(time.Duration(rapid.IntRange(1, 600).Draw(t, "minutes")) * time.Minute)
			used := limit * rapid.Float64Range(0, 1.5).Draw(t, "used")
			usage := resource.Of(1, used)
			if rapid.Bool().Draw(t, "killed") {
				usage = usage.With(Killed, 1)
			}
			h.Add(&timeseries.Sample{Key: timeseries.Key{Workload: "w"}, Time: now, Usage: usage, Limit: resource.Of(4, limit)})
			u := h.Usage(resource.Memory)
			if f := u.floor.left(now); f > max(killBump*limit, limit+killBumpLess)*(1+1e-9) {
				t.Fatalf("a floor of %g over a limit of %g", f, limit)
			}
			if f := u.floorAt(now); f > limit {
				t.Fatalf("a forecast of %g over the limit %g", f, limit)
			}
		}
		u := h.Usage(resource.Memory)
		if before, after := u.floor.left(now), u.floor.left(now.Add(floorHalf)); after > before/2*(1+1e-9) {
			t.Fatalf("a floor of %g is %g after its half-life", before, after)
		}
		if h.Usage(Killed) != nil {
			t.Fatal("kills are taken for usage")
		}
	})
}

// After a kill every hour may need as much, not only the one of the kill; it wears
// off, and a raised limit leaves room above what was seen.
func TestAKillLiftsEveryHour(t *testing.T) {
	grid := forecast.DefaultGrid()
	var calm, killed, hit []timeseries.Sample
	for hour := range 10 * 24 {
		used := 1. * gib
		if hour%24 == 12 {
			used = 2 * gib
		}
		s := timeseries.Sample{Usage: resource.Of(.1, used), Limit: resource.Of(1, 4*gib)}
		calm = append(calm, s)
		if hour == 10*24-5 {
			s.Usage = resource.Of(.1, 2*gib).With(Killed, 1)
		}
		killed = append(killed, s)
		if hour == 10*24-5 {
			s.Usage = resource.Of(.1, 3.95*gib)
		}
		hit = append(hit, s)
	}
	now := monday.Add(10 * 24 * time.Hour)
	night := func(h *History, now time.Time) forecast.Demand {
		s := Observed(h)
		d, ok := Percentiles{}.Predict(&s, resource.Memory, now, grid)
		if !ok {
			t.Fatal("no forecast")
		}
		return d
	}
	if d := night(remembered(calm...), now); d.Profile[3] > 1.1*gib {
		t.Errorf("a calm workload is expected to need %g GiB at night", d.Profile[3]/gib)
	}
	for name, samples := range map[string][]timeseries.Sample{"said to be killed": killed, "at its limit": hit} {
		h := remembered(samples...)
		if d := night(h, now); d.Profile[3] < 3.9*gib || d.Peak < 3.9*gib {
			t.Errorf("%s: expected to need %g GiB at night, %g at most", name, d.Profile[3]/gib, d.Peak/gib)
		}
		if d := night(h, now.Add(8*floorHalf)); d.Profile[3] > 1.1*gib {
			t.Errorf("%s: two weeks later still %g GiB", name, d.Profile[3]/gib)
		}
	}
	// CPU at its limit slows down, nothing more.
	for i := range calm {
		calm[i].Usage = resource.Of(1, gib)
	}
	if f := remembered(calm...).Usage(resource.CPU).floorAt(now); f != 0 {
		t.Errorf("CPU has a floor of %g", f)
	}
}
