package models

import (
	"math"
	"slices"
)

// ConformalQuantile returns the value that a fresh score passes with at most
// probability 1-p if it is exchangeable with scores, which it reorders: the
// ceil((n+1)p)-th smallest (split conformal prediction; Vovk et al. 2005). ok is
// false where the scores are too few to promise p.
func ConformalQuantile(scores []float32, p float64) (q float32, ok bool) {
	rank := int(math.Ceil(float64(len(scores)+1)*p - 1e-9))
	if rank > len(scores) || len(scores) == 0 {
		return 0, false
	}
	slices.Sort(scores)
	return scores[max(rank, 1)-1], true
}
