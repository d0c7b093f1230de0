package filter

import (
	"slices"

	"github.com/auspex-project/auspex/placement"
)

// Data demands that every data set the workload cannot do without has a replica
// in the node's region.
type Data struct{}

var _ placement.Filter = Data{}

func (Data) Name() string { return "data" }

// sameRegion is the largest distance between two places of one region.
const sameRegion = 2

func (Data) Prepare(q *placement.Query) []placement.Rule {
	var needed [][]uint32 // places of replicas, by data set
	var names []uint32
	for _, d := range q.Workload.Data {
		if d.Required {
			id := q.State.DataSet(d.Name)
			names = append(names, id)
			needed = append(needed, q.State.Catalogue.Replicas[id])
		}
	}
	if len(needed) == 0 {
		return nil
	}
	near := func(s *placement.State, p placement.Place) bool {
		for _, replicas := range needed {
			if !slices.ContainsFunc(replicas, func(r uint32) bool { return p.Distance(s.Places[r]) <= sameRegion }) {
				return false
			}
		}
		return true
	}
	reachable := make([]bool, len(q.State.Places))
	for i, p := range q.State.Places {
		reachable[i] = near(q.State, p)
	}
	return []placement.Rule{{
		Reason: "no replica of required data in the region",
		Check: perNode(func(_ *placement.State, b *placement.Block, i int) bool {
			p := int(b.Place[i])
			return p < len(reachable) && reachable[p] || containsAll(b.Data[i], names)
		}),
	}}
}
