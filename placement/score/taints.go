package score

import (
	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/workload"
)

// Taints prefers nodes without taints that would rather have the workload
// elsewhere (prefer-no-schedule) and that it does not tolerate.
type Taints struct{}

var _ placement.Scorer = Taints{}

func (Taints) Name() string           { return "taints" }
func (Taints) Unit() string           { return "taints" }
func (Taints) DefaultWeight() float64 { return 2 }

func (Taints) Prepare(q *placement.Query) placement.Measure {
	if !q.State.Catalogue.Unkind {
		return nil
	}
	m := &taints{tolerations: q.Workload.Tolerations, unwelcome: make([]float32, len(q.State.TaintSets))}
	for i, set := range q.State.TaintSets {
		m.unwelcome[i] = unwelcome(m.tolerations, set)
	}
	return m
}

type taints struct {
	tolerations []workload.Toleration
	unwelcome   []float32 // by taint set
}

func (*taints) Lasting() {}
func (*taints) OfBuild() {}

func (m *taints) Score(s *placement.State, b *placement.Block, candidates uint64, raw, value *placement.Lane) {
	each(candidates&^b.Tainted, func(i int) { raw[i], value[i] = 0, 100 })
	each(candidates&b.Tainted, func(i int) {
		if t := int(b.Taints[i]); t < len(m.unwelcome) {
			raw[i] = m.unwelcome[t]
		} else { // a node described since the query was made
			raw[i] = unwelcome(m.tolerations, s.TaintSets[t])
		}
		value[i] = 100 / (1 + raw[i])
	})
}

func unwelcome(tolerations []workload.Toleration, set []fleet.Taint) float32 {
	n := float32(0)
	for _, t := range set {
		if t.Effect == fleet.PreferNoSchedule && !workload.Tolerates(tolerations, t.Key, t.Value) {
			n++
		}
	}
	return n
}
