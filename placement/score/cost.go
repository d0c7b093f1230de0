package score

import (
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/resource"
)

// Cost prefers nodes where the workload's part is cheap: the node's price times
// the largest share of it that the workload asks for. The scale is the dearest
// core, byte or device of the fleet.
type Cost struct{}

var _ placement.Scorer = Cost{}

func (Cost) Name() string           { return "cost" }
func (Cost) Unit() string           { return "currency/h" }
func (Cost) DefaultWeight() float64 { return 1 }

func (Cost) Prepare(q *placement.Query) placement.Measure {
	c := q.State.Catalogue
	m := &cost{devices: float32(q.Accelerator.Devices) * float32(q.Accelerator.Share) / placement.WholeDevice}
	m.worst = float32(c.CostPerDevice) * m.devices
	for i := range q.Needs {
		n := &q.Needs[i]
		if n.Index < 0 || n.Request == 0 {
			continue
		}
		switch n.Resource {
		case resource.CPU:
			m.worst = max(m.worst, float32(c.CostPerCore*n.Request))
		case resource.Memory:
			m.worst = max(m.worst, float32(c.CostPerByte*n.Request))
		default:
			continue
		}
		m.asks = append(m.asks, ask{n.Index, n.Request})
	}
	if m.worst == 0 {
		return nil
	}
	return m
}

type cost struct {
	asks    []ask
	devices float32
	worst   float32
}

type ask struct {
	resource int
	amount   float64
}

func (*cost) Lasting() {}
func (*cost) OfBuild() {}

func (m *cost) Score(_ *placement.State, b *placement.Block, candidates uint64, raw, value *placement.Lane) {
	each(candidates, func(i int) {
		share := float32(0)
		for _, a := range m.asks {
			if capacity := b.Capacity[a.resource][i]; capacity > 0 {
				share = max(share, float32(a.amount/capacity))
			}
		}
		if m.devices > 0 && len(b.Occupants[i].Devices) > 0 {
			share = max(share, m.devices/float32(len(b.Occupants[i].Devices)))
		}
		price := share * b.Cost[i]
		raw[i], value[i] = price, percent(1-price/m.worst)
	})
}
