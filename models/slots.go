package models

import (
	"math"
	"time"
)

// slots is a ring of the maximum and the mean of usage per slot of time. A slot
// is named by its number since the epoch, so that slots of different workloads
// line up. A slot without a sample is a gap.
type slots struct {
	length time.Duration
	newest int64 // number of the newest slot; meaningless while empty
	empty  bool

	max, sum []float32 // by number modulo their length
	count    []uint16

	// seen marks the parts of the newest slots in which a sample was counted, so
	// that one that comes late and twice is counted once.
	seen [recentSlots]uint64
}

// recentSlots is for how many slots late samples are told from repeated ones;
// in older slots only maxima are kept up, which repeating does not change.
const recentSlots = 24

func newSlots(length time.Duration) slots {
	n := int(Memory / length)
	return slots{length: length, empty: true, max: make([]float32, n), sum: make([]float32, n), count: make([]uint16, n)}
}

// add counts a sample and reports whether it was new. late says that a newer
// sample has been counted before.
func (s *slots) add(t time.Time, value float32, late bool) bool {
	number := s.number(t)
	if s.empty {
		s.newest, s.empty = number, false
	}
	s.advance(number)
	back := s.newest - number
	if back >= int64(len(s.max)) {
		return false
	}
	i := s.index(number)
	if back < recentSlots {
		bit := uint64(1) << s.part(t)
		mark := &s.seen[number%recentSlots]
		if late && *mark&bit != 0 {
			s.max[i] = max(s.max[i], value)
			return false
		}
		*mark |= bit
	} else if s.count[i] > 0 {
		s.max[i] = max(s.max[i], value)
		return false
	}
	if s.count[i] == math.MaxUint16 {
		s.sum[i] /= 2
		s.count[i] /= 2
	}
	if s.count[i] == 0 {
		s.max[i], s.sum[i] = value, 0
	}
	s.max[i] = max(s.max[i], value)
	s.sum[i] += value
	s.count[i]++
	return true
}

// advance makes number the newest slot, leaving gaps in between.
func (s *slots) advance(number int64) {
	if number-s.newest > int64(len(s.max)) {
		s.newest = number - int64(len(s.max))
	}
	for s.newest < number {
		s.newest++
		s.count[s.index(s.newest)] = 0
		s.seen[s.newest%recentSlots] = 0
	}
}

// maxAt and meanAt return the maximum and the mean of slot number, ok false for
// a gap or a slot outside the memory.
func (s *slots) maxAt(number int64) (v float32, ok bool) {
	i, ok := s.at(number)
	if !ok {
		return 0, false
	}
	return s.max[i], true
}

func (s *slots) meanAt(number int64) (v float32, ok bool) {
	i, ok := s.at(number)
	if !ok {
		return 0, false
	}
	return s.sum[i] / float32(s.count[i]), true
}

func (s *slots) at(number int64) (int, bool) {
	if s.empty || number > s.newest || s.newest-number >= int64(len(s.max)) {
		return 0, false
	}
	i := s.index(number)
	return i, s.count[i] > 0
}

// number names the slot that holds t. Times before the epoch are refused where
// samples enter, so it is never negative.
func (s *slots) number(t time.Time) int64 { return t.UnixMilli() / s.length.Milliseconds() }

func (s *slots) index(number int64) int { return int(number % int64(len(s.max))) }

// part is the 64th of its slot that t falls in.
func (s *slots) part(t time.Time) int64 {
	length := s.length.Milliseconds()
	return t.UnixMilli() % length * 64 / length
}
