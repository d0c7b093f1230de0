package placement

import (
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/workload"
)

// Adopt takes over settings and margins, and sums everything up by them.
func (s *State) Adopt(settings Settings, m forecast.Margins) {
	s.adopt(newPolicy(settings, m, s.Resources))
	s.stale = true // the policy says where data are
}

func (s *State) adopt(p *Policy) {
	s.Policy = p
	for bi := range s.Blocks {
		b := s.own(bi)
		d := s.ownDescribed(b)
		for i := range BlockSize {
			if b.Live>>i&1 == 0 {
				continue
			}
			d.Rank[i] = p.rank(d.Node[i].Name)
			s.vouch(d, i)
			s.ownOccupants(b, i).Members = s.reneed(b.Occupants[i].Members)
			s.sum(bi*BlockSize + i)
		}
	}
	s.recap()
}

// Remargin takes over newly calibrated margins.
func (s *State) Remargin(m forecast.Margins) {
	s.Policy = newPolicy(s.Policy.Settings, m, s.Resources)
	s.recap()
}

// Revise gives workloads on a node, found by id, their new forecasts, sums the node up
// anew, and tells of each what it was and what it is. It returns how many there were.
func (s *State) Revise(node int, news map[string]*forecast.Forecast, tell func(before, now *Member)) (changed int) {
	b, i := s.Peek(node)
	for _, m := range b.Occupants[i].Members {
		f, found := news[m.ID]
		if !found {
			continue
		}
		c := *m
		var room workload.Workload
		c.Forecast, c.Needs = f, s.needs(m.description.Workload(&room), f)
		s.swap(node, &c)
		tell(m, &c)
		changed++
	}
	if changed > 0 {
		s.sum(node)
	}
	return changed
}
