package score

import (
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/workload"
)

// Affinity prefers to be near those peers, and away from those, that the workload
// would like to be near or away from: 100 where a wish is met, 100 / (1 + peers)
// where peers to keep away from are near, averaged over the wishes.
type Affinity struct{}

var (
	_ placement.Scorer   = Affinity{}
	_ placement.Regional = (*affinity)(nil)
)

func (Affinity) Name() string           { return "affinity" }
func (Affinity) Unit() string           { return "wishes met" }
func (Affinity) DefaultWeight() float64 { return 2 }

func (Affinity) Prepare(q *placement.Query) placement.Measure {
	m := &affinity{}
	for i := range q.Workload.Affinity {
		a := &q.Workload.Affinity[i]
		if !a.Preferred {
			continue
		}
		w := wish{q.Company(a.Peers), a.Within, a.Apart}
		if a.Within == workload.AtNode {
			m.nodes = append(m.nodes, w)
		} else {
			m.places = append(m.places, w)
		}
	}
	if len(m.nodes)+len(m.places) == 0 {
		return nil
	}
	m.part = 100 / float32(len(m.nodes)+len(m.places))
	return m
}

type affinity struct {
	nodes, places []wish
	part          float32 // of the value, for each
}

type wish struct {
	company placement.Company
	within  workload.Level
	apart   bool
}

// met returns how far a wish is met where so many peers are near, 0 to 1.
func (w *wish) met(peers int) float32 {
	switch {
	case w.apart:
		return 1 / (1 + float32(max(peers, 0)))
	case peers > 0:
		return 1
	}
	return 0
}

func (m *affinity) Local() bool { return len(m.nodes) > 0 }

func (m *affinity) Score(s *placement.State, b *placement.Block, candidates uint64, raw, value *placement.Lane) {
	each(candidates, func(i int) {
		raw[i], value[i] = 0, 0
		for k := range m.nodes {
			met := m.nodes[k].met(m.nodes[k].company.Group(s).On(b, i))
			raw[i] += met
			value[i] += m.part * met
		}
		value[i] = min(value[i], 100)
	})
}

func (m *affinity) Survey(s *placement.State, raw, value []float32) {
	clear(raw)
	clear(value)
	for k := range m.places {
		wish := &m.places[k]
		wish.company.Together(s, wish.within, func(place int, peers int32) {
			met := wish.met(int(peers))
			raw[place] += met
			value[place] += m.part * met
		})
	}
}
