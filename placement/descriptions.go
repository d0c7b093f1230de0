package placement

import (
	"hash/maphash"
	"sync/atomic"

	"github.com/auspex-project/auspex/workload"
)

// Descriptions keeps one copy of each description that placed workloads share:
// schedulers place the same thing a thousand times, under another id each.
type Descriptions struct {
	seed   maphash.Seed
	byHash map[uint64]*Description
}

// Description is what some workloads are, their ids apart: packed, for where all of them
// differ they are most of what the fleet takes of memory, and whole beside that once
// a second one shares it. What it says never changes; the rest is the ledger's.
type Description struct {
	packed workload.Packed // "" where it is whole from the start
	whole  atomic.Pointer[workload.Workload]

	hash  uint64
	next  *Description // another of the same hash
	holds int          // workloads that share it
}

// described returns a description of w that is nobody else's and shares its memory.
func described(w *workload.Workload) *Description {
	x := new(Description)
	x.whole.Store(w)
	return x
}

// Workload returns what is described; its id means nothing. Where it has to be unpacked
// it is written to room.
func (x *Description) Workload(room *workload.Workload) *workload.Workload {
	if w := x.whole.Load(); w != nil {
		return w
	}
	*room = x.packed.Unpack()
	return room
}

// in reports whether what is described is one of peers.
func (x *Description) in(p workload.Peers) bool {
	if w := x.whole.Load(); w != nil {
		return p.Match(w)
	}
	return x.packed.In(p)
}

// Pack returns what is described, packed.
func (x *Description) Pack() workload.Packed {
	if x.packed != "" {
		return x.packed
	}
	var room workload.Workload
	return x.Workload(&room).Pack()
}

// Of returns what is described, under an id.
func (x *Description) Of(id string) workload.Workload {
	var room workload.Workload
	w := *x.Workload(&room)
	w.ID = id
	return w
}

// NewDescriptions returns none yet. One owner, whose lock is held, calls their methods.
func NewDescriptions() Descriptions {
	return Descriptions{seed: maphash.MakeSeed(), byHash: make(map[uint64]*Description)}
}

// Share returns the description of w, which q, nil where there is none, asks for. Each
// call wants one of Drop.
func (d *Descriptions) Share(w *workload.Workload, q *Query) *Description {
	if q == nil || q.shape == nil {
		return d.share(w)
	}
	x := d.again(q.shape.described, w)
	q.shape.described = x
	return x
}

// share returns the description of w.
func (d *Descriptions) share(w *workload.Workload) *Description {
	h := hash{d.seed, 0}
	h.workload(w)
	known := d.byHash[h.sum]
	for x := known; x != nil; x = x.next {
		if x.is(w) {
			x.holds++
			return x
		}
	}
	x := &Description{packed: w.Pack(), hash: h.sum, next: known, holds: 1}
	d.byHash[h.sum] = x
	return x
}

// again is share where x, nil or what share returned for a workload like w, is still held.
func (d *Descriptions) again(x *Description, w *workload.Workload) *Description {
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
func (x *Description) is(w *workload.Workload) bool {
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

// Drop gives back what Share returned.
func (d *Descriptions) Drop(x *Description) {
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
