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

// extents returns those of a trace's workloads. Rows that cannot be read are passed
// over, and those that lie after latest: the import itself reports them.
func extents(samples iter.Seq2[timeseries.Sample, error], latest time.Time) (all map[string]extent, end time.Time, err error) {
	all = map[string]extent{}
	for s, err := range samples {
		var bad *datasets.RowError
		switch {
		case errors.As(err, &bad) || err == nil && s.Time.After(latest):
			continue
		case err != nil:
			return nil, end, err
		}
		e, seen := all[s.Key.Workload]
		if !seen || s.Time.Before(e.first) {
			e.first = s.Time
		}
		if !seen || s.Time.After(e.last) {
			e.last = s.Time
		}
		all[s.Key.Workload] = e
		if s.Time.After(end) {
			end = s.Time
		}
	}
	return all, end, nil
}

// shiftBefore returns by how much the trace was shifted that the store holds already,
// or a part of it: by what most of its workloads lie apart from those of the trace, at
// their beginning or, where that was deleted since, at their end. ok is false where the
// store holds none of it, or holds it at its own times.
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
	for _, apart := range [...]func(a, b extent) time.Duration{
		func(a, b extent) time.Duration { return a.first.Sub(b.first) },
		func(a, b extent) time.Duration { return a.last.Sub(b.last) },
	} {
		shifts := map[time.Duration]int{}
		for id, e := range stored {
			if own, known := trace[id]; known {
				shifts[apart(e, own)]++
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

// endingNow moves the samples of usage so that they end now; or as they were moved when
// the store took them before, so that nothing is in it twice. Which it was is in why.
func endingNow(ctx context.Context, history store.History, usage *datasets.Usage, latest time.Time) (_ iter.Seq2[timeseries.Sample, error], why string, err error) {
	samples := usage.Samples(ctx)
	trace, end, err := extents(samples, latest)
	if err != nil {
		return nil, "", err
	}
	stats, err := history.Series(ctx, store.Query{Sources: []string{usage.Label()}})
	if err != nil {
		return nil, "", err
	}
	by, before := shiftBefore(stats, trace)
	if before && end.Add(by).After(latest) {
		before = false
		why = fmt.Sprintf("%s has grown since it was imported before: it is moved anew, and what the store holds of it stays beside it", usage.Label())
	} else if before {
		why = fmt.Sprintf("%s was imported before, to end %s: it is written at the same times again, and no sample twice (to have it end now, import it into an empty store)",
			usage.Label(), end.Add(by).UTC().Format(time.RFC3339))
	}
	if !before {
		by = time.Since(end).Truncate(time.Millisecond)
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
