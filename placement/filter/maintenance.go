package filter

import "github.com/auspex-project/auspex/placement"

// Maintenance keeps a workload off nodes that will be down within the horizon of
// its class, or while it is expected to run.
type Maintenance struct{}

var _ placement.Filter = Maintenance{}

func (Maintenance) Name() string { return "maintenance" }

func (Maintenance) Prepare(q *placement.Query) []placement.Rule {
	stay := q.Stay
	return []placement.Rule{{
		Reason: "node will be down for maintenance meanwhile", Lasting: true,
		Check: among(maintained, func(_ *placement.State, b *placement.Block, i int) bool {
			for _, w := range b.Node[i].Maintenance {
				if w.Overlaps(stay) {
					return false
				}
			}
			return true
		}),
	}}
}

func maintained(b *placement.Block) uint64 { return b.Maintained }
