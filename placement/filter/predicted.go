package filter

import (
	"fmt"
	"math/bits"

	"github.com/auspex-project/auspex/placement"
)

// Predicted demands that, with the workload, the predicted peak of the sum on the
// node stays within capacity in every slot of the class's horizon, at the class's
// risk.
type Predicted struct{}

var _ placement.Filter = Predicted{}

func (Predicted) Name() string { return "predicted" }

func (Predicted) Prepare(q *placement.Query) []placement.Rule {
	rules := make([]placement.Rule, 0, len(q.Needs))
	for i := range q.Needs {
		n := &q.Needs[i]
		if n.Index < 0 || n.Limit == 0 {
			continue // no node has it, or nothing is added
		}
		rules = append(rules, placement.Rule{
			Reason:      fmt.Sprintf("predicted peak of %s over capacity", n.Resource),
			Preemptible: true,
			Costly:      true,
			Check:       &fits{q.Load(n)},
		})
	}
	return rules
}

type fits struct{ load placement.Load }

func (c *fits) Pass(s *placement.State, b *placement.Block, candidates uint64) uint64 {
	slots := s.Grid.Slots
	for m := candidates; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m) & (placement.BlockSize - 1)
		if !c.load.Fits(b, i, slots) {
			candidates &^= 1 << i
		}
	}
	return candidates
}
