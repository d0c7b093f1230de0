package registry

import (
	"errors"
	"fmt"
	"time"
)

// ErrNoTrial says that an artefact is not in shadow for a role, or no longer.
var ErrNoTrial = errors.New("not in shadow")

// Conclude ends the trial of a role's challenger: it is promoted or dismissed.
// The error wraps ErrNoTrial where id is not, or no longer, in shadow.
func (r *Registry) Conclude(role Role, id string, promoted bool, why string) error {
	return r.update(func(c Champions) error {
		s := c[role]
		if s.Challenger == nil || s.Challenger.ID != id {
			return fmt.Errorf("conclude trial of %s for %s: %w", id, role, ErrNoTrial)
		}
		if promoted {
			if err := r.fits(role, id); err != nil {
				return fmt.Errorf("conclude trial: %w", err)
			}
			c.promote(role, Term{id, now(), why})
			return nil
		}
		s.Challenger, s.Dismissed = nil, &Term{id, now(), why}
		c[role] = s
		return nil
	})
}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
