package score

import "github.com/auspex-project/auspex/placement"

// Fit prefers nodes the workload fills up (best fit): the predicted peaks with
// it, averaged over slots and over the resources it needs, as a share of
// capacity. What is left elsewhere stays whole.
type Fit struct{}

var (
	_ placement.Foresight = Fit{}
	_ placement.Foreseen  = (*fit)(nil)
)

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

// Foresee implements placement.Foresight: a peak of a sum is at most the sum of the
// peaks, except where the limits bound it.
func (Fit) Foresee(q *placement.Query) placement.Standing { return fitStanding{loads(q)} }

type fitStanding struct{ loads []placement.Load }

const withinLimits, atLimits = 0, 1 // marks: atLimits where one resource is

func (st fitStanding) Stand(_ *placement.State, b *placement.Block, i int) (value float32, mark int) {
	sum := float32(0)
	for k := range st.loads {
		l := &st.loads[k]
		average := l.Average(b, i)
		sum += l.Share(b, i, average)
		if limit := b.Columns[l.Index].Limit[i]; limit > 0 && average >= limit {
			mark = atLimits
		}
	}
	return 100 * sum / float32(len(st.loads)), mark
}

func (m *fit) Rise(_ *placement.State, b *placement.Block, builds uint64, mark int, value *placement.Lane) {
	part := 100 / float32(len(m.loads))
	each(builds, func(i int) { value[i] = 0 })
	for k := range m.loads {
		l := &m.loads[k]
		most, bounded := l.MostAverage()
		if mark == atLimits {
			most = bounded
		}
		each(builds, func(i int) { value[i] += part * l.Share(b, i, most) })
	}
}
