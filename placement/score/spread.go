package score

import (
	"math"

	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/workload"
)

// Spread prefers places where the preferred spreads of the workload are kept:
// 100 / (1 + peers over the skew), averaged over the spreads. A place that is in
// no part of the kind gets nothing.
type Spread struct{}

var (
	_ placement.Scorer   = Spread{}
	_ placement.Regional = (*spread)(nil)
)

func (Spread) Name() string           { return "spread" }
func (Spread) Unit() string           { return "peers over skew" }
func (Spread) DefaultWeight() float64 { return 2 }

func (Spread) Prepare(q *placement.Query) placement.Measure {
	m := &spread{}
	for i := range q.Workload.Spread {
		switch c := &q.Workload.Spread[i]; {
		case !c.Preferred:
		case c.Over == workload.AtNode:
			m.nodes = append(m.nodes, q.Skew(c))
		default:
			m.places = append(m.places, q.Skew(c))
		}
	}
	if len(m.nodes)+len(m.places) == 0 {
		return nil
	}
	m.part = 100 / float32(len(m.nodes)+len(m.places))
	return m
}

type spread struct {
	nodes, places []placement.Skew
	part          float32 // of the value, for each
}

func (m *spread) Local() bool { return len(m.nodes) > 0 }

func (m *spread) Score(s *placement.State, b *placement.Block, candidates uint64, raw, value *placement.Lane) {
	each(candidates, func(i int) {
		raw[i], value[i] = 0, 0
		for k := range m.nodes {
			over := float32(m.nodes[k].OverOnNode(s, b, i))
			raw[i] += over
			value[i] += m.part / (1 + over)
		}
		value[i] = min(value[i], 100)
	})
}

func (m *spread) Survey(s *placement.State, raw, value []float32) {
	clear(raw)
	clear(value)
	for k := range m.places {
		m.places[k].Over(s, func(place int, over int32) {
			if over != math.MinInt32 {
				raw[place] += float32(over)
				value[place] += m.part / (1 + float32(over))
			}
		})
	}
}
