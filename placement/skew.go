package placement

import (
	"math"

	"github.com/auspex-project/auspex/workload"
)

// Skew is a constraint to spread peers evenly, made ready for a query.
type Skew struct {
	Company
	level  workload.Level
	most   int    // more than the part with the fewest
	self   int    // 1 where the workload is one of the peers
	open   []bool // places where it is required to be, nil for all
	fewest int    // on any such node
}

// Skew makes c, a constraint of q, ready.
func (q *Query) Skew(c *workload.Spread) Skew {
	sk := Skew{Company: q.Company(c.Peers), level: c.Over, most: c.MaxSkew, open: q.Required(q.State)}
	if c.Peers.Of(q.Workload).Match(q.Workload) {
		sk.self = 1
	}
	for i := range q.company {
		if o := &q.company[i]; o.own && o.Company == sk.Company {
			sk.fewest = o.fewest
		}
	}
	return sk
}

// MostOnNode returns the number of peers from which on a node may not have the
// workload.
func (k *Skew) MostOnNode() int { return k.fewest + k.most - k.self + 1 }

// OverOnNode returns how many more than may be node i of b would hold, 0 at least.
func (k *Skew) OverOnNode(s *State, b *Block, i int) int {
	return max(0, k.Group(s).On(b, i)+1-k.MostOnNode())
}

// Over returns, for every place, how many more than may be the part around it
// would hold; math.MinInt32 for a place in no part of the kind.
func (k *Skew) Over(s *State) []int32 {
	domains := s.Catalogue.Parts[k.level]
	counts, over := make([]int32, domains.Count), make([]int32, len(s.Places))
	k.Group(s).Tally(domains.Of, counts)
	fewest := int32(math.MaxInt32)
	for place, at := range domains.Of {
		if at >= 0 && s.Catalogue.At[place] > 0 && (k.open == nil || place < len(k.open) && k.open[place]) {
			fewest = min(fewest, counts[at])
		}
	}
	for place := range over {
		over[place] = math.MinInt32
		if place < len(domains.Of) && domains.Of[place] >= 0 {
			over[place] = 0
			if fewest < math.MaxInt32 {
				over[place] = max(0, counts[domains.Of[place]]+int32(k.self)-fewest-int32(k.most))
			}
		}
	}
	return over
}

// Together returns how many of a group run in the part around each place, -1 for
// a place in no part of the level.
func (c Company) Together(s *State, level workload.Level) []int32 {
	domains := s.Catalogue.Parts[level]
	counts, there := make([]int32, domains.Count), make([]int32, len(s.Places))
	c.Group(s).Tally(domains.Of, counts)
	for place := range there {
		there[place] = -1
		if place < len(domains.Of) && domains.Of[place] >= 0 {
			there[place] = counts[domains.Of[place]]
		}
	}
	return there
}
