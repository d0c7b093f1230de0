package app

import (
	"testing"
	"time"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// What a store holds of a trace tells how it was moved, however much of it is there.
func TestShiftBefore(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2020, 1, 6, hour, 0, 0, 0, time.UTC) }
	trace := map[string]extent{"a": {at(0), at(48)}, "b": {at(5), at(40)}, "c": {at(9), at(48)}}
	const week = 7 * 24
	for name, c := range map[string]struct {
		stored map[string]extent
		want   int // hours
	}{
		"nothing":              {nil, 0},
		"another trace":        {map[string]extent{"x": {at(week), at(week + 1)}}, 0},
		"at its own times":     {trace, 0},
		"all of it":            {map[string]extent{"a": {at(week), at(week + 48)}, "b": {at(week + 5), at(week + 40)}, "c": {at(week + 9), at(week + 48)}}, week},
		"its first hours":      {map[string]extent{"a": {at(week), at(week + 7)}, "b": {at(week + 5), at(week + 7)}}, week},
		"its first workloads":  {map[string]extent{"a": {at(week), at(week + 48)}, "b": {at(week + 5), at(week + 11)}}, week},
		"its end, by now":      {map[string]extent{"a": {at(week + 20), at(week + 48)}, "b": {at(week + 20), at(week + 40)}, "c": {at(week + 20), at(week + 48)}}, week},
		"nothing alike enough": {map[string]extent{"a": {at(week), at(week + 1)}, "b": {at(week + 1), at(week + 2)}, "c": {at(week + 2), at(week + 3)}}, 0},
	} {
		var stats []store.SeriesStat
		for id, e := range c.stored {
			stats = append(stats, store.SeriesStat{Key: timeseries.Key{Workload: id}, First: e.first, Last: e.last})
		}
		by, ok := shiftBefore(stats, trace)
		if ok != (c.want > 0) || by != time.Duration(c.want)*time.Hour {
			t.Errorf("%s: moved by %v, %v; want %d h", name, by, ok, c.want)
		}
	}
}

// Stores cut times to milliseconds, those of a trace may be finer.
func TestShiftBeforeOfFineTimes(t *testing.T) {
	first := time.Date(2020, 1, 6, 0, 0, 0, 0, time.UTC)
	trace := map[string]extent{}
	var stats []store.SeriesStat
	for i, id := range []string{"a", "b", "c"} {
		own := extent{first.Add(time.Duration(123_456*(i+1)) * time.Nanosecond), first.Add(time.Hour + time.Duration(i)*777*time.Microsecond)}
		trace[id] = own
		stats = append(stats, store.SeriesStat{Key: timeseries.Key{Workload: id},
			First: own.first.Add(time.Hour).Truncate(time.Millisecond), Last: own.last.Add(time.Hour).Truncate(time.Millisecond)})
	}
	if by, ok := shiftBefore(stats, trace); !ok || by != time.Hour {
		t.Errorf("moved by %v, %v; want 1h", by, ok)
	}
}

// A few samples ahead of the clock do not say when a trace ends; more of them do.
func TestExtentsOfWhatIsAhead(t *testing.T) {
	latest := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		past, ahead int
		want        time.Duration // of its end, behind latest
	}{
		"none ahead":               {300, 0, 0},
		"a stray":                  {300, 1, 0},
		"a stray of a short trace": {3, 1, 0},
		"hours of a trace":         {300, 12, 12 * time.Hour},
		"all":                      {0, 300, 300 * time.Hour},
		"one sample":               {0, 1, time.Hour},
	} {
		samples := func(yield func(timeseries.Sample, error) bool) {
			for i := -c.past + 1; i <= c.ahead; i++ {
				s := timeseries.Sample{Key: timeseries.Key{Workload: "a"}, Time: latest.Add(time.Duration(i) * time.Hour), Usage: resource.Vector{}.With(resource.CPU, 1)}
				if !yield(s, nil) {
					return
				}
			}
		}
		got, err := extentsOf(samples, latest)
		if err != nil || !got.end.Equal(latest.Add(c.want)) || !got.of["a"].last.Equal(got.end) {
			t.Errorf("%s: ends %v, %v; want %v", name, got.end, err, latest.Add(c.want))
		}
	}
}
