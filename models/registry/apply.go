package registry

import (
	"fmt"
	"maps"
)

// Change is one step in what serves.
type Change struct {
	Role Role
	ID   string // of the artefact; "" takes out of service what serves the role

	// Shadow tries the artefact beside the champion in place of promoting it. Where
	// nothing serves the role there is nothing to try it beside: it is promoted.
	Shadow bool

	Why string // people will read it
}

// Apply makes changes that belong together: readers see all of them or none, after
// a crash too. Artefacts must be whole and fit their roles, else nothing changes.
// What is in service or in shadow already stays as it is.
func (r *Registry) Apply(changes ...Change) error {
	return r.update(func(c Champions) error { return r.apply(c, changes) })
}

func (r *Registry) apply(c Champions, changes []Change) error {
	for _, change := range changes {
		if !change.Role.Known() {
			return fmt.Errorf("promote: no role %q", change.Role)
		}
		if change.Shadow && !change.Role.tried() {
			return fmt.Errorf("challenge: %s has no challengers, only learned roles and profiles do", change.Role)
		}
		if change.Shadow && change.ID == "" {
			return fmt.Errorf("challenge: no artefact to try for %s", change.Role)
		}
		if change.ID != "" {
			if err := r.fits(change.Role, change.ID); err != nil {
				return fmt.Errorf("promote: %w", err)
			}
		}
		c.apply(change)
	}
	return nil
}

// apply makes a change that is known to be possible.
func (c Champions) apply(change Change) {
	s, known := c[change.Role]
	_, learned := change.Role.target()
	term := Term{change.ID, now(), change.Why}
	switch {
	case change.Shadow && s.ID != "":
		if s.ID != change.ID && (s.Challenger == nil || s.Challenger.ID != change.ID) {
			s.Challenger = &term
			c[change.Role] = s
		}
	case !known && change.ID == "" && !learned: // only classes fall back apart from all others
	case !known || s.ID != change.ID || s.Challenger != nil:
		c.promote(change.Role, term)
	}
}

// with returns c as it would be after changes.
func (c Champions) with(changes []Change) Champions {
	c = maps.Clone(c)
	for _, change := range changes {
		c.apply(change)
	}
	return c
}

// Promote puts an artefact in service. An empty id takes whatever serves the role
// out of service. A challenger of the role is one no longer.
func (r *Registry) Promote(role Role, id, why string) error {
	return r.Apply(Change{Role: role, ID: id, Why: why})
}
