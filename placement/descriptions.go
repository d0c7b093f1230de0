package placement

import (
	"hash/maphash"
	"sync/atomic"

	"github.com/auspex-project/auspex/workload"
)

// descriptions keeps one copy of each description that placed workloads share:
// schedulers place the same thing a thousand times, under another id each.
type descriptions struct {
	seed   maphash.Seed
	byHash map[uint64]*description
}

// description is what some workloads are, their ids apart: packed, for where all of them
// differ they are most of what the fleet takes of memory, and whole beside that once
// a second one shares it. What it says never changes; the rest is the ledger's.
type description struct {
	packed workload.Packed // "" where it is whole from the start
	whole  atomic.Pointer[workload.Workload]

	hash  uint64
	next  *description // another of the same hash
	holds int          // workloads that share it
}

// described returns a description of w that is nobody else's and shares its memory.
func described(w *workload.Workload) *description {
	x := new(description)
	x.whole.Store(w)
	return x
}

// workload returns what is described; its id means nothing. Where it has to be unpacked
// it is written to room.
func (x *description) workload(room *workload.Workload) *workload.Workload {
	if w := x.whole.Load(); w != nil {
		return w
	}
	*room = x.packed.Unpack()
	return room
}

// in reports whether what is described is one of peers.
func (x *description) in(p workload.Peers) bool {
	if w := x.whole.Load(); w != nil {
		return p.Match(w)
	}
	return x.packed.In(p)
}

// of returns what is described, under an id.
func (x *description) of(id string) workload.Workload {
	var room workload.Workload
	w := *x.workload(&room)
	w.ID = id
	return w
}

func newDescriptions() descriptions {
	return descriptions{seed: maphash.MakeSeed(), byHash: make(map[uint64]*description)}
}

// share returns the description of w. Each call wants one of drop.
func (d *descriptions) share(w *workload.Workload) *description {
	h := hash{d.seed, 0}
	h.workload(w)
	known := d.byHash[h.sum]
	for x := known; x != nil; x = x.next {
		if x.is(w) {
			x.holds++
			return x
		}
	}
	x := &description{packed: w.Pack(), hash: h.sum, next: known, holds: 1}
	d.byHash[h.sum] = x
	return x
}

// again is share where x, nil or what share returned for a workload like w, is still held.
func (d *descriptions) again(x *description, w *workload.Workload) *description {
	if x == nil || x.holds == 0 {
		return d.share(w)
	}
	x.holds++
	if x.whole.Load() == nil {
		x.is(w)
	}
	return x
}

// is reports whether x describes w, and keeps itself whole where it does.
func (x *description) is(w *workload.Workload) bool {
	if whole := x.whole.Load(); whole != nil {
		return whole.Alike(w)
	}
	whole := x.packed.Unpack()
	if !whole.Alike(w) {
		return false
	}
	x.whole.Store(&whole)
	return true
}

// drop gives back what share returned.
func (d *descriptions) drop(x *description) {
	if x.holds--; x.holds > 0 {
		return
	}
	if first := d.byHash[x.hash]; first == x && x.next == nil {
		delete(d.byHash, x.hash)
	} else if first == x {
		d.byHash[x.hash] = x.next
	} else {
		for first.next != x {
			first = first.next
		}
		first.next = x.next
	}
	x.next = nil
}
