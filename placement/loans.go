package placement

import "sync/atomic"

// loans are the frozen states that somebody may still be reading. What none of
// them can see is changed in place; the rest is copied first. So a decision that
// is alone copies nothing, and one among many copies what the others look at.
type loans struct {
	out  []*loan // in the order in which they were frozen
	kept uint64  // newest epoch of a state that was given away for good
}

// loan is a frozen state and how many are reading it.
type loan struct {
	state   *State
	epoch   uint64 // of the newest it can see
	readers atomic.Int32
}

// maxLoans bounds the list: a reader that forgets to give back what it was lent
// costs copies, not memory.
const maxLoans = 64

// freeze lends s as it is now, to no reader yet.
func (ls *loans) freeze(s *State) *loan {
	f := s.freeze()
	f.loan = &loan{state: f, epoch: s.shared}
	if len(ls.out) == maxLoans {
		ls.kept = max(ls.kept, ls.out[0].epoch)
		ls.out = append(ls.out[:0], ls.out[1:]...)
	}
	ls.out = append(ls.out, f.loan)
	return f.loan
}

// keep notes that the state is given away for good.
func (ls *loans) keep(l *loan) { ls.kept = max(ls.kept, l.epoch) }

// shared forgets the newest states as far as nobody reads them any more, and
// returns the newest epoch that is still to be seen. None of the states may be
// lent again.
func (ls *loans) shared() uint64 {
	for len(ls.out) > 0 {
		last := ls.out[len(ls.out)-1]
		if last.readers.Load() > 0 {
			return max(ls.kept, last.epoch)
		}
		ls.out[len(ls.out)-1] = nil
		ls.out = ls.out[:len(ls.out)-1]
	}
	return ls.kept
}

// lend returns s for reading until done is called. Only the owner of the state
// it was frozen from may call it.
func (l *loan) lend() *State {
	l.readers.Add(1)
	return l.state
}

// Done gives back a state that was lent. Nothing of its nodes may be looked at
// afterwards.
func (s *State) Done() { s.loan.readers.Add(-1) }

// readers returns how many are reading what was lent, those forgotten left out.
func (ls *loans) readers() (n int) {
	for _, l := range ls.out {
		n += int(l.readers.Load())
	}
	return n
}
