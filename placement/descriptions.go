package placement

import (
	"hash/maphash"

	"github.com/auspex-project/auspex/workload"
)

// descriptions keeps one copy of each description that placed workloads share:
// schedulers place the same thing a thousand times, under another id each.
type descriptions struct {
	seed   maphash.Seed
	byHash map[uint64]*description
}

// description is what some workloads are, their ids apart. It is immutable but for
// the count.
type description struct {
	workload workload.Workload // without an id
	hash     uint64
	next     *description // another of the same hash
	holds    int          // workloads that share it
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
		if x.workload.Alike(w) {
			x.holds++
			return x
		}
	}
	x := &description{workload: *w, hash: h.sum, next: known, holds: 1}
	x.workload.ID = ""
	d.byHash[h.sum] = x
	return x
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
