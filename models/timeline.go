package models

import (
	"math"
	"time"

	"github.com/auspex-project/auspex/forecast"
)

// Timeline is one workload's use of one resource by slot over the whole of a
// training history: what came, and as of any slot, what was known then.
type Timeline struct {
	slots slots
	first time.Time
	last  time.Time
}

// NewTimeline returns an empty timeline that reaches span back from its newest
// sample, in slots of g.
func NewTimeline(g forecast.Grid, span time.Duration) *Timeline {
	n := int(span/g.Slot) + 1
	return &Timeline{slots: slots{length: g.Slot, empty: true, max: make([]float32, n), sum: make([]float32, n), count: make([]uint16, n)}}
}

// Add counts usage at t, which must not be before that of the last call.
func (t *Timeline) Add(at time.Time, usage float64) {
	if t.first.IsZero() {
		t.first = at
	}
	t.slots.add(at, float32(usage), !at.After(t.last))
	t.last = at
}

// At returns the largest and the mean usage in the slot that holds at, NaN where
// nothing was measured.
func (t *Timeline) At(at time.Time) (largest, mean float32) {
	n := t.slots.number(at)
	largest, ok := t.slots.maxAt(n)
	if !ok {
		return float32(math.NaN()), float32(math.NaN())
	}
	mean, _ = t.slots.meanAt(n)
	return largest, mean
}

// before returns what was known when the slot of now began.
func (t *Timeline) before(now time.Time) past {
	n := t.slots.number(now)
	return past{&t.slots, n, n, now.Sub(t.first)}
}

// pastAt returns what u knows at now, the slot that has begun included.
func (u *Usage) pastAt(now time.Time) past {
	n := u.slots.number(now)
	return past{&u.slots, n, n + 1, now.Sub(u.first)}
}

// past is usage by slot as of a moment.
type past struct {
	slots *slots
	now   int64 // number of the slot of the moment
	until int64 // number of the first slot that nothing is known of
	age   time.Duration
}

// at returns the maximum and the mean of a slot, ok false where nothing is known.
func (p past) at(number int64) (largest, mean float32, ok bool) {
	if number >= p.until {
		return 0, 0, false
	}
	i, ok := p.slots.at(number)
	if !ok {
		return 0, 0, false
	}
	return p.slots.max[i], p.slots.sum[i] / float32(p.slots.count[i]), true
}
