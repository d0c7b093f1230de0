package models

import "time"

// SamplesIn returns how many samples were counted in the slot that holds at.
func (u *Usage) SamplesIn(at time.Time) int {
	i, ok := u.slots.at(u.slots.number(at))
	if !ok {
		return 0
	}
	return int(u.slots.count[i])
}

// MaxOver returns the largest usage in the n slots of which the first holds
// from, and in how many of them there was any sample. It is what came of a
// forecast for that span.
func (u *Usage) MaxOver(from time.Time, n int) (largest float64, measured int) {
	first := u.slots.number(from)
	for i := range int64(n) {
		if v, ok := u.slots.maxAt(first + i); ok {
			largest = max(largest, float64(v))
			measured++
		}
	}
	return largest, measured
}
