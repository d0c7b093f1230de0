package score

import (
	"slices"

	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/workload"
)

// Preference prefers nodes that stand where the workload would like to be: how
// many of its lists of places name the node's.
type Preference struct{}

var _ placement.Scorer = Preference{}

func (Preference) Name() string           { return "preference" }
func (Preference) Unit() string           { return "wishes met" }
func (Preference) DefaultWeight() float64 { return 2 }

func (Preference) Prepare(q *placement.Query) placement.Measure {
	want := &q.Workload.Locality.Preferred
	m := &preference{want: want}
	for _, list := range [][]string{want.Providers, want.Regions, want.Zones, want.Racks, want.Nodes} {
		if len(list) > 0 {
			m.wishes++
		}
	}
	if m.wishes == 0 {
		return nil
	}
	m.met = make([]float32, len(q.State.Places))
	for i, p := range q.State.Places {
		m.met[i] = met(want, p)
	}
	return m
}

type preference struct {
	want   *workload.Places
	wishes float32
	met    []float32 // by place
}

func (*preference) Lasting() {}

// Locate implements placement.Located.
func (m *preference) Locate(s *placement.State, value []float32) {
	for place := range value {
		value[place] = percent(m.at(s, place) / m.wishes)
	}
}

// Apart implements placement.Located.
func (m *preference) Apart(s *placement.State) []int32 { return s.Named(m.want.Nodes...) }

// at returns how many of the lists name a place.
func (m *preference) at(s *placement.State, place int) float32 {
	if place < len(m.met) {
		return m.met[place]
	}
	return met(m.want, s.Places[place]) // of a node described since the query was made
}

func (m *preference) Score(s *placement.State, b *placement.Block, candidates uint64, raw, value *placement.Lane) {
	each(candidates, func(i int) {
		n := m.at(s, int(b.Place[i]))
		if len(m.want.Nodes) > 0 && slices.Contains(m.want.Nodes, b.Node[i].Name) {
			n++
		}
		raw[i], value[i] = n, percent(n/m.wishes)
	})
}

func met(want *workload.Places, p placement.Place) float32 {
	n := float32(0)
	grant := func(wish []string, name string) {
		if len(wish) > 0 && slices.Contains(wish, name) {
			n++
		}
	}
	grant(want.Providers, p.Provider)
	grant(want.Regions, p.Region)
	grant(want.Zones, p.Zone)
	grant(want.Racks, p.Rack)
	return n
}
