package filter

import (
	"slices"

	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/workload"
)

// Data demands that every data set the workload cannot do without has a replica
// as near as it wants: on the node, or in its rack, zone or region, or at its
// provider.
type Data struct{}

var _ placement.Filter = Data{}

func (Data) Name() string { return "data" }

// nearness lists the levels, the reason for each, and the largest distance between
// two places that share one; a node shares itself with nobody.
var nearness = [...]struct {
	level    workload.Level
	reason   string
	distance int
}{
	{workload.AtNode, "no replica of required data on the node", -1},
	{workload.AtRack, "no replica of required data in the rack", 0},
	{workload.AtZone, "no replica of required data in the zone", 1},
	{workload.AtRegion, "no replica of required data in the region", 2},
	{workload.AtProvider, "no replica of required data at the provider", 3},
}

func (Data) Prepare(q *placement.Query) []placement.Rule {
	var rules []placement.Rule
	for _, near := range nearness {
		var sets []replicas
		for i := range q.Workload.Data {
			if d := &q.Workload.Data[i]; d.Required && d.Near() == near.level {
				sets = append(sets, reach(q.State, q.State.DataSet(d.Name), near.distance))
			}
		}
		if len(sets) == 0 {
			continue
		}
		rules = append(rules, placement.Rule{
			Reason: near.reason, Lasting: true,
			Check: perNode(func(_ *placement.State, b *placement.Block, i int) bool {
				for k := range sets {
					if !sets[k].within(b, i) {
						return false
					}
				}
				return true
			}),
		})
	}
	return rules
}

// replicas says where one data set can be reached: in places at most so far from a
// replica.
type replicas struct {
	id       uint32
	distance []int8 // by place
	most     int
}

func reach(s *placement.State, id uint32, distance int) replicas {
	return replicas{id, s.Distances(id), distance}
}

func (r *replicas) within(b *placement.Block, i int) bool {
	at := int(b.Place[i])
	return at < len(r.distance) && int(r.distance[at]) <= r.most || slices.Contains(b.Data[i], r.id)
}
