package registry

import (
	"fmt"
	"slices"
	"strings"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/resource"
)

// Restored is a role that a rollback gave back to what served it before.
type Restored struct {
	Role    Role
	Term    Term
	Skipped []string // newer artefacts that cannot be used any more
}

// Rollback puts back in service what served the role before. It undoes one
// promotion; a second Rollback undoes the one before. Artefacts that cannot be used
// any more are passed over.
//
// What serves together goes back together: a profile takes with it the margins that
// were calibrated for its sums, a learned model those that were with its peaks, and
// margins the profiles they were calibrated for.
// The role itself is the first of what is returned.
func (r *Registry) Rollback(role Role, why string) (restored []Restored, err error) {
	err = r.update(func(c Champions) error {
		back, err := r.back(c, role, why, func(string) bool { return true })
		if err != nil {
			return err
		}
		restored = []Restored{back}
		n, profile := role.profiled()
		target, learned := role.target()
		switch {
		case learned:
			return r.takePeaks(c, target.Resource, why, &restored)
		case profile:
			return r.takeMargins(c, n, why, &restored)
		case role == MarginsRole:
			return r.takeProfiles(c, why, &restored)
		}
		return nil
	})
	return restored, err
}

// back gives a role back to the newest of what served it before, of those that want
// accepts. Neither that nor what served since can be rolled back to again.
func (r *Registry) back(c Champions, role Role, why string, want func(id string) bool) (Restored, error) {
	s := c[role]
	if len(s.Past) == 0 {
		return Restored{}, fmt.Errorf("roll back %s: nothing served it before", role)
	}
	back := Restored{Role: role}
	var unusable error
	for i, past := range s.Past {
		if past.ID != "" {
			if err := r.usable(role, past.ID); err != nil {
				back.Skipped, unusable = append(back.Skipped, past.ID), err
				continue
			}
		}
		if !want(past.ID) {
			continue
		}
		back.Term = Term{past.ID, now(), why}
		if len(back.Skipped) > 0 {
			back.Term.Why += fmt.Sprintf(" (passed over, as unusable: %s)", strings.Join(back.Skipped, ", "))
		}
		c[role] = Service{Term: back.Term, Dismissed: s.Dismissed, Past: s.Past[i+1:]}
		return back, nil
	}
	if unusable != nil {
		return Restored{}, fmt.Errorf("roll back %s: %w (promote another artefact)", role, unusable)
	}
	return Restored{}, fmt.Errorf("roll back %s: nothing that served it before fits what else serves", role)
}

// usable reports why an artefact cannot serve a role, its content looked at, too: that
// of another version of the program is whole, and cannot be read for all that.
func (r *Registry) usable(role Role, id string) error {
	if err := r.fits(role, id); err != nil {
		return err
	}
	m, files, err := r.Load(id)
	if err != nil {
		return err
	}
	switch m.Kind {
	case Learned:
		_, err = models.DecodeLearned(files)
	case Profile:
		_, err = models.DecodeProfiler(files)
	case Prior:
		_, err = models.DecodePrior(files)
	case Margins:
		_, err = models.DecodeMargins(files)
	}
	if err != nil {
		return fmt.Errorf("artefact %s: %w", id, err)
	}
	return nil
}

// takeMargins puts margins in service that know sums of the profile that n is told
// by now: those that are, with what older ones know of it beside it; or older ones
// alone where those that are cannot be used. Where none does, sums of n count as sums
// of peaks until a night has calibrated them, which every Set says.
func (r *Registry) takeMargins(c Champions, n resource.Name, why string, restored *[]Restored) error {
	service, profiler := c[MarginsRole], c[ProfileRole(n)].ID
	var serving models.NodeMargins
	knows := func(id string) bool {
		m, err := r.nodeMargins(id)
		return err == nil && m.Knows(n, profiler)
	}
	if service.ID != "" {
		m, err := r.nodeMargins(service.ID)
		if err != nil { // they serve no other resource either: all of older ones does
			if back, err := r.back(c, MarginsRole, why, knows); err == nil {
				*restored = append(*restored, back)
			}
			return nil
		}
		if m.Knows(n, profiler) {
			return nil
		}
		serving = m
	}
	for _, past := range service.Past {
		older, err := r.nodeMargins(past.ID)
		if past.ID == "" || err != nil || !older.Knows(n, profiler) {
			continue
		}
		serving.Add(older.For(n, profiler))
		id, err := r.saveMargins(serving)
		if err != nil {
			return fmt.Errorf("roll back %s: %w", MarginsRole, err)
		}
		term := Term{id, now(), fmt.Sprintf("%s (those in service, with what %s has for %s)", why, past.ID, ProfileRole(n))}
		c.promote(MarginsRole, term)
		*restored = append(*restored, Restored{Role: MarginsRole, Term: term})
		return nil
	}
	return nil
}

