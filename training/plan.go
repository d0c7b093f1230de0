package training

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

// plan is what a night will read, and how much of it is kept.
type plan struct {
	Options
	split

	workloads int
	samples   int64
	tooOld    int64                      // samples of series that ended before the window
	tracks    map[string]bool            // workloads that are judged
	placed    bool                       // most samples name the node they come from
	nodes     map[string]bool            // those judged whole, nil for all
	keep      map[workload.Class]float64 // share of a class's possible rows that is learned from
}

// classOf names the class rows of c are counted under.
func classOf(c workload.Class) workload.Class {
	if c == "" {
		return models.AnyClass
	}
	return c
}

// newPlan looks at what there is before the end that until makes of the newest
// sample. ok is false, with the reason, where it is too little.
func newPlan(ctx context.Context, h History, o Options, until func(newest time.Time, slot time.Duration) time.Time) (p plan, why string, ok bool, err error) {
	stats, err := h.Series(ctx, store.Query{})
	if err != nil {
		return plan{}, "", false, fmt.Errorf("list history: %w", err)
	}
	p = plan{Options: o, tracks: map[string]bool{}, keep: map[workload.Class]float64{}}
	if len(stats) == 0 {
		return p, "no history at all", false, nil
	}
	seen := extentOf(stats)
	seen.To = until(seen.To, o.Grid.Slot)
	if from := seen.To.Add(-o.Window); seen.From.Before(from) { // by a sample of long ago, maybe, and weeks of nothing
		recent, err := h.Series(ctx, store.Query{Window: timeseries.Window{From: from, To: seen.To.Add(o.Grid.Slot)}})
		if err != nil {
			return plan{}, "", false, fmt.Errorf("list history: %w", err)
		}
		if len(recent) > 0 {
			seen.From = extentOf(recent).From
		}
	}
	p.split, why, ok = newSplit(seen, o)
	for _, s := range stats {
		if s.Last.Before(p.whole.From) {
			p.tooOld += s.Samples
		}
	}

	if p.Step == 0 {
		ended := func(s store.SeriesStat) bool { return s.Last.Before(p.whole.From) }
		p.Step = stepOf(slices.DeleteFunc(slices.Clone(stats), ended), p.Grid.Slot)
	}
	p.choose(p.lives(stats))
	return p, why, ok, nil
}

// extentOf returns the times of the first sample of all series and of the last.
func extentOf(stats []store.SeriesStat) (w timeseries.Window) {
	for _, s := range stats {
		if w.From.IsZero() || s.First.Before(w.From) {
			w.From = s.First
		}
		if s.Last.After(w.To) {
			w.To = s.Last
		}
	}
	return w
}
