package filter

import (
	"math/bits"

	"github.com/auspex-project/auspex/placement"
)

// Security demands that a node dominates the workload's needs in the lattice of
// levels and sets of compartments (Bell and LaPadula, 1973), and that it is
// attested where that is asked for.
type Security struct{}

var _ placement.Filter = Security{}

func (Security) Name() string { return "security" }

func (Security) Prepare(q *placement.Query) []placement.Rule {
	need := q.Workload.Security
	level := int32(need.Level)
	rules := []placement.Rule{{Reason: "security level too low", Lasting: true}}
	if level > 0 { // no node is below 0
		rules[0].Check = cleared(level)
	}
	if len(need.Compartments) > 0 {
		wanted := q.State.Compartments(need.Compartments)
		rules = append(rules, placement.Rule{
			Reason: "lacks a security compartment", Lasting: true,
			Check: perNode(func(_ *placement.State, b *placement.Block, i int) bool {
				return containsAll(b.Compartments[i], wanted)
			}),
		})
	}
	if need.Attested {
		rules = append(rules, placement.Rule{
			Reason: "not attested", Lasting: true,
			Check: byMask(func(b *placement.Block) uint64 { return b.Attested }),
		})
	}
	return rules
}

// cleared is a check for a level.
type cleared int32

func (c cleared) Pass(_ *placement.State, b *placement.Block, candidates uint64) uint64 {
	for m := candidates; m != 0; m &= m - 1 {
		if i := bits.TrailingZeros64(m) & (placement.BlockSize - 1); b.Level[i] < int32(c) {
			candidates &^= 1 << i
		}
	}
	return candidates
}
