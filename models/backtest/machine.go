package backtest

import (
	"fmt"
	"slices"
)

// presence is for how many steps a silent workload still counts as running.
const presence = 3

// Machine is the workloads that share a node, each for a while.
type Machine struct {
	panel   *Panel
	Node    string // "" for a random group
	Members []Member
}

// Member is a track that is on a machine after step From, until step To.
type Member struct{ Track, From, To int }

// Panel returns the panel the machine's tracks are in.
func (m *Machine) Panel() *Panel { return m.panel }

// Membership is who runs on a machine at an origin, and what each may use.
type Membership struct {
	Present []int // indices of tracks
	Limits  []float32
	Limit   float32 // their sum

	// Since, unless nil, has the step before which each member's past counts as
	// unknown.
	Since []int
}

func (a Membership) equal(b Membership) bool {
	return slices.Equal(a.Present, b.Present) && slices.Equal(a.Limits, b.Limits) && slices.Equal(a.Since, b.Since)
}

func (a Membership) since(i int) int {
	if a.Since == nil {
		return 0
	}
	return a.Since[i]
}

// At returns the membership just before step i.
func (m *Machine) At(i int) Membership {
	var at Membership
	for _, member := range m.Members {
		if i <= member.From || i > member.To {
			continue
		}
		if t := m.panel.Tracks[member.Track]; t.Present(i, presence) {
			most := t.Limit(i)
			at.Present = append(at.Present, member.Track)
			at.Limits = append(at.Limits, most)
			at.Limit += most
		}
	}
	return at
}

// String names the machine after its workloads.
func (m *Machine) String() string {
	if len(m.Members) == 0 {
		return "no workload"
	}
	first := m.panel.Tracks[m.Members[0].Track].Workload
	if len(m.Members) == 1 {
		return first
	}
	return fmt.Sprintf("%s and %d others", first, len(m.Members)-1)
}
