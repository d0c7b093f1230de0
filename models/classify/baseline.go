package classify

import "math"

// baselines are what neighbours must beat.
type baselines struct {
	space     *space
	majority  int
	centroids [][]float64 // by label, nil for a label without points
}

func newBaselines(s *space, classes int) baselines {
	b := baselines{space: s, centroids: make([][]float64, classes)}
	count := make([]int, classes)
	for i, p := range s.points {
		label := s.labels[i]
		if b.centroids[label] == nil {
			b.centroids[label] = make([]float64, len(p))
		}
		for c, x := range p {
			b.centroids[label][c] += x
		}
		if count[label]++; count[label] > count[b.majority] {
			b.majority = label
		}
	}
	for label, sum := range b.centroids {
		for c := range sum {
			sum[c] /= float64(count[label])
		}
	}
	return b
}

// nearestCentroid returns the label whose mean is nearest to a raw point.
func (b baselines) nearestCentroid(p []float64) int {
	at := b.space.standardise(p)
	best, least := 0, math.Inf(1)
	for label, centroid := range b.centroids {
		if centroid == nil {
			continue
		}
		var d float64
		for c, x := range centroid {
			d += (x - at[c]) * (x - at[c])
		}
		if d < least {
			best, least = label, d
		}
	}
	return best
}
