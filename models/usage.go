package models

import (
	"time"

	"github.com/auspex-project/auspex/resource"
)

// HitShare is the share of its limit from which usage counts as held down by
// it: what the workload would have used is then known only from below.
const HitShare = .98

// halfLives are those of the decayed averages, shortest first.
var halfLives = [...]time.Duration{time.Hour, 6 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}

// Usage is what is remembered of one resource of one workload.
type Usage struct {
	resource    resource.Name
	first, last time.Time
	samples     int64

	limit  float64 // newest known one above zero, 0 when none was
	peak   float64 // largest usage of the memory's slots
	peaked int64   // number of the slot it was in

	slots   slots                  // three weeks of maxima and means
	decayed [len(halfLives)]moment // of usage
	hits    moment                 // of samples at the limit, 0 or 1
	floor   floor                  // of what kills when it overruns
	histo   *Histogram             // decayed, for percentiles
}

// hitHalfLife is how fast limit hits are forgotten.
const hitHalfLife = 24 * time.Hour

func newUsage(n resource.Name, slot time.Duration) *Usage {
	return &Usage{resource: n, slots: newSlots(slot), histo: newUsageHistogram(n)}
}

// Limit returns the newest limit above zero, 0 when none is known.
func (u *Usage) Limit() float64 { return u.limit }

// Peak returns the largest usage within the memory, at most the present limit. What
// is older counts no longer, whoever has read how much: a night that looks at months
// calibrates what a server that remembers weeks will say.
func (u *Usage) Peak() float64 { return u.capped(u.peak) }

// First and Last return the times of the oldest and the newest sample.
func (u *Usage) First() time.Time { return u.first }
func (u *Usage) Last() time.Time  { return u.last }

func (u *Usage) capped(value float64) float64 {
	if u.limit > 0 {
		return min(value, u.limit)
	}
	return value
}

func (u *Usage) add(t time.Time, value, limit float64) {
	late := u.samples > 0 && !t.After(u.last)
	if limit > 0 {
		if !late {
			u.limit = limit
		}
		value = min(value, limit)
	}
	fresh := u.slots.add(t, float32(value), late)
	u.raisePeak(t, value)
	if !fresh {
		return // seen before, or too long ago
	}

	u.samples++
	if u.first.IsZero() || t.Before(u.first) {
		u.first = t
	}
	if !late {
		u.last = t
	}
	age := u.last.Sub(t)
	for i, half := range halfLives {
		u.decayed[i].add(u.last, age, half, value)
	}
	hit := 0.0
	if limit > 0 && value >= HitShare*limit {
		hit = 1
		if kills(u.resource) {
			u.floor.raise(t, value)
		}
	}
	u.hits.add(u.last, age, hitHalfLife, hit)
	u.histo.Add(t, value, 1)
}

// raisePeak keeps the largest usage of the slots that are remembered, t's included.
func (u *Usage) raisePeak(t time.Time, value float64) {
	n := u.slots.number(t)
	if u.slots.newest-n >= int64(len(u.slots.max)) {
		return
	}
	if value > u.peak || value == u.peak && n > u.peaked {
		u.peak, u.peaked = value, n
	}
	if u.slots.newest-u.peaked < int64(len(u.slots.max)) {
		return
	}
	u.peak = 0 // its slot was forgotten
	for back := range int64(len(u.slots.max)) {
		if v, ok := u.slots.maxAt(u.slots.newest - back); ok && float64(v) > u.peak {
			u.peak, u.peaked = float64(v), u.slots.newest-back
		}
	}
}
