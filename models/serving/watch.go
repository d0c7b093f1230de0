package serving

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/models/trial"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// watch holds past forecasts against what happened, and acts on it: a champion
// that is shown to break its promises goes out of service, a challenger that is
// not shown to be worse takes over.
type watch struct {
	grid     forecast.Grid
	registry *registry.Registry
	shadow   time.Duration // a trial takes at least
	cases    int           // forecasts a trial takes at least

	pending []pledges // oldest first, one a slot at most
	record  *trial.Record
	looks   looks
}

// looks are what a look at the record, once a day, found.
type looks struct {
	Grid    forecast.Grid  `json:"grid,omitzero"` // of all that is kept
	Day     int64          `json:"day"`           // of the newest
	Broken  map[string]int `json:"broken"`        // in how many in a row a model's promise was broken, by role and model
	Pending []pledges      `json:"pending"`       // kept with them
}

const (
	// window is how far back the record reaches.
	window = 14 * 24 * time.Hour

	// fewestJudged is below which the record takes nothing out of service, and
	// looksToFall how many daily looks in a row must find a promise broken: looking
	// every day is testing every day.
	fewestJudged = 100
	looksToFall  = 2

	// longestTrial is when a trial ends with however little was judged, as a
	// multiple of its shortest.
	longestTrial = 7
)

// newWatch takes up the record where it was left. One that cannot be read, or is of
// another grid, is begun anew, with the reason in err.
func newWatch(o *Options) (w *watch, err error) {
	w = &watch{grid: o.Grid, registry: o.Registry, shadow: o.Shadow, cases: o.ShadowCases, record: &trial.Record{Levels: models.Levels()}}
	recordErr, looksErr := o.Registry.DecodeNote(registry.RecordNote, w.record), o.Registry.DecodeNote(registry.PledgesNote, &w.looks)
	if recordErr == nil && !slices.Equal(w.record.Levels, models.Levels()) {
		recordErr = fmt.Errorf("read %s: quantiles of %v (want %v)", registry.RecordNote, w.record.Levels, models.Levels())
	}
	if looksErr == nil {
		looksErr = w.looks.validate()
	}
	if looksErr == nil && w.looks.Grid != (forecast.Grid{}) && w.looks.Grid != o.Grid {
		looksErr = otherGrid(registry.PledgesNote, w.looks.Grid, o.Grid)
		recordErr = errors.Join(recordErr, fmt.Errorf("read %s: of the same grid", registry.RecordNote))
	}
	if recordErr != nil {
		w.record = &trial.Record{Levels: models.Levels()}
	}
	if looksErr != nil {
		w.looks = looks{}
	}
	if w.looks.Broken == nil {
		w.looks.Broken = map[string]int{}
	}
	w.pending, w.looks.Pending, w.looks.Grid = w.looks.Pending, nil, o.Grid
	return w, errors.Join(recordErr, looksErr)
}

func (l *looks) validate() error {
	for _, p := range l.Pending {
		for _, of := range p.Of {
			for _, said := range of.Said {
				if len(said.Quantiles) != len(models.Levels()) || !(of.Scale > 0) {
					return fmt.Errorf("read %s: %d quantiles of %s, in %g", registry.PledgesNote, len(said.Quantiles), of.Workload, of.Scale)
				}
			}
		}
	}
	return nil
}

// otherGrid says that a note is about spans of another grid than the one in use: what
// was promised for them is no promise for these.
func otherGrid(note string, of, use forecast.Grid) error {
	return fmt.Errorf("read %s: promises for %d slots of %v (want %d of %v)", note, of.Slots, of.Slot, use.Slots, use.Slot)
}

// pledge notes what p says about the span that begins with the next slot, if
// nothing has been noted for it. What was noted by a clock that was ahead is
// dropped: nothing else would be noted until then.
func (w *watch) pledge(p *page, histories map[string]*models.History, now time.Time) (noted bool) {
	start := now.Truncate(w.grid.Slot).Add(w.grid.Slot)
	w.pending = slices.DeleteFunc(w.pending, func(p pledges) bool { return p.Start.After(start) })
	if n := len(w.pending); n > 0 && !w.pending[n-1].Start.Before(start) {
		return false
	}
	w.pending = append(w.pending, p.ask(histories, now))
	return true
}

// judge counts the pledges whose span is over.
func (w *watch) judge(histories map[string]*models.History, now time.Time) {
	for len(w.pending) > 0 && !now.Before(w.pending[0].Start.Add(w.grid.Span())) {
		for i := range w.pending[0].Of {
			w.pending[0].Of[i].judge(w.record, w.pending[0].Start, w.grid, histories)
		}
		w.pending = w.pending[1:]
	}
	w.record.Forget(now.Add(-window))
}

