package filter

import (
	"fmt"

	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/workload"
)

// Crowding demands that a node holds, with the workload, at most so many of its
// app as it allows.
type Crowding struct{}

var _ placement.Advisor = Crowding{}

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

func (Crowding) Advise(q *placement.Query, b *placement.Block, i int) []string {
	w := q.Workload
	there := q.Company(workload.Peers{App: w.App}).Group(q.State).On(b, i)
	if w.MaxPerNode == 0 || there < w.MaxPerNode {
		return nil
	}
	return []string{fmt.Sprintf("move %d of the %d of app %s off the node, or let a node hold %d", there+1-w.MaxPerNode, there, w.App, there+1)}
}

// without passes nodes that hold fewer than some of a group.
type without struct {
	company placement.Company
	some    int
}

func (c without) Pass(s *placement.State, b *placement.Block, candidates uint64) uint64 {
	return candidates &^ c.company.Group(s).Mask(b, candidates, c.some)
}
