package nodes

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/models/trial"
	"github.com/auspex-project/auspex/resource"
)

// Watch compares what is promised for the sums of nodes with what they used. It is not
// safe for concurrent use.
type Watch struct {
	grid     forecast.Grid
	registry *registry.Registry
	kept     note
	seats    map[string][]*seat // by workload, of what is pending
}

// note is what survives a restart.
type note struct {
	Grid    forecast.Grid         `json:"grid,omitzero"`  // of the promises
	Record  *trial.Record         `json:"record"`         // its models are names of bands, and of who is tried in shadow
	Asked   time.Time             `json:"asked,omitzero"` // begin of the newest promises
	Looked  int64                 `json:"looked"`         // span of the newest look
	Pending []pledges             `json:"pending"`        // oldest first
	Broken  map[string]int        `json:"broken"`         // in how many looks in a row, by key of the band
	Needs   map[string][]dayNeeds `json:"needs"`          // margins that would have been just enough, by key of the band

	// Profilers are the artefacts that told the slots of the promises in the record, by
	// resource, none for earlier days.
	Profilers map[resource.Name]string `json:"profilers,omitempty"`
}

// dayNeeds are margins that promises that began on a day needed.
type dayNeeds struct {
	Day int32     `json:"day"` // since 1970, UTC
	Q   []float32 `json:"q"`
}

const (
	// window is how far back the record reaches.
	window = 14 * 24 * time.Hour

	// fewest nodes and days are below which nothing is raised, and looksToRaise how many
	// looks in a row must find a promise broken: looking every day is testing every day.
	fewest       = 100
	looksToRaise = 2

	dayLength = 24 * time.Hour

	// minMeasured is the share of the slots that must have been measured of every member
	// for the sum to say anything.
	minMeasured = .75
)

func newNote(g forecast.Grid) note {
	return note{Grid: g, Record: &trial.Record{Levels: levels[:]}, Broken: map[string]int{}, Needs: map[string][]dayNeeds{}}
}

// New takes up the record where r has it. One that cannot be read, or is of another
// grid, is begun anew, with the reason in err.
func New(g forecast.Grid, r *registry.Registry) (w *Watch, err error) {
	w = &Watch{grid: g, registry: r, kept: newNote(g)}
	if err = r.DecodeNote(registry.NodesNote, &w.kept); err == nil {
		err = w.kept.validate(g)
	}
	if err != nil {
		w.kept = newNote(g)
	}
	w.seat()
	return w, err
}

func (k *note) validate(g forecast.Grid) error {
	switch {
	case k.Record == nil:
		return fmt.Errorf("read %s: it holds no record", registry.NodesNote)
	case !slices.Equal(k.Record.Levels, levels[:]):
		return fmt.Errorf("read %s: promises at %v (want %v)", registry.NodesNote, k.Record.Levels, levels)
	case k.Grid != g:
		return fmt.Errorf("read %s: promises for %d slots of %v (want %d of %v)", registry.NodesNote, k.Grid.Slots, k.Grid.Slot, g.Slots, g.Slot)
	}
	for _, p := range k.Pending {
		for _, of := range p.Of {
			if len(of.Promised) != len(levels) || len(of.Limits) != len(of.Members) || of.PartsSlot < 1 || of.PartsSlot > mostParts ||
				of.Rival != nil && len(of.Rival.Promised) != len(levels) {
				return fmt.Errorf("read %s: %d promises for node %s", registry.NodesNote, len(of.Promised), of.Node)
			}
		}
	}
	if k.Needs == nil {
		k.Needs = map[string][]dayNeeds{}
	}
	return nil
}

// Save writes what must survive a restart.
func (w *Watch) Save() error {
	if err := w.registry.EncodeNote(registry.NodesNote, w.kept); err != nil {
		return fmt.Errorf("save record of nodes: %w", err)
	}
	return nil
}

// Record is what became of promises, by class, resource and name of the band.
func (w *Watch) Record() *trial.Record { return w.kept.Record }

// Judge counts the promises whose time is over, and looks at the record once a span. A
// slot more is waited for, for samples that come late. It returns the bands whose state
// it has changed.
func (w *Watch) Judge(now time.Time) []Change {
	over := func(p pledges) bool {
		return !now.Before(p.Start.Add(time.Duration(w.slotsOf(p.Horizon)+1) * w.grid.Slot))
	}
	for i := range w.kept.Pending {
		p := &w.kept.Pending[i]
		if !over(*p) {
			continue
		}
		for k := range p.Of {
			of := &p.Of[k]
			if actual, ok := of.came(w.slotsOf(p.Horizon)); ok && of.Profiler == w.kept.Profilers[of.Resource] {
				w.count(of, Band{of.Resource, of.Size, p.Horizon}, p.Start, actual)
			}
		}
	}
	w.kept.Pending = slices.DeleteFunc(w.kept.Pending, over)
	w.seat()
	span := now.Add(-w.grid.Slot).Unix() / int64(w.grid.Span()/time.Second)
	if ahead := w.kept.Looked - span; ahead == 0 || ahead == 1 { // further ahead, the clock was wrong
		return nil
	}
	w.kept.Looked = span
	since := now.Add(-window)
	w.kept.Record.Forget(since)
	for key, days := range w.kept.Needs {
		days = slices.DeleteFunc(days, func(d dayNeeds) bool { return d.Day < dayOf(since) })
		if w.kept.Needs[key] = days; len(days) == 0 {
			delete(w.kept.Needs, key)
		}
	}
	return w.look()
}

