package filter

import (
	"math/bits"

	"github.com/auspex-project/auspex/placement"
)

// Accelerator demands enough devices of an acceptable model on one node, each
// with the needed share and memory free.
type Accelerator struct{}

var _ placement.Filter = Accelerator{}

func (Accelerator) Name() string { return "accelerator" }

func (Accelerator) Prepare(q *placement.Query) []placement.Rule {
	a := q.Accelerator
	if a.Devices == 0 {
		return nil
	}
	return []placement.Rule{
		{Reason: "too few devices of an acceptable model", Lasting: true, OfBuild: true, Check: ofModel{a, q.Models}},
		{Reason: "too few devices with the share and memory free", Preemptible: true, Check: free{a, q.Models}},
	}
}

type ofModel struct {
	need   placement.Accelerator
	models []uint32
}

func (c ofModel) Pass(_ *placement.State, b *placement.Block, candidates uint64) uint64 {
	candidates &= b.Accelerated
	for m := candidates; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m)
		if _, ok := b.CanSelect(i, c.need, c.models); !ok {
			candidates &^= 1 << i
		}
	}
	return candidates
}

type free struct {
	need   placement.Accelerator
	models []uint32
}

func (c free) Pass(_ *placement.State, b *placement.Block, candidates uint64) uint64 {
	for m := candidates; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m)
		if ok, _ := b.CanSelect(i, c.need, c.models); !ok {
			candidates &^= 1 << i
		}
	}
	return candidates
}

var _ placement.Thinned = free{}

// PassWithout implements placement.Thinned.
func (c free) PassWithout(b *placement.Block, i int, gone []*placement.Member) bool {
	return b.CanSelectWithout(i, c.need, c.models, gone)
}
