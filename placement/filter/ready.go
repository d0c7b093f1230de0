package filter

import "github.com/auspex-project/auspex/placement"

// Ready keeps new work off nodes that are being drained or have not been heard
// of.
type Ready struct{}

var _ placement.Filter = Ready{}

func (Ready) Name() string { return "ready" }

func (Ready) Prepare(*placement.Query) []placement.Rule {
	return []placement.Rule{
		{Reason: "node is being drained", Check: byMask(func(b *placement.Block) uint64 { return ^b.Draining })},
		{Reason: "node has not been heard of", Check: byMask(func(b *placement.Block) uint64 { return ^b.Silent })},
	}
}
