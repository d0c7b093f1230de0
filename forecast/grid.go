package forecast

import (
	"fmt"
	"time"
)

// Grid is the cyclic clock all profiles share: Slots slots of length Slot that
// repeat for ever, aligned to the Unix epoch. With 24 slots of an hour, slot 13
// is the coming 13:00-14:00 UTC, today's or tomorrow's. Profiles made at
// different moments line up, so they can be added without shifting.
type Grid struct {
	Slot  time.Duration
	Slots int
}

// DefaultGrid returns 24 slots of one hour.
func DefaultGrid() Grid { return Grid{Slot: time.Hour, Slots: 24} }

// Validate reports a grid that is empty, finer than a minute or longer than a
// week.
func (g Grid) Validate() error {
	if g.Slots <= 0 || g.Slot < time.Minute || int64(g.Slots) > int64(7*24*time.Hour/g.Slot) {
		return fmt.Errorf("forecast grid: %d slots of %v (want at least one, of a minute or more, a week at most in all)", g.Slots, g.Slot)
	}
	return nil
}

// Span returns the time after which the grid repeats.
func (g Grid) Span() time.Duration { return time.Duration(g.Slots) * g.Slot }

// Index returns the slot that holds t.
func (g Grid) Index(t time.Time) int {
	n := g.count(t) % int64(g.Slots)
	if n < 0 {
		n += int64(g.Slots)
	}
	return int(n)
}

// Horizon returns the first slot and the number of slots that [now, now+ahead)
// touches, at least one and at most all of them. Walk them as (first+i) % Slots.
func (g Grid) Horizon(now time.Time, ahead time.Duration) (first, n int) {
	slots := 1 + int(min(g.count(now.Add(max(ahead, 1)-1))-g.count(now), int64(g.Slots)))
	return g.Index(now), min(max(slots, 1), g.Slots)
}

// count returns the number of slots from the Unix epoch to the one that holds t.
func (g Grid) count(t time.Time) int64 {
	nanos := t.UnixNano()
	n := nanos / int64(g.Slot)
	if nanos%int64(g.Slot) < 0 {
		n--
	}
	return n
}
