package filter

import (
	"fmt"
	"math/bits"

	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/resource"
)

// Requested demands that a node offers what is asked for, and that what cannot be
// taken back without harm is never promised twice: the requests of memory (unless
// the class allows it), disk space and custom resources stay within capacity.
// Rates (CPU, disk I/O, network) are left to the predictions.
type Requested struct{}

var _ placement.Filter = Requested{}

func (Requested) Name() string { return "requested" }

func (Requested) Prepare(q *placement.Query) []placement.Rule {
	var rules []placement.Rule
	for i := range q.Needs {
		n := &q.Needs[i]
		switch {
		case n.Request <= 0:
		case n.Index < 0:
			rules = append(rules, placement.Rule{
				Reason: fmt.Sprintf("node has no %s", n.Resource),
				Check:  byMask(func(*placement.Block) uint64 { return 0 }), Lasting: true,
			})
		case promised(n.Resource, q):
			rules = append(rules, placement.Rule{
				Reason:      fmt.Sprintf("requests of %s over capacity", n.Resource),
				Preemptible: true,
				Room:        placement.Room{Resource: n.Index, Amount: n.Request},
				Check:       unpromised{n.Index, n.Request},
			})
		default:
			rules = append(rules, placement.Rule{
				Reason: fmt.Sprintf("node is smaller than the request of %s", n.Resource),
				Check:  large{n.Index, n.Request}, Lasting: true, OfBuild: true,
			})
		}
	}
	return rules
}

func promised(n resource.Name, q *placement.Query) bool {
	switch n {
	case resource.Memory:
		return !q.Policy.OvercommitMemory
	case resource.CPU, resource.DiskIO, resource.Network:
		return false
	}
	return true
}

// rounding forgives sums of decimal fractions.
const rounding = 1 + 1e-9

type unpromised struct {
	resource int
	request  float64
}

func (c unpromised) Pass(_ *placement.State, b *placement.Block, candidates uint64) uint64 {
	requested, capacity := &b.Columns[c.resource].Requested, &b.Capacity[c.resource]
	for m := candidates; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m) & (placement.BlockSize - 1)
		if requested[i]+c.request > capacity[i]*rounding {
			candidates &^= 1 << i
		}
	}
	return candidates
}

type large struct {
	resource int
	request  float64
}

func (c large) Pass(_ *placement.State, b *placement.Block, candidates uint64) uint64 {
	capacity := &b.Capacity[c.resource]
	for m := candidates; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m) & (placement.BlockSize - 1)
		if c.request > capacity[i]*rounding {
			candidates &^= 1 << i
		}
	}
	return candidates
}
