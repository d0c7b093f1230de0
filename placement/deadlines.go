package placement

import (
	"container/heap"
	"time"
)

// deadlines orders reservations by when they end. Those that were confirmed or
// released stay until their turn comes.
type deadlines struct{ holds byExpiry }

func (d *deadlines) push(h *hold) { heap.Push(&d.holds, h) }

// due removes and returns a reservation that has ended by now, nil when there is
// none.
func (d *deadlines) due(now time.Time) *hold {
	if len(d.holds) == 0 || now.Before(d.holds[0].expires) {
		return nil
	}
	return heap.Pop(&d.holds).(*hold)
}

type byExpiry []*hold

func (h byExpiry) Len() int           { return len(h) }
func (h byExpiry) Less(i, j int) bool { return h[i].expires.Before(h[j].expires) }
func (h byExpiry) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *byExpiry) Push(x any)        { *h = append(*h, x.(*hold)) }

func (h *byExpiry) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return x
}
