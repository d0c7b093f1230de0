package filter

import (
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/workload"
)

// Affinity demands that peers run near, or that none does; and that nothing near
// has demanded the same of the workload. One that wants to be near its own kind
// may begin anywhere.
type Affinity struct{}

var _ placement.Filter = Affinity{}

func (Affinity) Name() string { return "affinity" }

func (Affinity) Prepare(q *placement.Query) []placement.Rule {
	var rules []placement.Rule
	for i := range q.Workload.Affinity {
		a := &q.Workload.Affinity[i]
		if a.Preferred {
			continue
		}
		company := q.Company(a.Peers)
		if a.Apart {
			rules = append(rules, apart(company, a.Within, "peers to keep apart from are "+in(a.Within)))
			continue
		}
		first := a.Peers.Of(q.Workload).Match(q.Workload)
		rule := placement.Rule{Reason: "peers to be near are not " + in(a.Within)}
		if a.Within == workload.AtNode {
			rule.Check = together{company, first}
		} else {
			rule.Gate = near{company, a.Within, first}
		}
		rules = append(rules, rule)
	}
	for _, within := range [...]workload.Level{workload.AtNode, workload.AtRack, workload.AtZone, workload.AtRegion, workload.AtProvider} {
		for _, company := range q.Repellents(within) {
			rules = append(rules, apart(company, within, "a workload there keeps it out of its "+string(within)))
		}
	}
	return rules
}

// in says which part of the fleet is meant.
func in(within workload.Level) string {
	if within == workload.AtNode {
		return "on the same node"
	}
	return "in the same " + string(within)
}

func apart(company placement.Company, within workload.Level, reason string) placement.Rule {
	rule := placement.Rule{Reason: reason, Preemptible: true}
	if within == workload.AtNode {
		rule.Check = without{company, 1}
	} else {
		rule.Gate = vacant{company, within}
	}
	return rule
}

// together passes nodes that hold one of a group, or all where there is none and
// the workload may be the first.
type together struct {
	company placement.Company
	first   bool
}

func (c together) Pass(s *placement.State, b *placement.Block, candidates uint64) uint64 {
	g := c.company.Group(s)
	if c.first && g.Total() == 0 {
		return candidates
	}
	return candidates & g.Mask(b, 1)
}

// near shuts places without one of a group around them.
type near struct {
	company placement.Company
	within  workload.Level
	first   bool
}

func (c near) Shut(s *placement.State, shut []bool) {
	if c.first && c.company.Group(s).Total() == 0 {
		return
	}
	for place, n := range c.company.Together(s, c.within) {
		shut[place] = n <= 0
	}
}

// vacant shuts places with one of a group around them.
type vacant struct {
	company placement.Company
	within  workload.Level
}

func (c vacant) Shut(s *placement.State, shut []bool) {
	for place, n := range c.company.Together(s, c.within) {
		shut[place] = n > 0
	}
}
