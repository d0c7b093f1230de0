package filter

import (
	"math/bits"

	"github.com/auspex-project/auspex/placement"
)

// Tenancy keeps a tenant that wants to be alone apart from all others, both
// ways. A workload without a tenant belongs to the tenant "".
type Tenancy struct{}

var _ placement.Filter = Tenancy{}

func (Tenancy) Name() string { return "tenancy" }

func (Tenancy) Prepare(q *placement.Query) []placement.Rule {
	// 0, the number of a tenant seen on no node, is also that of "none there".
	me := q.State.Tenant(q.Workload.Security.Tenant)
	rules := []placement.Rule{{
		Reason:      "another tenant has the node to itself",
		Preemptible: true,
		Check: among(alone, func(_ *placement.State, b *placement.Block, i int) bool {
			return b.Exclusive[i] == me
		}),
	}}
	if q.Workload.Security.Exclusive {
		rules = append(rules, placement.Rule{
			Reason:      "another tenant is on the node",
			Preemptible: true,
			Check:       sole(me),
		})
	}
	return rules
}

func alone(b *placement.Block) uint64 { return b.Alone }

// sole passes nodes without members of other tenants.
type sole uint32

var _ placement.Thinned = sole(0)

func (c sole) Pass(_ *placement.State, b *placement.Block, candidates uint64) uint64 {
	for m := candidates; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m) & (placement.BlockSize - 1)
		if b.Tenant[i] != 0 && b.Tenant[i] != uint32(c) {
			candidates &^= 1 << i
		}
	}
	return candidates
}

// PassWithout implements placement.Thinned.
func (c sole) PassWithout(b *placement.Block, i int, gone []*placement.Member) bool {
	return c.others(b.Occupants[i].Members) == c.others(gone)
}

func (c sole) others(members []*placement.Member) (n int) {
	for _, m := range members {
		if m.Tenant() != uint32(c) {
			n++
		}
	}
	return n
}
