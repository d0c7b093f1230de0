package score

import "github.com/auspex-project/auspex/placement"

// Stability prefers the node a workload already runs on: a move costs a restart
// and whatever it holds in memory.
type Stability struct{}

var _ placement.Scorer = Stability{}

func (Stability) Name() string           { return "stability" }
func (Stability) Unit() string           { return "moves" }
func (Stability) DefaultWeight() float64 { return 3 }

func (Stability) Prepare(q *placement.Query) placement.Measure {
	if q.Workload.RunsOn == "" {
		return nil
	}
	return &stability{q.Workload.RunsOn}
}

type stability struct{ node string }

func (*stability) Lasting() {}

// Locate implements placement.Located.
func (*stability) Locate(_ *placement.State, value []float32) { clear(value) }

// Apart implements placement.Located.
func (m *stability) Apart(s *placement.State) []int32 { return s.Named(m.node) }

func (m *stability) Score(_ *placement.State, b *placement.Block, candidates uint64, raw, value *placement.Lane) {
	each(candidates, func(i int) {
		raw[i], value[i] = 1, 0
		if b.Node[i].Name == m.node {
			raw[i], value[i] = 0, 100
		}
	})
}
