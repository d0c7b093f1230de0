package score

import "github.com/auspex-project/auspex/placement"

// Fit prefers nodes the workload fills up (best fit): the predicted peaks with
// it, averaged over slots and over the resources it needs, as a share of
// capacity. What is left elsewhere stays whole.
type Fit struct{}

var _ placement.Scorer = Fit{}

func (Fit) Name() string           { return "fit" }
func (Fit) Unit() string           { return "share of capacity" }
func (Fit) DefaultWeight() float64 { return 3 }

func (Fit) Prepare(q *placement.Query) placement.Measure {
	if loads := loads(q); len(loads) > 0 {
		return &fit{loads}
	}
	return nil
}

type fit struct{ loads []placement.Load }

func (m *fit) Score(_ *placement.State, b *placement.Block, candidates uint64, raw, value *placement.Lane) {
	part := 1 / float32(len(m.loads))
	for k := range m.loads {
		l := &m.loads[k]
		if k == 0 {
			each(candidates, func(i int) { raw[i] = part * l.Share(b, i, l.Average(b, i)) })
			continue
		}
		each(candidates, func(i int) { raw[i] += part * l.Share(b, i, l.Average(b, i)) })
	}
	each(candidates, func(i int) { value[i] = percent(raw[i]) })
}
