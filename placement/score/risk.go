package score

import "github.com/auspex-project/auspex/placement"

// Risk prefers nodes that keep room for surprises: the smallest headroom left
// over the horizon's slots, as a share of capacity. Peaks that fall into a node's
// quiet hours cost little here.
type Risk struct{}

var (
	_ placement.Foresight = Risk{}
	_ placement.Bounded   = (*risk)(nil)
	_ placement.Foreseen  = (*risk)(nil)
)

func (Risk) Name() string           { return "risk" }
func (Risk) Unit() string           { return "share of capacity" }
func (Risk) DefaultWeight() float64 { return 1 }

func (Risk) Prepare(q *placement.Query) placement.Measure {
	if loads := loads(q); len(loads) > 0 {
		return &risk{loads}
	}
	return nil
}

type risk struct{ loads []placement.Load }

func (m *risk) Score(s *placement.State, b *placement.Block, candidates uint64, raw, value *placement.Lane) {
	each(candidates, func(i int) {
		least := float32(1)
		for k := range m.loads {
			l := &m.loads[k]
			least = min(least, 1-l.Share(b, i, l.Highest(b, i, s.Grid.Slots)))
		}
		raw[i], value[i] = least, percent(least)
	})
}

func (m *risk) Bound(_ *placement.State, b *placement.Block, candidates uint64, value *placement.Lane) {
	each(candidates, func(i int) {
		least := float32(1)
		for k := range m.loads {
			l := &m.loads[k]
			least = min(least, 1-l.Share(b, i, l.Least(b, i)))
		}
		value[i] = percent(least)
	})
}

// Foresee implements placement.Foresight: in the slot in which a node's peak is highest
// now, it will be higher by what the load adds there at least.
func (Risk) Foresee(q *placement.Query) placement.Standing { return riskStanding{loads(q)} }

type riskStanding struct{ loads []placement.Load }

func (st riskStanding) Stand(s *placement.State, b *placement.Block, i int) (value float32, mark int) {
	return scarcest(st.loads, func(l *placement.Load) (share float32, ok bool) {
		c := &b.Columns[l.Index]
		return l.Share(b, i, l.Highest(b, i, s.Grid.Slots)), c.Peak[i] >= c.Top[i]
	})
}

func (m *risk) Rise(_ *placement.State, b *placement.Block, builds uint64, mark int, value *placement.Lane) {
	fall(b, builds, m.loads, mark, value, (*placement.Load).LeastHighest)
}