func dayOf(at time.Time) int32 { return int32(at.Unix() / int64(dayLength/time.Second)) }

// count counts one promise.
func (w *Watch) count(of *pledge, b Band, start time.Time, actual float32) {
	var limit float32
	for _, l := range of.Limits {
		limit += l
	}
	missed, loss := outcome(of.Promised, actual, limit)
	record := func(model string, missed []bool, loss, toChampion float64) {
		w.kept.Record.Count(string(of.Class), string(of.Resource), model, groupOf(of.Node), start, missed, loss, toChampion)
	}
	record(b.name(), missed, loss, 0)
	if of.Rival != nil {
		theirs, lossOfTheirs := outcome(of.Rival.Promised, actual, limit)
		record(sumsBy(of.Profiler), missed, loss, 0)
		record(sumsBy(of.Rival.Profiler), theirs, lossOfTheirs, lossOfTheirs-loss)
	}
	key, day := b.key(), dayOf(start)
	days := w.kept.Needs[key]
	at := slices.IndexFunc(days, func(d dayNeeds) bool { return d.Day == day })
	if at < 0 {
		at, days = len(days), append(days, dayNeeds{Day: day})
	}
	days[at].Q = append(days[at].Q, forecast.Needed(of.Low, of.High, limit, actual))
	w.kept.Needs[key] = days
}

// outcome returns which promises were passed, and their mean loss as a share of limit.
func outcome(promised []float32, actual, limit float32) (missed []bool, loss float64) {
	for i, level := range levels {
		missed = append(missed, actual > promised[i]*(1+1e-6))
		loss += backtest.Pinball(level, float64(promised[i]), float64(actual)) / float64(limit) / float64(len(levels))
	}
	return missed, loss
}

// Trial is what became of a profiler in shadow by the sums of nodes: how many were
// compared, and why it should not serve, "" where nothing speaks against it.
func (w *Watch) Trial(n resource.Name, champion, challenger string) (cases int, worse string) {
	r := w.kept.Record
	everywhere := func(string) bool { return true }
	theirs, ours := r.Pooled(string(n), sumsBy(challenger), everywhere), r.Pooled(string(n), sumsBy(champion), everywhere)
	if cases = theirs.Tally.Cases(); cases < fewest {
		return cases, ""
	}
	if toChampion := r.ToChampion(theirs); toChampion.Above(0, trial.Alpha) {
		return cases, fmt.Sprintf("sums of nodes by it did worse: a loss of %.5f over %d nodes and days, %+.5f against the champion's (give or take %.5f)",
			r.Loss(theirs).Mean, cases, toChampion.Mean, toChampion.Reach(trial.Alpha))
	}
	if broken := r.Broken(theirs); broken != "" && r.Broken(ours) == "" {
		return cases, "of sums of nodes " + broken
	}
	return cases, ""
}

// Follow forgets what became of promises for a resource whose slots are told
// otherwise by now: its margins are others, on another scale. It returns the bands
// that are no longer raised for it. A set without margins promises nothing: that of a
// registry that cannot be read just now makes nothing forgotten.
func (w *Watch) Follow(set *models.Set) (changes []Change) {
	if set.MarginsID == "" || maps.Equal(w.kept.Profilers, set.ProfilerIDs) {
		return nil
	}
	changed := func(n resource.Name) bool { return w.kept.Profilers[n] != set.ProfilerIDs[n] }
	w.kept.Record.Drop(func(e *trial.Entry) bool { return changed(resource.Name(e.Resource)) })
	for _, key := range slices.Sorted(maps.Keys(w.kept.Broken)) {
		if b, _ := bandOf(key); changed(b.Resource) {
			if w.Raised(b) {
				changes = append(changes, Change{b, Unjudged, "its slots are told otherwise by now"})
			}
			delete(w.kept.Broken, key)
		}
	}
	maps.DeleteFunc(w.kept.Needs, func(key string, _ []dayNeeds) bool { b, _ := bandOf(key); return changed(b.Resource) })
	w.kept.Profilers = maps.Clone(set.ProfilerIDs)
	return changes
}
