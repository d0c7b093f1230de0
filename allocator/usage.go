package allocator

import (
	"slices"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// Demand is an amount one queue asks for or holds.
type Demand struct {
	Queue   string // "" is Default
	Tier    workload.Tier
	Amounts resource.Vector // base units
}

// Usage is what the queues of a tree hold. It belongs to one owner: methods that
// change it must not run beside any other.
type Usage struct {
	tree  *Tree
	holds []holding // by position in tree.nodes, each the sum below and at its node
}

type holding struct {
	guaranteed resource.Vector
	revocable  resource.Vector
	workloads  int
}

func (h holding) total() resource.Vector { return h.guaranteed.Add(h.revocable) }

// NewUsage returns the empty usage of t.
func (t *Tree) NewUsage() *Usage {
	return &Usage{tree: t, holds: make([]holding, len(t.nodes))}
}

// Clone returns an independent copy.
func (u *Usage) Clone() *Usage {
	return &Usage{tree: u.tree, holds: slices.Clone(u.holds)}
}

// Add counts one workload that holds d. One of a queue that is not in the
// tree (any more) counts for the fleet and for no queue.
func (u *Usage) Add(d Demand) { u.change(d, 1) }

// Remove takes back what Add counted; d must be what was added.
func (u *Usage) Remove(d Demand) { u.change(d, -1) }

// Held returns all that a queue and those below it hold.
func (u *Usage) Held(queue string) resource.Vector {
	i, ok := u.tree.lookup(queue)
	if !ok {
		return resource.Vector{}
	}
	return u.holds[i].total()
}

// Total returns what all workloads hold.
func (u *Usage) Total() resource.Vector { return u.holds[root].total() }

func (u *Usage) change(d Demand, sign int) {
	u.holds[root].change(d, sign)
	i, ok := u.tree.lookup(d.Queue)
	if !ok {
		return
	}
	for _, at := range u.tree.nodes[i].path {
		u.holds[at].change(d, sign)
	}
}

func (h *holding) change(d Demand, sign int) {
	h.workloads += sign
	if h.workloads <= 0 {
		*h = holding{} // no rounding outlives the last workload
		return
	}
	sum := &h.guaranteed
	if d.Tier == workload.Revocable {
		sum = &h.revocable
	}
	*sum = sum.Add(d.Amounts.Scale(float64(sign)))
}
