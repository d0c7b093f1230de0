package contest

import (
	"context"
	"sort"

	"github.com/auspex-project/auspex/models/gbdt"
)

// levels are the quantiles that stand for a distribution.
var levels = []float64{.05, .15, .25, .35, .45, .55, .65, .75, .85, .95}

// trees fits quantiles of the value whose bucket is asked for, and tells the
// bucket that most of the distribution between them falls in. A value only known
// to be more is a censored target.
func trees(ctx context.Context, q *Question, learned []Case, seed uint64) (teller, error) {
	d := &gbdt.Dataset{Names: q.Columns, Targets: make([]float32, len(learned)), Censored: make([]bool, len(learned))}
	for range q.Columns {
		d.Columns = append(d.Columns, make([]float32, len(learned)))
	}
	for i, c := range learned {
		for f, x := range c.Features {
			d.Columns[f][i] = float32(x)
		}
		d.Targets[i], d.Censored[i] = q.Buckets.scale(c.Value), c.Least
	}
	m, err := gbdt.Fit(ctx, d, nil, gbdt.Options{
		Quantiles: levels, Trees: 50, LearningRate: .1, MaxDepth: 3, MinChildWeight: 100, RowFraction: .5, ColumnFraction: .5, Seed: seed,
	})
	if err != nil {
		return nil, err
	}
	row, values := make([]float32, len(q.Columns)), make([]float32, len(levels))
	return func(c *Case) (label int, confidence float64, err error) {
		for f, x := range c.Features {
			row[f] = float32(x)
		}
		if err := m.Predict(row, values); err != nil {
			return 0, 0, err
		}
		below := 0.
		for k := range q.Buckets.Names {
			upTo := 1.
			if k < len(q.Buckets.Edges) {
				upTo = shareBelow(values, q.Buckets.scale(q.Buckets.Edges[k]))
			}
			if upTo-below > confidence {
				label, confidence = k, upTo-below
			}
			below = upTo
		}
		return label, confidence, nil
	}, nil
}

// shareBelow is the share of the distribution with these quantiles, at levels, at
// or below x: linear between them, and none of it beyond the outer ones.
func shareBelow(values []float32, x float32) float64 {
	i := sort.Search(len(values), func(i int) bool { return values[i] > x }) // of the first above
	switch {
	case i == 0:
		return 0
	case i == len(values):
		return 1
	}
	within := float64(x-values[i-1]) / float64(values[i]-values[i-1])
	return levels[i-1] + within*(levels[i]-levels[i-1])
}
