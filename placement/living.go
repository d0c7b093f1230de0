package placement

import (
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
)

// Living is the fleet as it changes; decisions read what is frozen of it. It has one
// owner, whose lock is held around every call.
type Living struct {
	state  *State
	frozen *loan // of state as it is, nil once that has changed
	loans  loans
}

// NewLiving returns a fleet without nodes.
func NewLiving(g forecast.Grid, s Settings, m forecast.Margins) *Living {
	return &Living{state: newState(g, newPolicy(s, m, []resource.Name{resource.CPU, resource.Memory}))}
}

// State returns the fleet as it is, for reading under the lock.
func (l *Living) State() *State { return l.state }

// Lend returns the fleet as it is, frozen until Done is called on it. Whoever forgets
// that costs copies, not memory.
func (l *Living) Lend() *State { return l.freeze().lend() }

// Keep returns the fleet as it is, frozen for good: what it is made of will be copied
// before it changes.
func (l *Living) Keep() *State {
	frozen := l.freeze()
	l.loans.keep(frozen)
	return frozen.state
}

// Is reports whether s, which was frozen of it, is the fleet as it is by now.
func (l *Living) Is(s *State) bool {
	return !l.state.stale && l.frozen != nil && l.frozen.state == s
}

// Change returns the fleet for changing, what no reader sees in place.
func (l *Living) Change() *State {
	l.frozen = nil
	l.state.shared = l.loans.shared()
	return l.state
}

// Readers returns how many are reading what was lent.
func (l *Living) Readers() int { return l.loans.readers() }

// Survey brings the catalogue up to date with the nodes and the policy.
func (l *Living) Survey() {
	if l.state.stale {
		l.state.Catalogue = l.state.survey()
		l.state.stale, l.frozen = false, nil
	}
}

// freeze freezes the fleet as it is.
func (l *Living) freeze() *loan {
	l.Survey()
	if l.frozen == nil {
		l.frozen = l.loans.freeze(l.state)
	}
	return l.frozen
}
