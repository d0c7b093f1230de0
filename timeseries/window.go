package timeseries

import (
	"fmt"
	"time"
)

// Window is the half-open span [From, To). A zero From or To leaves that side
// open.
type Window struct {
	From, To time.Time
}

// Contains reports whether t lies in w.
func (w Window) Contains(t time.Time) bool {
	return (w.From.IsZero() || !t.Before(w.From)) && (w.To.IsZero() || t.Before(w.To))
}

// Validate reports a window whose end is not after its start.
func (w Window) Validate() error {
	if !w.From.IsZero() && !w.To.IsZero() && !w.From.Before(w.To) {
		return fmt.Errorf("window: from %s is not before to %s", w.From.UTC().Format(time.RFC3339), w.To.UTC().Format(time.RFC3339))
	}
	return nil
}

// Duration returns the length of w, 0 when a side is open.
func (w Window) Duration() time.Duration {
	if w.From.IsZero() || w.To.IsZero() {
		return 0
	}
	return w.To.Sub(w.From)
}
