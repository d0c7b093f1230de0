package serving

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/models/serving/nodes"
	"github.com/auspex-project/auspex/models/trial"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// slotWatch tries profilers in shadow: what they say that workloads add to sums is
// held, slot by slot, against what comes, beside what the profiler in service says.
type slotWatch struct {
	grid     forecast.Grid
	registry *registry.Registry
	shadow   time.Duration // a trial takes at least
	cases    int           // spans of workloads a trial takes at least
	kept     slotsNote
}

// slotsNote is what survives a restart.
type slotsNote struct {
	Grid    forecast.Grid `json:"grid,omitzero"`
	Record  *trial.Record `json:"record"`  // of single slots
	Pending []slotPledges `json:"pending"` // oldest first, one a slot at most
	Day     int64         `json:"day"`     // of the newest look
}

// slotPledges are what was said of the slots of one span.
type slotPledges struct {
	Start time.Time    `json:"start"`
	Of    []slotPledge `json:"of"`
}

type slotPledge struct {
	Workload string        `json:"workload"`
	App      string        `json:"app"` // what it shares its load with
	Resource resource.Name `json:"resource"`
	Scale    float32       `json:"scale"`
	Said     []slotSaying  `json:"said"` // the champion's first
}

type slotSaying struct {
	Model   string    `json:"model"`
	Profile []float32 `json:"profile"` // by slot of the grid
}

const (
	// slotsClass names what profilers are tried for in the record: they know no classes.
	slotsClass workload.Class = "(slots)"

	// maxSlotPledges bounds the workloads asked in one slot.
	maxSlotPledges = 250
)

// newSlotWatch takes up the record where it was left. One that cannot be read is
// begun anew, with the reason in err.
func newSlotWatch(o *Options) (*slotWatch, error) {
	levels := models.SlotLevels()[len(models.SlotLevels())-1:] // what is added to sums
	fresh := slotsNote{Grid: o.Grid, Record: &trial.Record{Levels: levels}}
	w := &slotWatch{grid: o.Grid, registry: o.Registry, shadow: o.Shadow, cases: o.ShadowCases, kept: slotsNote{Grid: o.Grid, Record: &trial.Record{Levels: levels}}}
	err := o.Registry.DecodeNote(registry.SlotsNote, &w.kept)
	if err == nil && (w.kept.Record == nil || !slices.Equal(w.kept.Record.Levels, levels)) {
		err = fmt.Errorf("read %s: no record of quantiles at %v", registry.SlotsNote, levels)
	}
	if err == nil && w.kept.Grid != o.Grid {
		err = otherGrid(registry.SlotsNote, w.kept.Grid, o.Grid)
	}
	for _, p := range w.kept.Pending {
		for _, of := range p.Of {
			if len(of.Said) != 2 || len(of.Said[0].Profile) != o.Grid.Slots || len(of.Said[1].Profile) != o.Grid.Slots || !(of.Scale > 0) {
				err = fmt.Errorf("read %s: %d sayings of %s", registry.SlotsNote, len(of.Said), of.Workload)
			}
		}
	}
	if err != nil {
		w.kept = fresh
	}
	return w, err
}

