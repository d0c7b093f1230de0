package filter

import (
	"math"

	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/workload"
)

// Spread demands that the parts of the fleet hold about as many peers each: with
// the workload, a part at most so many more than the part with the fewest, among
// the parts with nodes where the workload is required to be. A node that is in no
// part of that kind is turned away.
type Spread struct{}

var _ placement.Filter = Spread{}

func (Spread) Name() string { return "spread" }

func (Spread) Prepare(q *placement.Query) []placement.Rule {
	var rules []placement.Rule
	for i := range q.Workload.Spread {
		c := &q.Workload.Spread[i]
		if c.Preferred {
			continue
		}
		skew := q.Skew(c)
		rule := placement.Rule{Reason: "would hold too many more than another " + string(c.Over), Preemptible: true}
		if c.Over == workload.AtNode {
			rule.Check = evenNodes{skew}
		} else {
			rule.Gate = evenParts{skew}
		}
		rules = append(rules, rule)
	}
	return rules
}

// evenNodes passes nodes that would not hold too many more than another.
type evenNodes struct{ placement.Skew }

func (c evenNodes) Pass(s *placement.State, b *placement.Block, candidates uint64) uint64 {
	if most := c.MostOnNode(); most > 0 {
		return candidates &^ c.Group(s).Mask(b, most)
	}
	return 0
}

// evenParts shuts places whose part would hold too many more than another.
type evenParts struct{ placement.Skew }

func (c evenParts) Shut(s *placement.State, shut []bool) {
	for place, over := range c.Over(s) {
		shut[place] = over > 0 || over == math.MinInt32
	}
}
