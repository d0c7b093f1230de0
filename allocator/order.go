package allocator

import (
	"cmp"
	"slices"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// State is what an allocation is decided on. Nothing in it is changed.
type State struct {
	Used     *Usage
	Capacity resource.Vector // what the fleet holds

	// Free is what is left for new guaranteed work: what no guaranteed work is
	// expected to need. Empty, it is Capacity less the guaranteed use; give it
	// where the fleet takes on more than its capacity because forecasts allow it.
	Free resource.Vector

	// Waiting holds demands that were asked for and could not be met yet.
	Waiting []Demand
}

// free returns s.Free, or what the sums leave where it was not given.
func (s State) free() resource.Vector {
	if s.Free.Len() > 0 {
		return s.Free
	}
	return s.Capacity.Sub(s.Used.holds[root].guaranteed)
}

// Next returns the waiting demands of known queues in the order in which they
// are to be served: at each level of the tree demands within a guarantee first,
// then by rising dominant share over weight, then by name. Serve the first, add
// it to the usage and ask again: that is progressive filling.
func (t *Tree) Next(s State) []Demand {
	type waiter struct {
		demand Demand
		turn   []turn
	}
	waiters := make([]waiter, 0, len(s.Waiting))
	for _, d := range s.Waiting {
		if i, ok := t.lookup(d.Queue); ok {
			waiters = append(waiters, waiter{d, t.turns(s, i, d)})
		}
	}
	slices.SortStableFunc(waiters, func(a, b waiter) int {
		return slices.CompareFunc(a.turn, b.turn, func(x, y turn) int {
			return cmp.Or(x.compare(y), cmp.Compare(x.node, y.node))
		})
	})
	order := make([]Demand, len(waiters))
	for i, w := range waiters {
		order[i] = w.demand
	}
	return order
}

// turn is where a demand stands among the children of one parent.
type turn struct {
	node   int // siblings have positions by name
	within bool
	share  float64
}

// compare orders turns by who is served first, 0 when neither has a claim over
// the other.
func (a turn) compare(b turn) int {
	switch {
	case a.within != b.within && a.within:
		return -1
	case a.within != b.within:
		return 1
	}
	return cmp.Compare(a.share, b.share)
}

// turns returns where d, of the queue at position i, stands at every level from
// the top of the tree down.
func (t *Tree) turns(s State, i int, d Demand) []turn {
	turns := make([]turn, 0, len(t.nodes[i].path))
	for _, at := range t.nodes[i].path {
		_, share := dominant(s.Used.holds[at].total(), s.Capacity)
		turns = append(turns, turn{at, t.within(s.Used, at, d), share / t.nodes[at].Weight})
	}
	return turns
}

// ahead reports whether a is strictly before b at the level where their paths
// part.
func ahead(a, b []turn) bool {
	for i := range min(len(a), len(b)) {
		if a[i].node != b[i].node {
			return a[i].compare(b[i]) < 0
		}
	}
	return false
}

// within reports whether the node at position i could hold d besides what it
// holds and stay within its guarantee in every resource of d.
func (t *Tree) within(u *Usage, i int, d Demand) bool {
	if d.Tier == workload.Revocable {
		return false
	}
	for r, x := range d.Amounts.All() {
		if x > 0 && exceeds(u.holds[i].guaranteed.Get(r)+x, t.nodes[i].Guarantee.Get(r)) {
			return false
		}
	}
	return true
}
