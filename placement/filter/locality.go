package filter

import (
	"slices"

	"github.com/auspex-project/auspex/placement"
)

// Locality demands that a node stands where the workload requires it.
type Locality struct{}

var _ placement.Filter = Locality{}

func (Locality) Name() string { return "locality" }

func (Locality) Prepare(q *placement.Query) []placement.Rule {
	want := &q.Workload.Locality.Required
	var rules []placement.Rule
	if allowed := q.Required(q.State); allowed != nil {
		rules = append(rules, placement.Rule{
			Reason: "outside the required places", Lasting: true, Open: allowed,
			Check: perNode(func(s *placement.State, b *placement.Block, i int) bool {
				p := int(b.Place[i])
				if p >= len(allowed) { // a node described since the query was made
					return s.Places[p].Within(want)
				}
				return allowed[p]
			}),
		})
	}
	if len(want.Nodes) > 0 {
		rules = append(rules, placement.Rule{
			Reason: "not a required node", Lasting: true,
			Check: perNode(func(_ *placement.State, b *placement.Block, i int) bool {
				return slices.Contains(want.Nodes, b.Node[i].Name)
			}),
		})
	}
	return rules
}
