package registry

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/resource"
)

// Set loads everything in service, ready to make forecasts over g. An artefact
// that cannot be used is left out, so that what it served falls back to the next
// link of the chain, and its error is in refused: the caller must make it heard.
// A registry whose champions cannot be read serves nothing and says so. The
// classifier is named, not loaded: package classify reads it.
func (r *Registry) Set(g forecast.Grid) (set *models.Set, refused []error) { return r.SetAfter(g) }

// SetAfter is Set as it would be after changes.
func (r *Registry) SetAfter(g forecast.Grid, changes ...Change) (set *models.Set, refused []error) {
	set = &models.Set{Grid: g, Champions: map[models.Target]models.Champion{}, Challengers: map[models.Target]models.Champion{},
		Profilers: map[resource.Name]*models.Profiler{}, ProfilerIDs: map[resource.Name]string{}, ProfilerChallengers: map[resource.Name]models.ProfilerChallenger{}}
	champions, err := r.Champions()
	if err != nil {
		return set, []error{err}
	}
	champions = champions.with(changes)
	learned := map[string]*models.Learned{} // one model may serve several classes
	for _, role := range slices.Sorted(maps.Keys(champions)) {
		if err := r.fill(set, role, champions[role], learned); err != nil {
			refused = append(refused, fmt.Errorf("champion of %s falls back: %w", role, err))
		}
		if c := champions[role].Challenger; c != nil {
			if err := r.shadow(set, role, c.ID, learned); err != nil {
				refused = append(refused, fmt.Errorf("challenger of %s is not shadowed: %w", role, err))
			}
		}
	}
	if err := r.fillMargins(set, champions[MarginsRole].ID); err != nil {
		refused = append(refused, err)
	}
	return set, refused
}

// shadow loads a challenger.
func (r *Registry) shadow(set *models.Set, role Role, id string, learned map[string]*models.Learned) error {
	if n, ok := role.profiled(); ok {
		model, err := r.Profiler(id, n, set.Grid)
		if err == nil {
			set.ProfilerChallengers[n] = models.ProfilerChallenger{ID: id, Model: model}
		}
		return err
	}
	target, ok := role.target()
	if !ok {
		return nil
	}
	model, err := r.learned(id, role, set.Grid, learned)
	if err == nil {
		set.Challengers[target] = models.Champion{ID: id, Model: model}
	}
	return err
}

// fillMargins takes the margins of what tells slots, as it has turned out.
func (r *Registry) fillMargins(set *models.Set, id string) error {
	if id == "" {
		return nil
	}
	margins, err := r.nodeMargins(id)
	if err != nil {
		return fmt.Errorf("champion of %s falls back: %w", MarginsRole, err)
	}
	var unknown []resource.Name
	set.Margins, unknown = margins.Of(set.ProfilerIDs)
	set.MarginsID = id
	for n, c := range set.ProfilerChallengers {
		c.Margins, _ = margins.For(n, c.ID).Of(map[resource.Name]string{n: c.ID})
		set.ProfilerChallengers[n] = c
	}
	var errs []error
	for _, n := range unknown {
		errs = append(errs, fmt.Errorf("margins %s know no sums of %s by %q: they count as sums of peaks (until the next night; or roll back)", id, n, set.ProfilerIDs[n]))
	}
	return errors.Join(errs...)
}

func (r *Registry) fill(set *models.Set, role Role, service Service, learned map[string]*models.Learned) error {
	id := service.ID
	target, isLearned := role.target()
	if isLearned {
		// What falls back does not fall to the model of any class.
		set.Champions[target] = models.Champion{Fell: id != "" || service.Fell()}
	}
	if role == ClassifierRole {
		set.ClassifierID = id
		return nil
	}
	if id == "" || role == MarginsRole {
		return nil
	}
	if isLearned {
		model, err := r.learned(id, role, set.Grid, learned)
		if err == nil {
			set.Champions[target] = models.Champion{ID: id, Model: model}
		}
		return err
	}
	if n, ok := role.profiled(); ok {
		profiler, err := r.Profiler(id, n, set.Grid)
		if err == nil {
			set.Profilers[n], set.ProfilerIDs[n] = profiler, id
		}
		return err
	}
	m, files, err := r.Load(id)
	if err != nil {
		return err
	}
	if !m.serves(role) {
		return fmt.Errorf("artefact %s: %w: a %s artefact", id, ErrCorrupt, m.Kind)
	}
	prior, err := models.DecodePrior(files)
	if err != nil {
		return fmt.Errorf("artefact %s: %w", id, err)
	}
	set.Prior, set.PriorID = prior, id
	return nil
}

// Profiler loads what tells slots to come of n over g.
func (r *Registry) Profiler(id string, n resource.Name, g forecast.Grid) (*models.Profiler, error) {
	m, files, err := r.Load(id)
	if err != nil {
		return nil, err
	}
	if !m.serves(ProfileRole(n)) {
		return nil, fmt.Errorf("artefact %s: %w: a %s artefact", id, ErrCorrupt, m.Kind)
	}
	profiler, err := models.DecodeProfiler(files)
	if err == nil {
		err = matches(profiler.Grid(), g)
	}
	if err != nil {
		return nil, fmt.Errorf("artefact %s: %w", id, err)
	}
	return profiler, nil
}

// learned loads a learned model once.
func (r *Registry) learned(id string, role Role, g forecast.Grid, loaded map[string]*models.Learned) (*models.Learned, error) {
	if loaded[id] != nil {
		return loaded[id], nil
	}
	m, files, err := r.Load(id)
	if err != nil {
		return nil, err
	}
	if !m.serves(role) {
		return nil, fmt.Errorf("artefact %s: %w: a %s artefact", id, ErrCorrupt, m.Kind)
	}
	model, err := models.DecodeLearned(files)
	if err != nil {
		return nil, fmt.Errorf("artefact %s: %w", id, err)
	}
	if err := matches(model.Grid(), g); err != nil {
		return nil, fmt.Errorf("artefact %s: %w", id, err)
	}
	loaded[id] = model
	return model, nil
}

// matches reports a model of another grid than the one in use.
func matches(of, use forecast.Grid) error {
	if of != use {
		return fmt.Errorf("trained for %d slots of %v, not the %d of %v in use (train again)", of.Slots, of.Slot, use.Slots, use.Slot)
	}
	return nil
}
