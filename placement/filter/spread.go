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

var _ placement.Advisor = Spread{}

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

func (Spread) Advise(q *placement.Query, b *placement.Block, i int) []string {
	var a advice
	for k := range q.Workload.Spread {
		c := &q.Workload.Spread[k]
		if c.Preferred {
			continue
		}
		skew, peers := q.Skew(c), c.Peers.Of(q.Workload)
		over := 0
		if c.Over == workload.AtNode {
			over = skew.OverOnNode(q.State, b, i)
		} else {
			skew.Over(q.State, func(place int, n int32) {
				if place == int(b.Place[i]) {
					over = int(n)
				}
			})
		}
		switch {
		case over == math.MinInt32:
			a.add("register the node with its %s: it says none to spread %s over", c.Over, peers)
		case over > 0:
			a.add("move %d of %s out of its %s, or allow a skew of %d", over, peers, c.Over, c.MaxSkew+over)
		}
	}
	return a
}

// evenNodes passes nodes that would not hold too many more than another.
type evenNodes struct{ placement.Skew }

func (c evenNodes) Pass(s *placement.State, b *placement.Block, candidates uint64) uint64 {
	if most := c.MostOnNode(); most > 0 {
		return candidates &^ c.Group(s).Mask(b, candidates, most)
	}
	return 0
}

// evenParts shuts places whose part would hold too many more than another.
type evenParts struct{ placement.Skew }

func (c evenParts) Shut(s *placement.State, shut []bool) {
	c.Over(s, func(place int, over int32) { shut[place] = over > 0 || over == math.MinInt32 })
}
