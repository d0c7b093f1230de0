package training

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

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
	tracks    map[string]bool            // workloads that are judged
	keep      map[workload.Class]float64 // share of a class's possible rows that is learned from
}

// classOf names the class rows of c are counted under.
func classOf(c workload.Class) workload.Class {
	if c == "" {
		return models.AnyClass
	}
	return c
}

// newPlan looks at what there is. ok is false, with the reason, where it is too
// little.
func newPlan(ctx context.Context, h History, o Options) (p plan, why string, ok bool, err error) {
	stats, err := h.Series(ctx, store.Query{})
	if err != nil {
		return plan{}, "", false, fmt.Errorf("list history: %w", err)
	}
	p = plan{Options: o, tracks: map[string]bool{}, keep: map[workload.Class]float64{}}
	if len(stats) == 0 {
		return p, "no history at all", false, nil
	}
	var seen timeseries.Window
	for _, s := range stats {
		if seen.From.IsZero() || s.First.Before(seen.From) {
			seen.From = s.First
		}
		if s.Last.After(seen.To) {
			seen.To = s.Last
		}
	}
	p.split, why, ok = newSplit(seen, o)

	classes := map[string]workload.Class{} // by workload; of its newest series
	for _, s := range stats {
		if s.Last.Before(p.whole.From) {
			continue
		}
		classes[s.Key.Workload] = classOf(s.Key.Class)
		p.samples += s.Samples
	}
	p.workloads = len(classes)
	p.choose(classes)
	return p, why, ok, nil
}

// choose bounds what is kept: which workloads are judged, class by class in
// turn, and which share of a class's rows is learned from.
func (p *plan) choose(classes map[string]workload.Class) {
	byClass := map[workload.Class][]string{}
	for id, c := range classes {
		byClass[c] = append(byClass[c], id)
	}
	names := sortedKeys(byClass)
	for i, c := range names {
		ids := byClass[c]
		slices.Sort(ids)
		rng := rand.New(rand.NewPCG(p.Seed, uint64(i)))
		rng.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		possible := float64(len(ids)) * float64(p.train.Duration()) / float64(p.Grid.Slot)
		// The global model takes its rows from those of the classes.
		p.keep[c] = min(1, float64(p.MaxRows)/max(possible, 1))
	}
	for turn := 0; len(p.tracks) < min(p.MaxTracks, len(classes)); turn++ {
		for _, c := range names {
			if ids := byClass[c]; turn < len(ids) && len(p.tracks) < p.MaxTracks {
				p.tracks[ids[turn]] = true
			}
		}
	}
}

func sortedKeys[K ~string, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
