package registry

import (
	"errors"
	"fmt"

	"github.com/auspex-project/auspex/models"
)

// ErrNotServing says that an artefact does not serve a role, or no longer.
var ErrNotServing = errors.New("not in service")

// Retire takes an artefact out of service for t, which falls back to the next link
// of the chain. The error wraps ErrNotServing where something else serves t by
// now, by a role of its own or by that of any class.
func (r *Registry) Retire(t models.Target, id, why string) error {
	return r.update(func(c Champions) error {
		role := LearnedRole(t)
		s, own := c[role]
		if !own {
			s = c[LearnedRole(models.Target{Class: models.AnyClass, Resource: t.Resource})]
		}
		if s.ID != id || id == "" {
			return fmt.Errorf("retire %s from %s: %w", id, role, ErrNotServing)
		}
		c.promote(role, Term{"", now(), why})
		return nil
	})
}
