package models

import "time"

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
