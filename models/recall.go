package models

import (
	"iter"
	"time"
)

// Slot is what is remembered of one slot of time.
type Slot struct {
	Start     time.Time
	Mean, Max float64 // of usage, in the resource's unit
}

// Recall yields the slots within the memory that hold samples, oldest first.
func (u *Usage) Recall() iter.Seq[Slot] {
	return func(yield func(Slot) bool) {
		s := &u.slots
		for number := s.newest - int64(len(s.max)) + 1; number <= s.newest; number++ {
			largest, ok := s.maxAt(number)
			if !ok {
				continue
			}
			mean, _ := s.meanAt(number)
			at := time.UnixMilli(number * s.length.Milliseconds()).UTC()
			if !yield(Slot{Start: at, Mean: float64(mean), Max: float64(largest)}) {
				return
			}
		}
	}
}
