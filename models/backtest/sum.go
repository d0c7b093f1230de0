package backtest

import (
	"math"
	"slices"
)

// Sum is the usage of one membership, summed as if its members had always been
// together under their present limits: S(t) = sum of min(u(t), limit). It keeps
// the maximum of the sum over blocks of steps, each computed when first asked
// for.
type Sum struct {
	panel  *Panel
	block  int       // steps a block
	maxima []float32 // NaN where not yet computed
	sums   []float32 // of one block
	of     Membership
}

// NewSum returns a Sum whose blocks have block steps.
func NewSum(p *Panel, block int) *Sum {
	s := &Sum{panel: p, block: block, maxima: make([]float32, (p.Steps+block-1)/block), sums: make([]float32, block)}
	s.forget()
	return s
}

func (s *Sum) forget() {
	for b := range s.maxima {
		s.maxima[b] = float32(math.NaN())
	}
}

// Follow makes s the sum of membership at; cheap when that has not changed.
func (s *Sum) Follow(at Membership) {
	if !s.of.equal(at) {
		s.of = at
		s.forget()
	}
}

// Max returns the largest sum in steps [from, to), which must be multiples of
// the block.
func (s *Sum) Max(from, to int) float32 {
	var largest float32
	for b := max(from/s.block, 0); b < min((to+s.block-1)/s.block, len(s.maxima)); b++ {
		if s.maxima[b] != s.maxima[b] {
			s.maxima[b] = s.add(b)
		}
		largest = max(largest, s.maxima[b])
	}
	return largest
}

// add sums up block b and returns its maximum.
func (s *Sum) add(b int) float32 {
	from := b * s.block
	clear(s.sums)
	for i, k := range s.of.Present {
		most := s.of.Limits[i]
		usage, first := s.panel.Tracks[k].between(from, from+s.block)
		if len(usage) == 0 {
			continue
		}
		sums := s.sums[first-from:]
		for j, v := range usage {
			if v == v {
				sums[j] += min(v, most)
			}
		}
	}
	return slices.Max(s.sums)
}
