package ledger

import (
	"container/heap"
	"time"
)

// deadlines orders reservations by when they end. One that is confirmed or given
// back leaves at once: of those of a busy minute few are still waiting, and the rest
// would be memory to mark and a second's work to step over when their time has come.
type deadlines struct{ holds byExpiry }

func (d *deadlines) push(h *hold) { heap.Push(&d.holds, h) }

// remove takes h out; one that is not there stays so.
func (d *deadlines) remove(h *hold) {
	if h.turn > 0 {
		heap.Remove(&d.holds, h.turn-1)
	}
}

// due removes and returns a reservation that has ended by now, nil when there is
// none.
func (d *deadlines) due(now time.Time) *hold {
	if len(d.holds) == 0 || now.Before(d.holds[0].expires) {
		return nil
	}
	return heap.Pop(&d.holds).(*hold)
}

// byExpiry is a heap whose holds know their place in it, counted from 1.
type byExpiry []*hold

func (h byExpiry) Len() int           { return len(h) }
func (h byExpiry) Less(i, j int) bool { return h[i].expires.Before(h[j].expires) }

func (h byExpiry) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].turn, h[j].turn = i+1, j+1
}

func (h *byExpiry) Push(x any) {
	*h = append(*h, x.(*hold))
	x.(*hold).turn = len(*h)
}

func (h *byExpiry) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	x.turn = 0
	(*h)[last] = nil
	*h = (*h)[:last]
	return x
}
