package filter

import (
	"cmp"

	"github.com/auspex-project/auspex/allocator"
	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/workload"
)

// Dedication keeps nodes that are dedicated to a tenant or a queue free of all
// others.
type Dedication struct{}

var _ placement.Filter = Dedication{}

func (Dedication) Name() string { return "dedication" }

func (Dedication) Prepare(q *placement.Query) []placement.Rule {
	welcome := make([]bool, len(q.State.Dedications))
	for i, d := range q.State.Dedications {
		welcome[i] = meant(d, q.Workload)
	}
	return []placement.Rule{{
		Reason: "node is dedicated to others", Lasting: true,
		Check: among(reserved, func(s *placement.State, b *placement.Block, i int) bool {
			d := int(b.Dedicated[i])
			if d >= len(welcome) { // a node described since the query was made
				return meant(s.Dedications[d], q.Workload)
			}
			return welcome[d]
		}),
	}}
}

func reserved(b *placement.Block) uint64 { return b.Reserved }

func meant(d fleet.Dedication, w *workload.Workload) bool {
	queue := cmp.Or(w.Queue, allocator.Default)
	return (d.Tenant == "" || d.Tenant == w.Security.Tenant) && (d.Queue == "" || d.Queue == queue)
}
