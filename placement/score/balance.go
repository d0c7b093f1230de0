package score

import "github.com/auspex-project/auspex/placement"

// Balance prefers nodes that carry little: the average use predicted with the
// workload, of the resource that is used most, as a share of capacity.
type Balance struct{}

var (
	_ placement.Foresight = Balance{}
	_ placement.Foreseen  = (*balance)(nil)
)

func (Balance) Name() string           { return "balance" }
func (Balance) Unit() string           { return "share of capacity" }
func (Balance) DefaultWeight() float64 { return 1 }

func (Balance) Prepare(q *placement.Query) placement.Measure {
	if loads := loads(q); len(loads) > 0 {
		return &balance{loads}
	}
	return nil
}

type balance struct{ loads []placement.Load }

func (m *balance) Score(_ *placement.State, b *placement.Block, candidates uint64, raw, value *placement.Lane) {
	each(candidates, func(i int) {
		most := float32(0)
		for k := range m.loads {
			l := &m.loads[k]
			most = max(most, l.Share(b, i, b.Columns[l.Index].Mean[i]+l.Mean))
		}
		raw[i], value[i] = most, percent(1-most)
	})
}

// Foresee implements placement.Foresight: the resource used most stays the one that
// counts, or another counts more.
func (Balance) Foresee(q *placement.Query) placement.Standing { return balanceStanding{loads(q)} }

type balanceStanding struct{ loads []placement.Load }

func (st balanceStanding) Stand(_ *placement.State, b *placement.Block, i int) (value float32, mark int) {
	return scarcest(st.loads, func(l *placement.Load) (share float32, ok bool) {
		return l.Share(b, i, b.Columns[l.Index].Mean[i]), true
	})
}

func (m *balance) Rise(_ *placement.State, b *placement.Block, builds uint64, mark int, value *placement.Lane) {
	fall(b, builds, m.loads, mark, value, func(l *placement.Load) float32 { return l.Mean })
}

// scarcest returns what is left of the resource of which share says the largest, as a
// value, and which that is: its position in the schema, plus one, for the needs of one
// way come in any order. The mark is 0 where little is left, or not ok: values end at
// 0, so that no more than the standing is known there.
func scarcest(loads []placement.Load, share func(l *placement.Load) (share float32, ok bool)) (value float32, mark int) {
	most, sure := float32(0), true
	for k := range loads {
		x, ok := share(&loads[k])
		sure = sure && ok
		if x > most || mark == 0 {
			most, mark = max(x, most), loads[k].Index+1
		}
	}
	value = percent(1 - most)
	if !sure || value < deepest || mark >= placement.Marks {
		mark = 0
	}
	return value, mark
}

// deepest is how far a value is let fall below its standing, and the least standing
// that may.
const deepest = 30

// fall writes to value, as something to be added, how much of the marked resource of
// each build a load takes.
func fall(b *placement.Block, builds uint64, loads []placement.Load, mark int, value *placement.Lane, takes func(l *placement.Load) float32) {
	for k := range loads {
		if l := &loads[k]; l.Index == mark-1 {
			amount := takes(l)
			each(builds, func(i int) { value[i] = max(-100*l.Share(b, i, amount), -deepest) })
			return
		}
	}
	each(builds, func(i int) { value[i] = 0 })
}
