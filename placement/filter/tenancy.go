package filter

import "github.com/auspex-project/auspex/placement"

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
			Check: perNode(func(_ *placement.State, b *placement.Block, i int) bool {
				return b.Tenant[i] == 0 || b.Tenant[i] == me
			}),
		})
	}
	return rules
}

func alone(b *placement.Block) uint64 { return b.Alone }
