package filter

import (
	"slices"

	"github.com/auspex-project/auspex/placement"
)

// Selector demands that a node's labels hold every pair of the workload's
// selector and meet its requirements.
type Selector struct{}

var _ placement.Filter = Selector{}

func (Selector) Name() string { return "selector" }

func (Selector) Prepare(q *placement.Query) []placement.Rule {
	var rules []placement.Rule
	if len(q.Workload.Selector) > 0 {
		wanted := q.State.Labels(q.Workload.Selector)
		rules = append(rules, placement.Rule{
			Reason: "labels do not match", Lasting: true,
			Check: perNode(func(_ *placement.State, b *placement.Block, i int) bool {
				return containsAll(b.Labels[i], wanted)
			}),
		})
	}
	if demands := q.Workload.Requirements; len(demands) > 0 {
		rules = append(rules, placement.Rule{
			Reason: "labels do not meet a requirement", Lasting: true,
			Check: perNode(func(_ *placement.State, b *placement.Block, i int) bool {
				for k := range demands {
					if !demands[k].Met(b.Node[i].Labels) {
						return false
					}
				}
				return true
			}),
		})
	}
	return rules
}

// containsAll reports whether every number of wanted is in have.
func containsAll(have, wanted []uint32) bool {
	for _, w := range wanted {
		if !slices.Contains(have, w) {
			return false
		}
	}
	return true
}
