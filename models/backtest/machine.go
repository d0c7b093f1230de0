package backtest

import (
	"math/rand/v2"
	"slices"
)

// presence is for how many steps a silent workload still counts as running.
const presence = 3

// Machine is a set of workloads that share a node.
type Machine struct {
	panel   *Panel
	Members []int // indices of tracks
}

// RandomMachines deals the tracks of p to machines of size members, replicates
// times over. Within one replicate no track is in two machines; tracks left
// over sit it out. The same seed deals the same hands.
func RandomMachines(p *Panel, size, replicates int, seed uint64) []*Machine {
	var machines []*Machine
	for replicate := range replicates {
		rng := rand.New(rand.NewPCG(seed, uint64(replicate)))
		for hand := range slices.Chunk(rng.Perm(len(p.Tracks)), size) {
			if len(hand) == size {
				machines = append(machines, &Machine{p, slices.Clone(hand)})
			}
		}
	}
	return machines
}

// Panel returns the panel the machine's tracks are in.
func (m *Machine) Panel() *Panel { return m.panel }

// Membership is who runs on a machine at an origin, and what each may use.
type Membership struct {
	Present []int // indices of tracks
	Limits  []float32
	Limit   float32 // their sum
}

func (a Membership) equal(b Membership) bool {
	return slices.Equal(a.Present, b.Present) && slices.Equal(a.Limits, b.Limits)
}

// At returns the membership just before step i.
func (m *Machine) At(i int) Membership {
	var at Membership
	for _, k := range m.Members {
		if t := m.panel.Tracks[k]; t.Present(i, presence) {
			most := t.Limit(i)
			at.Present = append(at.Present, k)
			at.Limits = append(at.Limits, most)
			at.Limit += most
		}
	}
	return at
}

// Sum is the usage of one membership, summed as if its members had always been
// together under their present limits: S(t) = sum of min(u(t), limit). It keeps
// the maximum of the sum over blocks of steps.
type Sum struct {
	panel  *Panel
	block  int // steps a block
	maxima []float32
	of     Membership
	filled bool
}

// NewSum returns a Sum whose blocks have block steps.
func NewSum(p *Panel, block int) *Sum {
	return &Sum{panel: p, block: block, maxima: make([]float32, (p.Steps+block-1)/block)}
}

// Follow makes s the sum of membership at; cheap when that has not changed.
func (s *Sum) Follow(at Membership) {
	if s.filled && s.of.equal(at) {
		return
	}
	s.of, s.filled = at, true
	sums := make([]float32, s.block)
	for b := range s.maxima {
		from, to := b*s.block, min((b+1)*s.block, s.panel.Steps)
		clear(sums)
		for i, k := range at.Present {
			most := at.Limits[i]
			for j, v := range s.panel.Tracks[k].Usage[from:to] {
				if v == v {
					sums[j] += min(v, most)
				}
			}
		}
		s.maxima[b] = slices.Max(sums)
	}
}

// Max returns the largest sum in steps [from, to), which must be multiples of
// the block.
func (s *Sum) Max(from, to int) float32 {
	var largest float32
	for _, v := range s.maxima[max(from/s.block, 0):min((to+s.block-1)/s.block, len(s.maxima))] {
		largest = max(largest, v)
	}
	return largest
}
