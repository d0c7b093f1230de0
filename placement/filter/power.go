package filter

import (
	"math/bits"

	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/resource"
)

// Power demands that, with the workload, the predicted draw stays within the caps
// of the node, its rack, its PDU and its site in every slot of the grid. Caps protect fuses, so
// the horizon of the class does not shorten them.
type Power struct{}

var _ placement.Filter = Power{}

func (Power) Name() string { return "power" }

func (Power) Prepare(q *placement.Query) []placement.Rule {
	draw := draw{query: q, cpu: q.Need(resource.CPU)}
	return []placement.Rule{
		{Reason: "predicted draw over the node's power cap", Preemptible: true, Check: nodeCap{draw}},
		{Reason: "predicted draw over the rack's power cap", Preemptible: true, Shared: true, Check: domainCap{draw, placement.RackDomain}},
		{Reason: "predicted draw over the PDU's power cap", Preemptible: true, Shared: true, Check: domainCap{draw, placement.PDUDomain}},
		{Reason: "predicted draw over the site's power cap", Preemptible: true, Shared: true, Check: domainCap{draw, placement.SiteDomain}},
	}
}

// draw predicts what a node draws with the workload.
type draw struct {
	query *placement.Query
	cpu   *placement.Need // nil: none
}

// maxSlots is the longest grid that needs no allocation: a week of hours.
const maxSlots = 7 * 24

func (d *draw) with(s *placement.State, b *placement.Block, i int, buffer *[maxSlots]float32) []float32 {
	watts := buffer[:0]
	if s.Grid.Slots > maxSlots {
		watts = make([]float32, 0, s.Grid.Slots)
	}
	watts = watts[:s.Grid.Slots]
	var chosen [64]int
	devices, _ := d.query.Devices(s, b, i, chosen[:0])
	extra := float32(0)
	for _, k := range devices {
		extra += b.Swing(i, k, d.query.Accelerator.Share)
	}
	s.Draw(b, i, d.cpu, extra, watts)
	return watts
}

type nodeCap struct{ draw }

func (c nodeCap) Pass(s *placement.State, b *placement.Block, candidates uint64) uint64 {
	var buffer [maxSlots]float32
	for m := candidates & b.Powered & b.Capped; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m) & (placement.BlockSize - 1)
		limit := b.CapWatts[i]
		for _, w := range c.with(s, b, i, &buffer) {
			if w > limit {
				candidates &^= 1 << i
				break
			}
		}
	}
	return candidates
}

type domainCap struct {
	draw
	kind placement.DomainKind
}

func (c domainCap) Pass(s *placement.State, b *placement.Block, candidates uint64) uint64 {
	if !s.AnyTight(c.kind) {
		return candidates
	}
	var buffer [maxSlots]float32
	for m := candidates & b.Powered; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m) & (placement.BlockSize - 1)
		at := b.Feeds[i][c.kind]
		if at < 0 || !s.Domains[at].Tight() {
			continue
		}
		domain, before := s.Domains[at], b.Watts(i, s.Grid.Slots)
		for t, w := range c.with(s, b, i, &buffer) {
			if domain.Watts[t]-placement.Microwatts(before[t])+placement.Microwatts(w) > domain.Cap {
				candidates &^= 1 << i
				break
			}
		}
	}
	return candidates
}
