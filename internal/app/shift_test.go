package app

import (
	"testing"
	"time"

	"github.com/auspex-project/auspex/internal/store"
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