// pledge notes what is said of the span that begins with the next slot, where a
// profiler is in shadow and nothing is noted yet.
func (w *slotWatch) pledge(p *page, histories map[string]*models.History, now time.Time) (noted bool) {
	if len(p.set.ProfilerChallengers) == 0 {
		return false
	}
	start := now.Truncate(w.grid.Slot).Add(w.grid.Slot)
	w.kept.Pending = slices.DeleteFunc(w.kept.Pending, func(p slotPledges) bool { return p.Start.After(start) }) // by a clock that was ahead
	if n := len(w.kept.Pending); n > 0 && w.kept.Pending[n-1].Start.Equal(start) {
		return false
	}
	var ids []string
	for id := range p.entries {
		if due(id, w.grid.Index(start), w.grid.Slots) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	every := max(1, (len(ids)+maxSlotPledges-1)/maxSlotPledges)
	next := slotPledges{Start: start}
	for i := int(start.Unix()/int64(w.grid.Span()/time.Second)) % every; i < len(ids); i += every {
		s := models.Observed(histories[ids[i]])
		for _, n := range slices.Sorted(maps.Keys(p.set.ProfilerChallengers)) {
			if of, ok := w.ask(p.set, &s, n, now); ok {
				next.Of = append(next.Of, of)
			}
		}
	}
	w.kept.Pending = append(w.kept.Pending, next)
	return true
}

// ask is what both profilers of n say of s, not ok where one does not speak.
func (w *slotWatch) ask(set *models.Set, s *models.Subject, n resource.Name, now time.Time) (of slotPledge, ok bool) {
	of = slotPledge{Workload: s.ID, App: group(s), Resource: n, Scale: float32(models.Scale(s, n))}
	challenger := set.ProfilerChallengers[n]
	for _, by := range []models.ProfilerChallenger{{ID: set.ProfilerIDs[n], Model: set.Profilers[n]}, challenger} {
		d, ok := models.Percentiles{Profilers: map[resource.Name]*models.Profiler{n: by.Model}}.Predict(s, n, now, w.grid)
		if !ok || d.SlotQuantiles == nil {
			return of, false
		}
		of.Said = append(of.Said, slotSaying{by.ID, d.Profile})
	}
	return of, of.Scale > 0
}

// judge counts the pledges whose span is over.
func (w *slotWatch) judge(histories map[string]*models.History, now time.Time) {
	for len(w.kept.Pending) > 0 && !now.Before(w.kept.Pending[0].Start.Add(w.grid.Span())) {
		p := w.kept.Pending[0]
		for i := range p.Of {
			if h := histories[p.Of[i].Workload]; h != nil {
				w.count(&p.Of[i], p.Start, h.Usage(p.Of[i].Resource))
			}
		}
		w.kept.Pending = w.kept.Pending[1:]
	}
	w.kept.Record.Forget(now.Add(-window))
}

// slotsJudged is how many slots of a span are: it was asked about in the slot before,
// and what is said of the last, the same slot of the day, was said of that.
func (w *slotWatch) slotsJudged() int { return max(w.grid.Slots-1, 1) }

func (w *slotWatch) count(of *slotPledge, start time.Time, u *models.Usage) {
	if u == nil {
		return
	}
	level := w.kept.Record.Levels[0]
	for i := range w.slotsJudged() {
		at := start.Add(time.Duration(i) * w.grid.Slot)
		came, measured := u.MaxOver(at, 1)
		if measured == 0 {
			continue
		}
		var losses [2]float64
		for k, said := range of.Said {
			q := float64(said.Profile[w.grid.Index(at)])
			losses[k] = backtest.Pinball(level, q, came) / float64(of.Scale)
			w.kept.Record.Count(string(slotsClass), string(of.Resource), said.Model, of.App, start, []bool{came > q*(1+1e-6)}, losses[k], losses[k]-losses[0])
		}
	}
}

// act looks at the trials once a day and ends those that are over. It returns what
// was changed.
func (w *slotWatch) act(set *models.Set, sums *nodes.Watch, now time.Time) (changes []change, err error) {
	day := now.Unix() / int64(24*60*60)
	if ahead := w.kept.Day - day; len(set.ProfilerChallengers) == 0 || ahead == 0 || ahead == 1 { // further ahead, the clock was wrong
		return nil, nil
	}
	w.kept.Day = day
	champions, err := w.registry.Champions()
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, n := range slices.Sorted(maps.Keys(set.ProfilerChallengers)) {
		role, id := registry.ProfileRole(n), set.ProfilerChallengers[n].ID
		service := champions[role]
		if service.Challenger == nil || service.Challenger.ID != id {
			continue
		}
		outcome, why, over := w.conclude(sums, n, service.ID, id, now.Sub(service.Challenger.Since))
		if !over {
			continue
		}
		err := w.registry.Conclude(role, id, outcome == promoted, why)
		if errors.Is(err, registry.ErrNoTrial) {
			continue // somebody else has ended it meanwhile
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		changes = append(changes, change{models.Target{Class: slotsClass, Resource: n}, id, outcome, why})
	}
	return changes, errors.Join(errs...)
}

// conclude decides about a trial as watch.conclude does, by single slots and by the sums
// of nodes. A promise that the champion breaks, too, dismisses nobody.
func (w *slotWatch) conclude(sums *nodes.Watch, n resource.Name, champion, challenger string, in time.Duration) (o outcome, why string, over bool) {
	r := w.kept.Record
	e := r.Of(string(slotsClass), string(n), challenger)
	if e == nil {
		return dismissed, fmt.Sprintf("nothing could be judged within %v", in.Round(time.Hour)), in >= longestTrial*w.shadow
	}
	spans, level := e.Tally.Cases()/w.slotsJudged(), r.Levels[0]
	loss, toChampion, misses := r.Loss(e), r.ToChampion(e), r.Misses(e, level)
	than := fmt.Sprintf("a loss of %.5f a slot over %d spans, %+.5f against the champion's (give or take %.5f)", loss.Mean, spans, toChampion.Mean, toChampion.Reach(trial.Alpha))
	if spans >= fewestJudged {
		if toChampion.Above(0, trial.Alpha) {
			return dismissed, "in shadow it did worse: " + than, true
		}
		before := r.Of(string(slotsClass), string(n), champion)
		if trial.Broken(level, misses) && (before == nil || !trial.Broken(level, r.Misses(before, level))) {
			return dismissed, "in shadow " + trial.Describe(level, misses), true
		}
	}
	summed, worse := sums.Trial(n, champion, challenger)
	if worse != "" {
		return dismissed, "in shadow " + worse, true
	}
	if summed > 0 {
		than += fmt.Sprintf(", nor by sums over %d nodes and days", summed)
	}
	return promoted, "in shadow it did no worse: " + than, in >= w.shadow && spans >= w.cases || in >= longestTrial*w.shadow
}

// save writes what must survive a restart.
func (w *slotWatch) save() error {
	if err := w.registry.EncodeNote(registry.SlotsNote, w.kept); err != nil {
		return fmt.Errorf("save record of slots: %w", err)
	}
	return nil
}
