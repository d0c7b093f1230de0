package classify

import (
	"fmt"
	"math"
)

// votes is how many neighbours vote.
const votes = 7

// Space is labelled points, whose nearest vote. It is immutable and safe for
// concurrent use.
type Space struct {
	columns []string
	middle  []float64 // by column; what is unknown counts as this
	spread  []float64 // by column, above 0

	points     [][]float64 // standardised
	labels     []int       // beside points: indices of classes
	trusted    []bool      // by label: whether it may be told
	neighbours *neighbours
}

// NewSpace returns a space of raw points, NaN where nothing is known, which it
// standardises by their mean and standard deviation, and of the label of each.
func NewSpace(columns []string, raw [][]float64, labels []int) (*Space, error) {
	s := &Space{columns: columns, labels: labels}
	for c := range columns {
		var n, sum, square float64
		for _, p := range raw {
			if x := p[c]; x == x {
				n, sum, square = n+1, sum+x, square+x*x
			}
		}
		middle, spread := 0.0, 1.0
		if n > 0 {
			middle = sum / n
			if sd := math.Sqrt(max(0, square/n-middle*middle)); sd > 1e-9*(1+math.Abs(middle)) {
				spread = sd
			}
		}
		s.middle, s.spread = append(s.middle, middle), append(s.spread, spread)
	}
	for _, p := range raw {
		s.points = append(s.points, s.standardise(p))
	}
	return s, s.index()
}

func (s *Space) index() (err error) {
	if len(s.points) < votes {
		return fmt.Errorf("%d points (want at least %d)", len(s.points), votes)
	}
	s.neighbours, err = newNeighbours(s.points)
	return err
}

// standardise returns p in the terms of the space, as exact as it is stored.
func (s *Space) standardise(p []float64) []float64 {
	out := make([]float64, len(p))
	for c, x := range p {
		if x == x {
			out[c] = float64(float32(min(max((x-s.middle[c])/s.spread[c], -bound), bound)))
		}
	}
	return out
}

// Ballot is the label most neighbours have, the nearer one of equals, and the
// share of neighbours that have it.
type Ballot struct {
	Label int
	Share float64
}

// Vote asks the k nearest neighbours of a raw point, all of them if there are
// fewer.
func (s *Space) Vote(p []float64, k int) (Ballot, error) {
	near, err := s.neighbours.nearest(s.standardise(p), min(k, len(s.points)))
	if err != nil {
		return Ballot{}, err
	}
	count := map[int]int{}
	for _, i := range near {
		count[s.labels[i]]++
	}
	best := s.labels[near[0]]
	for _, i := range near {
		if count[s.labels[i]] > count[best] {
			best = s.labels[i]
		}
	}
	return Ballot{best, float64(count[best]) / float64(len(near))}, nil
}
