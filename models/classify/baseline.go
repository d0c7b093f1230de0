package classify

import "math"

// Baselines are what neighbours must beat.
type Baselines struct {
	Majority int // the label of most points

	space     *Space
	centroids [][]float64 // by label, nil for a label without points
}

// NewBaselines returns what the points of s, of so many classes, say at least.
func NewBaselines(s *Space, classes int) Baselines {
	b := Baselines{space: s, centroids: make([][]float64, classes)}
	count := make([]int, classes)
	for i, p := range s.points {
		label := s.labels[i]
		if b.centroids[label] == nil {
			b.centroids[label] = make([]float64, len(p))
		}
		for c, x := range p {
			b.centroids[label][c] += x
		}
		if count[label]++; count[label] > count[b.Majority] {
			b.Majority = label
		}
	}
	for label, sum := range b.centroids {
		for c := range sum {
			sum[c] /= float64(count[label])
		}
	}
	return b
}

// NearestCentroid returns the label whose mean is nearest to a raw point.
func (b Baselines) NearestCentroid(p []float64) int {
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
