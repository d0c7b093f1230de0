package filter

import (
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/workload"
)

// Crowding demands that a node holds, with the workload, at most so many of its
// app as it allows.
type Crowding struct{}

var _ placement.Filter = Crowding{}

func (Crowding) Name() string { return "crowding" }

func (Crowding) Prepare(q *placement.Query) []placement.Rule {
	most := q.Workload.MaxPerNode
	if most == 0 {
		return nil
	}
	return []placement.Rule{{
		Reason: "node holds as many of the app as may be", Preemptible: true,
		Check: without{q.Company(workload.Peers{App: q.Workload.App}), most},
	}}
}

// without passes nodes that hold fewer than some of a group.
type without struct {
	company placement.Company
	some    int
}

func (c without) Pass(s *placement.State, b *placement.Block, candidates uint64) uint64 {
	return candidates &^ c.company.Group(s).Mask(b, c.some)
}
