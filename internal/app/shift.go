package app

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/auspex-project/auspex/datasets"
	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/timeseries"
)

// extent is when the samples of a workload begin and end.
type extent struct{ first, last time.Time }

// extents are those of a trace's workloads.
type extents struct {
	of   map[string]extent
	end  time.Time // of the latest
	rows int
}

func (e *extents) add(s *timeseries.Sample) {
	e.rows++
	own, seen := e.of[s.Key.Workload]
	if !seen || s.Time.Before(own.first) {
		own.first = s.Time
	}
	if !seen || s.Time.After(own.last) {
		own.last = s.Time
	}
	e.of[s.Key.Workload] = own
	if e.rows == 1 || s.Time.After(e.end) {
		e.end = s.Time
	}
}

// mostAhead is the share of rows whose times may be wrong, one besides.
const mostAhead = .01

// extentsOf returns those of a trace. Rows that cannot be read are passed over, and a
// few that lie after latest: the import itself reports them. Of a trace with more of
// those it is the clock that was ahead, and they count like all others.
func extentsOf(samples iter.Seq2[timeseries.Sample, error], latest time.Time) (extents, error) {
	past, all := extents{of: map[string]extent{}}, extents{of: map[string]extent{}}
	for s, err := range samples {
		var bad *datasets.RowError
		switch {
		case errors.As(err, &bad):
			continue
		case err != nil:
			return extents{}, err
		}
		all.add(&s)
		if !s.Time.After(latest) {
			past.add(&s)
		}
	}
	if ahead := float64(all.rows - past.rows); ahead > 1+mostAhead*float64(all.rows) || past.rows == 0 {
		return all, nil
	}
	return past, nil
}

// shiftBefore returns by how much the trace was shifted that the store holds already,
// or a part of it: by what most of its workloads lie apart from those of the trace, at
// their beginning or, where that was deleted since, at their end, in whole milliseconds:
// stores may cut what is finer. ok is false where the store holds none of it, or holds
// it at its own times.
func shiftBefore(stats []store.SeriesStat, trace map[string]extent) (by time.Duration, ok bool) {
	stored := map[string]extent{}
	for _, s := range stats {
		e, seen := stored[s.Key.Workload]
		if !seen || s.First.Before(e.first) {
			e.first = s.First
		}
		if s.Last.After(e.last) {
			e.last = s.Last
		}
		stored[s.Key.Workload] = e
	}
	for _, between := range [...]func(a, b extent) time.Duration{
		func(a, b extent) time.Duration { return apart(a.first, b.first) },
		func(a, b extent) time.Duration { return apart(a.last, b.last) },
	} {
		shifts := map[time.Duration]int{}
		for id, e := range stored {
			if own, known := trace[id]; known {
				shifts[between(e, own)]++
			}
		}
		for shift, n := range shifts {
			if 2*n > len(stored) && shift != 0 {
				return shift, true
			}
		}
	}
	return 0, false
}

// apart returns how far b lies before a, in whole milliseconds.
func apart(a, b time.Time) time.Duration {
	return a.Truncate(time.Millisecond).Sub(b.Truncate(time.Millisecond))
}

// endingNow moves the samples of usage so that they end now; or as they were moved when
// the store took them before, so that nothing is in it twice. Which it was is in why.
func endingNow(ctx context.Context, history store.History, usage *datasets.Usage, latest time.Time) (_ iter.Seq2[timeseries.Sample, error], why string, err error) {
	samples := usage.Samples(ctx)
	trace, err := extentsOf(samples, latest)
	if err != nil {
		return nil, "", err
	}
	stats, err := history.Series(ctx, store.Query{Sources: []string{usage.Label()}})
	if err != nil {
		return nil, "", err
	}
	by, before := shiftBefore(stats, trace.of)
	if before && trace.end.Add(by).After(latest) {
		before = false
		why = fmt.Sprintf("%s has grown since it was imported before: it is moved anew, and what the store holds of it stays beside it", usage.Label())
	} else if before {
		why = fmt.Sprintf("%s was imported before, to end %s: it is written at the same times again, and no sample twice (to have it end now, import it into an empty store)",
			usage.Label(), trace.end.Add(by).UTC().Format(time.RFC3339))
	}
	if !before {
		by = time.Since(trace.end).Truncate(time.Millisecond)
	}
	return shifted(samples, by), why, nil
}

// shifted moves all times alike.
func shifted(samples iter.Seq2[timeseries.Sample, error], by time.Duration) iter.Seq2[timeseries.Sample, error] {
	return func(yield func(timeseries.Sample, error) bool) {
		for s, err := range samples {
			s.Time = s.Time.Add(by)
			if !yield(s, err) {
				return
			}
		}
	}
}
