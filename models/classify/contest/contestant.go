package contest

import (
	"context"

	"github.com/auspex-project/auspex/models/classify"
)

// contestant learns from cases to tell the class of others.
type contestant struct {
	name string
	// simple ones are the yardsticks; one of the others is chosen.
	simple bool
	fit    func(ctx context.Context, q *Question, learned []Case, seed uint64) (teller, error)
}

// teller returns the class of a case and how sure it is, in [0, 1].
type teller func(c *Case) (label int, confidence float64, err error)

func contestants(q *Question) []contestant {
	all := []contestant{
		{"majority", true, majority},
		{"last", true, last},
		{"centroid", true, centroid},
		{"neighbours", false, neighbours},
	}
	if q.Buckets.Edges != nil {
		all = append(all, contestant{"trees", false, trees})
	}
	return all
}

// majority always tells the largest class, as surely as it is large.
func majority(_ context.Context, q *Question, learned []Case, _ uint64) (teller, error) {
	label, share := largest(q, learned)
	return func(*Case) (int, float64, error) { return label, share, nil }, nil
}

func largest(q *Question, learned []Case) (label int, share float64) {
	count := make([]int, len(q.Buckets.Names))
	for _, c := range learned {
		if count[c.Truth]++; count[c.Truth] > count[label] {
			label = c.Truth
		}
	}
	return label, float64(count[label]) / float64(len(learned))
}

// last tells what the one before was, as surely as that class has lasted; the
// largest class where there is none.
func last(_ context.Context, q *Question, learned []Case, _ uint64) (teller, error) {
	usual, share := largest(q, learned)
	told, right := make([]float64, len(q.Buckets.Names)), make([]float64, len(q.Buckets.Names))
	for _, c := range learned {
		if c.Last >= 0 {
			told[c.Last]++
			if c.Last == c.Truth {
				right[c.Last]++
			}
		}
	}
	return func(c *Case) (int, float64, error) {
		if c.Last < 0 || told[c.Last] == 0 {
			return usual, share, nil
		}
		return c.Last, right[c.Last] / told[c.Last], nil
	}, nil
}

// centroid tells the class with the nearest mean, always surely: it has no
// measure of doubt.
func centroid(_ context.Context, q *Question, learned []Case, _ uint64) (teller, error) {
	s, columns, err := spaceOf(q, learned)
	if err != nil {
		return nil, err
	}
	b := classify.NewBaselines(s, len(q.Buckets.Names))
	return func(c *Case) (int, float64, error) { return b.NearestCentroid(pick(c.Features, columns)), 1, nil }, nil
}

// mostNeighbours bounds the points that are searched: the newest.
const mostNeighbours = 5000

const voters = 25

// neighbours lets the nearest cases vote, found with golearn.
func neighbours(_ context.Context, q *Question, learned []Case, _ uint64) (teller, error) {
	s, columns, err := spaceOf(q, learned[max(0, len(learned)-mostNeighbours):])
	if err != nil {
		return nil, err
	}
	return func(c *Case) (int, float64, error) {
		b, err := s.Vote(pick(c.Features, columns), voters)
		return b.Label, b.Share, err
	}, nil
}

// spaceOf places cases by the columns that tell most.
func spaceOf(q *Question, cases []Case) (*classify.Space, []int, error) {
	columns := telling(cases, len(q.Columns), len(q.Buckets.Names))
	var names []string
	for _, f := range columns {
		names = append(names, q.Columns[f])
	}
	points, labels := make([][]float64, len(cases)), make([]int, len(cases))
	for i, c := range cases {
		points[i], labels[i] = pick(c.Features, columns), c.Truth
	}
	s, err := classify.NewSpace(names, points, labels)
	return s, columns, err
}
