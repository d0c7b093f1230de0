package filter

import (
	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/workload"
)

// Taints keeps a workload off nodes with a taint it does not tolerate. Those that
// would only rather have it elsewhere are left to the scorer of that name.
type Taints struct{}

var _ placement.Filter = Taints{}

func (Taints) Name() string { return "taints" }

func (Taints) Prepare(q *placement.Query) []placement.Rule {
	tolerated := make([]bool, len(q.State.TaintSets))
	for i, set := range q.State.TaintSets {
		tolerated[i] = toleratesAll(q.Workload.Tolerations, set)
	}
	return []placement.Rule{{
		Reason: "taint not tolerated", Lasting: true, OfBuild: true,
		Check: among(tainted, func(s *placement.State, b *placement.Block, i int) bool {
			t := int(b.Taints[i])
			if t >= len(tolerated) { // a node described since the query was made
				return toleratesAll(q.Workload.Tolerations, s.TaintSets[t])
			}
			return tolerated[t]
		}),
	}}
}

func tainted(b *placement.Block) uint64 { return b.Tainted }

func toleratesAll(tolerations []workload.Toleration, taints []fleet.Taint) bool {
	for _, t := range taints {
		if t.Effect == fleet.NoSchedule && !workload.Tolerates(tolerations, t.Key, t.Value) {
			return false
		}
	}
	return true
}