// save writes the record and what is pending, so that a restart loses neither.
func (w *watch) save() error {
	kept := w.looks
	kept.Pending = w.pending
	err := errors.Join(w.registry.EncodeNote(registry.RecordNote, w.record), w.registry.EncodeNote(registry.PledgesNote, kept))
	if err != nil {
		return fmt.Errorf("save record of forecasts: %w", err)
	}
	return nil
}

// change is something the watch has done to what serves.
type change struct {
	target  models.Target // whose role it is
	model   string
	outcome outcome
	why     string
}

type outcome string

const (
	fellBack  outcome = "fell_back"
	promoted  outcome = "promoted"
	dismissed outcome = "dismissed"
)

// act looks at the record once a day and changes what serves where it must. It
// returns what was changed; what could not be is tried again the next day.
func (w *watch) act(set *models.Set, now time.Time) ([]change, error) {
	day := now.Unix() / int64(24*60*60)
	if ahead := w.looks.Day - day; ahead == 0 || ahead == 1 { // further ahead, the clock was wrong
		return nil, nil
	}
	w.looks.Day = day
	var changes []change
	var errs []error
	for _, c := range append(w.falls(set), w.concludes(set, now)...) {
		role := registry.LearnedRole(c.target)
		var err error
		if c.outcome == fellBack {
			err = w.registry.Retire(c.target, c.model, c.why)
		} else {
			err = w.registry.Conclude(role, c.model, c.outcome == promoted, c.why)
		}
		if errors.Is(err, registry.ErrNotServing) || errors.Is(err, registry.ErrNoTrial) {
			continue // somebody else has changed it meanwhile
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		changes = append(changes, c)
	}
	return changes, errors.Join(errs...)
}

// falls returns the classes whose champion is shown to break its promises. Only a
// new champion brings them back: this one has had its chance.
func (w *watch) falls(set *models.Set) (changes []change) {
	broken := map[string]int{}
	for _, e := range w.record.Entries() {
		target := models.Target{Class: workload.Class(e.Class), Resource: resource.Name(e.Resource)}
		champion, ok := set.Champion(target)
		if !ok || champion.ID != e.Model || e.Tally.Cases() < fewestJudged {
			continue
		}
		why := w.record.Broken(e)
		if why == "" {
			continue
		}
		name := string(registry.LearnedRole(target)) + " " + e.Model
		if broken[name] = w.looks.Broken[name] + 1; broken[name] >= looksToFall {
			changes = append(changes, change{target, e.Model, fellBack, "measured in service, " + why})
		}
	}
	w.looks.Broken = broken
	return changes
}

// concludes returns the trials that are over. A challenger that is shown to be
// worse than the champion, or to break its promises, is dismissed at once; one
// that is not takes over when it has been in shadow long enough: the gate has
// shown already that it is better.
func (w *watch) concludes(set *models.Set, now time.Time) (changes []change) {
	champions, err := w.registry.Champions()
	if err != nil {
		return nil // said by whoever loads the set
	}
	for _, target := range rolesOf(set) {
		challenger, ok := set.Challengers[target]
		service := champions[registry.LearnedRole(target)]
		if !ok || service.Challenger == nil || service.Challenger.ID != challenger.ID {
			continue
		}
		e := w.record.Pooled(string(target.Resource), challenger.ID, func(class string) bool {
			return set.RoleOf(models.Target{Class: workload.Class(class), Resource: target.Resource}) == target
		})
		if outcome, why, over := w.conclude(e, now.Sub(service.Challenger.Since)); over {
			changes = append(changes, change{target, challenger.ID, outcome, why})
		}
	}
	return changes
}

func (w *watch) conclude(e *trial.Entry, in time.Duration) (o outcome, why string, over bool) {
	cases := e.Tally.Cases()
	if cases == 0 {
		return dismissed, fmt.Sprintf("nothing could be judged within %v", in.Round(time.Hour)), in >= longestTrial*w.shadow
	}
	loss, toChampion := w.record.Loss(e), w.record.ToChampion(e)
	than := fmt.Sprintf("a loss of %.5f over %d cases, %+.5f against the champion's (give or take %.5f)", loss.Mean, cases, toChampion.Mean, toChampion.Reach(trial.Alpha))
	if toChampion.Above(0, trial.Alpha) && cases >= fewestJudged {
		return dismissed, "in shadow it did worse: " + than, true
	}
	if broken := w.record.Broken(e); broken != "" && cases >= fewestJudged {
		return dismissed, "in shadow " + broken, true
	}
	return promoted, "in shadow it did no worse: " + than, in >= w.shadow && cases >= w.cases || in >= longestTrial*w.shadow
}

// log says loudly what was changed.
func (c change) log(l *slog.Logger) {
	attrs := []any{"class", c.target.Class, "resource", c.target.Resource, "model", c.model, "why", c.why}
	switch c.outcome {
	case fellBack:
		l.Error("coverage out of its band: the class falls back to its own percentiles until a new champion serves", attrs...)
	case dismissed:
		l.Warn("challenger dismissed", attrs...)
	default:
		l.Info("challenger promoted", attrs...)
	}
}
