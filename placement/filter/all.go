package filter

import (
	"math/bits"

	"github.com/auspex-project/auspex/placement"
)

// All returns every filter in the order in which they are asked: what costs
// little and decides much first. A node is counted by the first that turns it
// away.
func All() []placement.Filter {
	return []placement.Filter{
		Ready{},
		Maintenance{},
		Selector{},
		Taints{},
		Dedication{},
		Security{},
		Jurisdiction{},
		Tenancy{},
		Locality{},
		Data{},
		Accelerator{},
		Requested{},
		Predicted{},
		Power{},
		Crowding{},
		Spread{},
		Affinity{},
	}
}

// perNode is a check that looks at nodes one by one.
type perNode func(s *placement.State, b *placement.Block, i int) bool

func (f perNode) Pass(s *placement.State, b *placement.Block, candidates uint64) uint64 {
	for m := candidates; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m) & (placement.BlockSize - 1)
		if !f(s, b, i) {
			candidates &^= 1 << i
		}
	}
	return candidates
}

// among is a perNode that lets every node pass that is not in a mask of the block.
func among(mask func(*placement.Block) uint64, f perNode) placement.Check { return masked{mask, f} }

type masked struct {
	mask func(*placement.Block) uint64
	f    perNode
}

func (c masked) Pass(s *placement.State, b *placement.Block, candidates uint64) uint64 {
	mask := c.mask(b)
	return candidates&^mask | c.f.Pass(s, b, candidates&mask)
}

// byMask is a check that is a mask of the block.
type byMask func(b *placement.Block) uint64

func (f byMask) Pass(_ *placement.State, b *placement.Block, candidates uint64) uint64 {
	return candidates & f(b)
}
