package placement

import (
	"math"
	"sync"

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

// Over tells f, for every place, how many more than may be the part around it
// would hold; math.MinInt32 for a place in no part of the kind.
func (k *Skew) Over(s *State, f func(place int, over int32)) {
	domains := s.Catalogue.Parts[k.level]
	buffer := counters.Get().(*[]int32)
	defer counters.Put(buffer)
	counts := k.Group(s).perPart(&domains, buffer)
	fewest := int32(math.MaxInt32)
	for place, at := range domains.Of {
		if at >= 0 && s.Catalogue.At[place] > 0 && (k.open == nil || place < len(k.open) && k.open[place]) {
			fewest = min(fewest, counts[at])
		}
	}
	for place := range s.Places {
		over := int32(math.MinInt32)
		if place < len(domains.Of) && domains.Of[place] >= 0 {
			over = 0
			if fewest < math.MaxInt32 {
				over = max(0, counts[domains.Of[place]]+int32(k.self)-fewest-int32(k.most))
			}
		}
		f(place, over)
	}
}

// counters are buffers for counts by part: decisions make many.
var counters = sync.Pool{New: func() any { return new([]int32) }}

// perPart returns how many of g run in each part, in buffer.
func (g *Group) perPart(parts *Parts, buffer *[]int32) []int32 {
	*buffer = append((*buffer)[:0], make([]int32, parts.Count)...)
	g.Tally(parts.Of, *buffer)
	return *buffer
}

// Together tells f how many of a group run in the part around each place, -1 for a
// place in no part of the level.
func (c Company) Together(s *State, level workload.Level, f func(place int, peers int32)) {
	domains := s.Catalogue.Parts[level]
	buffer := counters.Get().(*[]int32)
	defer counters.Put(buffer)
	counts := c.Group(s).perPart(&domains, buffer)
	for place := range s.Places {
		peers := int32(-1)
		if place < len(domains.Of) && domains.Of[place] >= 0 {
			peers = counts[domains.Of[place]]
		}
		f(place, peers)
	}
}
