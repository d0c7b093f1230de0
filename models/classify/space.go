package classify

import (
	"fmt"
	"math"
)

// votes is how many neighbours vote.
const votes = 7

// space is labelled points. It is immutable and safe for concurrent use.
type space struct {
	columns []string
	middle  []float64 // by column; what is unknown counts as this
	spread  []float64 // by column, above 0

	points     [][]float64 // standardised
	labels     []int       // beside points: indices of classes
	trusted    []bool      // by label: whether it may be told
	neighbours *neighbours
}

// newSpace standardises raw points by their mean and standard deviation.
func newSpace(columns []string, raw [][]float64, labels []int) (*space, error) {
	s := &space{columns: columns, labels: labels}
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

func (s *space) index() (err error) {
	if len(s.points) < votes {
		return fmt.Errorf("%d points (want at least %d)", len(s.points), votes)
	}
	s.neighbours, err = newNeighbours(s.points)
	return err
}

// standardise returns p in the terms of the space, as exact as it is stored.
func (s *space) standardise(p []float64) []float64 {
	out := make([]float64, len(p))
	for c, x := range p {
		if x == x {
			out[c] = float64(float32(min(max((x-s.middle[c])/s.spread[c], -bound), bound)))
		}
	}
	return out
}

// ballot is the label most neighbours have, the nearer one of equals, and the
// share of neighbours that have it.
type ballot struct {
	label int
	share float64
}

// vote asks the neighbours of a raw point.
func (s *space) vote(p []float64) (ballot, error) {
	near, err := s.neighbours.nearest(s.standardise(p), votes)
	if err != nil {
		return ballot{}, err
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
	return ballot{best, float64(count[best]) / votes}, nil
}
