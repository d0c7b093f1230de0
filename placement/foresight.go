package placement

import (
	"slices"

	"github.com/auspex-project/auspex/forecast"
)

// Most of what decides a score is known before a request comes: what is on a node,
// and what the node is. A scorer that can bound its measure by the sum of two parts,
// one that only changes with the node and one that only depends on the request and on
// what the node is, spares the scan a look at nodes that cannot win (see sieve.go).

// Foresight is a Scorer of which the first part is known ahead of requests.
type Foresight interface {
	Scorer

	// Foresee returns that part for requests like q, whose needs are none of the
	// resources they name; nil where there is nothing to say.
	Foresee(q *Query) Standing
}

// Standing is the part of a bound that stands whatever is asked for.
type Standing interface {
	// Stand returns it for node i of b, 0 to 100, and a mark, less than Marks, that
	// the other part may go by.
	Stand(s *State, b *Block, i int) (value float32, mark int)
}

// Marks is how many marks a Standing may tell apart.
const Marks = 8

// Foreseen is a Measure whose values are at most those of the Standing its scorer
// foresaw plus Rise.
type Foreseen interface {
	Measure

	// Rise writes to value, for nodes with a mark, the other part. It may look at what
	// builds say alone: see OfBuild.
	Rise(s *State, b *Block, builds uint64, mark int, value *Lane)
}

// OfBuild is a Measure that depends on the policy, the catalogue and the build of a
// node alone: its capacity, cost, power curve, taints, site and devices, all of them
// free.
type OfBuild interface {
	Lasting
	OfBuild()
}

// Located is a Measure that depends on where a node stands alone, but for a few nodes.
type Located interface {
	Lasting

	// Locate writes, by position in State.Places, at least what Score gives.
	Locate(s *State, value []float32)

	// Apart returns the positions of nodes that may get more than their place says.
	Apart(s *State) []int32
}

// Named returns the positions of the nodes of these names, and perhaps a few more. It
// looks for what stands for them in Block.Rank.
func (s *State) Named(names ...string) (nodes []int32) {
	if len(names) == 0 {
		return nil
	}
	ranks := make(map[uint64]bool, len(names))
	for _, name := range names {
		ranks[s.Policy.rank(name)] = true
	}
	only := s.Policy.rank(names[0])
	for _, b := range s.Blocks {
		for i, rank := range b.Rank {
			if rank == only || len(ranks) > 1 && ranks[rank] {
				nodes = append(nodes, b.First+int32(i))
			}
		}
	}
	return nodes
}

// MostAverage returns at most what l adds to Average of a node: where what is there is
// predicted to take less than its limits, and where it is bounded by these.
func (l *Load) MostAverage() (within, bounded float32) {
	within = forecast.Unlimited(l.Level, l.Peak, l.Limit, slices.Max(l.margins))
	return within, max(within, l.Limit)
}

// LeastHighest returns at least what l adds to Highest of a node whose members' own
// peaks are together no less than the highest slot of their profiles: forecast.Peak is
// linear there but for the limit, and the limits add up, too.
func (l *Load) LeastHighest() float32 {
	if l.Peak < l.Top {
		return 0
	}
	least := l.Limit
	for _, q := range [...]float32{slices.Min(l.margins), slices.Max(l.margins)} {
		p := l.Low
		if q > 1 {
			p = l.Top
		}
		least = min(least, p+q*(l.Peak-p))
	}
	return max(least, 0)
}
