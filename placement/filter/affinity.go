package filter

import (
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/workload"
)

// Affinity demands that peers run near, or that none does; and that nothing near
// has demanded the same of the workload. One that wants to be near its own kind
// may begin anywhere.
type Affinity struct{}

var _ placement.Advisor = Affinity{}

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
	for _, within := range levels {
		for _, company := range q.Repellents(within) {
			rules = append(rules, apart(company, within, "a workload there keeps it out of its "+string(within)))
		}
	}
	return rules
}

var levels = [...]workload.Level{workload.AtNode, workload.AtRack, workload.AtZone, workload.AtRegion, workload.AtProvider}

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

func (Affinity) Advise(q *placement.Query, b *placement.Block, i int) []string {
	var a advice
	s := q.State
	for k := range q.Workload.Affinity {
		want := &q.Workload.Affinity[k]
		if want.Preferred {
			continue
		}
		company, peers := q.Company(want.Peers), want.Peers.Of(q.Workload)
		there := around(company, s, b, i, want.Within)
		first := company.Group(s).Total() == 0 && peers.Match(q.Workload)
		switch {
		case want.Apart && there > 0:
			a.add("move away %d of %s, %s", there, peers, in(want.Within))
		case !want.Apart && there == 0 && !first:
			a.add("place one of %s %s before", peers, in(want.Within))
		case !want.Apart && there < 0 && !first:
			a.add("register the node with its %s: it says none to be near %s in", want.Within, peers)
		}
	}
	for _, within := range levels {
		for _, company := range q.Repellents(within) {
			if there := around(company, s, b, i, within); there > 0 {
				a.add("move away %d workloads %s that keep %s at a distance", there, in(within), company.Group(s).Peers)
			}
		}
	}
	return a
}

// around returns how many of company run in the part of a level around node i of
// b, -1 where it is in none.
func around(company placement.Company, s *placement.State, b *placement.Block, i int, within workload.Level) int {
	if within == workload.AtNode {
		return company.Group(s).On(b, i)
	}
	peers := -1
	company.Together(s, within, func(place int, n int32) {
		if place == int(b.Place[i]) {
			peers = int(n)
		}
	})
	return peers
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
	return g.Mask(b, candidates, 1)
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
	c.company.Together(s, c.within, func(place int, n int32) { shut[place] = n <= 0 })
}

// vacant shuts places with one of a group around them.
type vacant struct {
	company placement.Company
	within  workload.Level
}

func (c vacant) Shut(s *placement.State, shut []bool) {
	c.company.Together(s, c.within, func(place int, n int32) { shut[place] = n > 0 })
}
