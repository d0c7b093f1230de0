package registry

import (
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
func (r *Registry) Set(g forecast.Grid) (set *models.Set, refused []error) {
	set = &models.Set{Grid: g, Champions: map[models.Target]models.Champion{}, Challengers: map[models.Target]models.Champion{},
		Profilers: map[resource.Name]*models.Profiler{}, ProfilerIDs: map[resource.Name]string{}}
	champions, err := r.Champions()
	if err != nil {
		return set, []error{err}
	}
	learned := map[string]*models.Learned{} // one model may serve several classes
	for _, role := range slices.Sorted(maps.Keys(champions)) {
		if err := r.fill(set, role, champions[role], learned); err != nil {
			refused = append(refused, fmt.Errorf("champion of %s falls back: %w", role, err))
		}
		target, isLearned := role.target()
		if c := champions[role].Challenger; c != nil && isLearned {
			model, err := r.learned(c.ID, role, set.Grid, learned)
			if err != nil {
				refused = append(refused, fmt.Errorf("challenger of %s is not shadowed: %w", role, err))
				continue
			}
			set.Challengers[target] = models.Champion{ID: c.ID, Model: model}
		}
	}
	return set, refused
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
	if id == "" {
		return nil
	}
	if isLearned {
		model, err := r.learned(id, role, set.Grid, learned)
		if err == nil {
			set.Champions[target] = models.Champion{ID: id, Model: model}
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
	if n, ok := role.profiled(); ok {
		profiler, err := models.DecodeProfiler(files)
		if err == nil {
			err = matches(profiler.Grid(), set.Grid)
		}
		if err != nil {
			return fmt.Errorf("artefact %s: %w", id, err)
		}
		set.Profilers[n], set.ProfilerIDs[n] = profiler, id
		return nil
	}
	switch role {
	case PriorRole:
		prior, err := models.DecodePrior(files)
		if err != nil {
			return fmt.Errorf("artefact %s: %w", id, err)
		}
		set.Prior, set.PriorID = prior, id
	case MarginsRole:
		margins, err := models.DecodeMargins(files)
		if err != nil {
			return fmt.Errorf("artefact %s: %w", id, err)
		}
		set.Margins, set.MarginsID = margins, id
	}
	return nil
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