// takePeaks puts margins in service, for sums of n as they are told now, that were
// calibrated with peaks nearer to those of the models that serve n now than those in
// service were. They stay where none were, or none say, until the next night.
func (r *Registry) takePeaks(c Champions, n resource.Name, why string, restored *[]Restored) error {
	service, profiler := c[MarginsRole], c[ProfileRole(n)].ID
	serving, err := r.nodeMargins(service.ID)
	if service.ID == "" || err != nil {
		return nil // nothing to pair with; said wherever they are used
	}
	serves := c.learnedOf(n)
	least, noted := serving.Apart(n, profiler, serves)
	if !noted || least == 0 {
		return nil
	}
	var best models.NodeMargins
	var from string
	for _, past := range service.Past {
		older, err := r.nodeMargins(past.ID)
		if past.ID == "" || err != nil {
			continue
		}
		if apart, noted := older.Apart(n, profiler, serves); noted && apart < least {
			least, best, from = apart, older.For(n, profiler), past.ID
		}
	}
	if from == "" {
		return nil
	}
	serving = serving.Without(n, profiler)
	serving.Add(best)
	id, err := r.saveMargins(serving)
	if err != nil {
		return fmt.Errorf("roll back %s: %w", MarginsRole, err)
	}
	term := Term{id, now(), fmt.Sprintf("%s (those in service, with what %s has for %s beside these peaks)", why, from, n)}
	c.promote(MarginsRole, term)
	*restored = append(*restored, Restored{Role: MarginsRole, Term: term})
	return nil
}

// learnedOf returns the artefacts of the learned models of n in service, sorted.
func (c Champions) learnedOf(n resource.Name) (ids []string) {
	for role, s := range c {
		if t, ok := role.target(); ok && t.Resource == n && s.ID != "" {
			ids = append(ids, s.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// takeProfiles gives profiles back whose sums the margins in service do not know.
func (r *Registry) takeProfiles(c Champions, why string, restored *[]Restored) error {
	id := c[MarginsRole].ID
	if id == "" {
		return nil
	}
	m, err := r.nodeMargins(id)
	if err != nil {
		return fmt.Errorf("roll back %s: %w", MarginsRole, err)
	}
	for _, n := range m.Resources() {
		role := ProfileRole(n)
		if _, known := c[role]; !known || m.Knows(n, c[role].ID) {
			continue
		}
		back, err := r.back(c, role, why, func(id string) bool { return m.Knows(n, id) })
		if err != nil { // what tells slots without a profile
			back = Restored{Role: role, Term: Term{"", now(), why}}
			c.promote(role, back.Term)
		}
		*restored = append(*restored, back)
	}
	return nil
}

// nodeMargins loads margins.
func (r *Registry) nodeMargins(id string) (models.NodeMargins, error) {
	m, files, err := r.Load(id)
	if err != nil {
		return models.NodeMargins{}, err
	}
	if !m.serves(MarginsRole) {
		return models.NodeMargins{}, fmt.Errorf("artefact %s: %w: a %s artefact", id, ErrCorrupt, m.Kind)
	}
	margins, err := models.DecodeMargins(files)
	if err != nil {
		return margins, fmt.Errorf("artefact %s: %w", id, err)
	}
	return margins, nil
}

func (r *Registry) saveMargins(m models.NodeMargins) (id string, err error) {
	files, err := models.EncodeMargins(m)
	if err != nil {
		return "", err
	}
	meta, err := r.Save(Meta{Kind: Margins}, files)
	return meta.ID, err
}

// tried reports whether artefacts are tried for the role before they serve it.
func (r Role) tried() bool {
	_, learned := r.target()
	_, profile := r.profiled()
	return learned || profile
}
