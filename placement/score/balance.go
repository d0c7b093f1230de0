package score

import "github.com/auspex-project/auspex/placement"

// Balance prefers nodes that carry little: the average use predicted with the
// workload, of the resource that is used most, as a share of capacity.
type Balance struct{}

var _ placement.Scorer = Balance{}

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
