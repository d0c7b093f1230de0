package backtest

import "slices"

// Sum is the usage of one membership, summed as if its members had always been
// together under their present limits: S(t) = sum of min(u(t), limit). It is
// known from some steps before the origin it follows to some after it.
type Sum struct {
	panel         *Panel
	block         int // steps a block
	before, after int // steps known around an origin, multiples of block
	from, to      int // steps known now
	of            Membership
	values        []float32
	maxima, means []float32 // of blocks
	squares       []float32 // means of squares
}

// NewSum returns a Sum whose blocks have block steps, that knows before steps
// ahead of the origin it follows and after steps from it on, both rounded up to
// whole blocks.
func NewSum(p *Panel, block, before, after int) *Sum {
	blocks := (p.Steps + block - 1) / block
	return &Sum{
		panel: p, block: block, before: (before + block - 1) / block * block, after: (after + block - 1) / block * block,
		values: make([]float32, blocks*block),
		maxima: make([]float32, blocks), means: make([]float32, blocks), squares: make([]float32, blocks),
	}
}

// Follow makes s the sum of membership at around an origin, a multiple of the
// block; cheap when the membership has not changed since the origin before.
func (s *Sum) Follow(at Membership, origin int) {
	from, to := max(origin-s.before, 0), min(origin+s.after, len(s.values))
	if s.to > 0 && from >= s.from && from <= s.to && s.of.equal(at) {
		if to > s.to {
			s.add(s.to, to)
		}
		s.from = from
		return
	}
	s.of = at
	s.from, s.to = from, from
	s.add(from, to)
}

// add extends s from where it ends to step to.
func (s *Sum) add(from, to int) {
	sums := s.values[from:to]
	clear(sums)
	end := min(to, s.panel.Steps)
	for i, k := range s.of.Present {
		most := s.of.Limits[i]
		usage, first := s.panel.Tracks[k].between(max(from, s.of.since(i)), end)
		if len(usage) == 0 {
			continue
		}
		out := s.values[first : first+len(usage)]
		for j, v := range usage {
			if v == v {
				out[j] += min(v, most)
			}
		}
	}
	for b := from / s.block; b < to/s.block; b++ {
		values := s.values[b*s.block : (b+1)*s.block]
		var sum, squares float64
		for _, v := range values {
			sum += float64(v)
			squares += float64(v) * float64(v)
		}
		s.maxima[b] = slices.Max(values)
		s.means[b] = float32(sum / float64(s.block))
		s.squares[b] = float32(squares / float64(s.block))
	}
	s.to = to
}

// Max returns the largest sum in steps [from, to), which must be multiples of
// the block; steps that s does not know count as 0.
func (s *Sum) Max(from, to int) float32 {
	var largest float32
	for _, v := range s.maxima[s.first(from):max(s.last(to), s.first(from))] {
		largest = max(largest, v)
	}
	return largest
}

// Moments returns mean and mean of squares of the sum in steps [from, to),
// multiples of the block, as far as they are known.
func (s *Sum) Moments(from, to int) (mean, squares float64) {
	first, last := s.first(from), s.last(to)
	if last <= first {
		return 0, 0
	}
	for b := first; b < last; b++ {
		mean += float64(s.means[b])
		squares += float64(s.squares[b])
	}
	n := float64(last - first)
	return mean / n, squares / n
}

// Maxima returns the largest sum of each block in steps [from, to) as far as
// they are known. The caller must not change them.
func (s *Sum) Maxima(from, to int) []float32 {
	return s.maxima[s.first(from):max(s.last(to), s.first(from))]
}

// Values returns the sum at steps [from, to) as far as it is known. The caller
// must not change it.
func (s *Sum) Values(from, to int) []float32 {
	from = max(from, s.from)
	return s.values[from:max(min(to, s.to), from)]
}

func (s *Sum) first(from int) int { return max(from, s.from) / s.block }
func (s *Sum) last(to int) int    { return (min(to, s.to) + s.block - 1) / s.block }
