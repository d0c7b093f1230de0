package models

import (
	"cmp"
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

// DayScore is a score, and the day it is of, in any count of days.
type DayScore struct {
	Value float32
	Day   int32
}

// ConformalByDay is ConformalQuantile for scores of which those of a day may share
// their fate: the value is the lowest, from the largest down, that all scores passed
// no more often than 1-p by more than a standard error clustered by day (Cochran,
// Sampling Techniques, 3rd edition, 9.8), and at least that of ConformalQuantile. What
// held in most of the days so outweighs what held in most of the scores. It reorders
// scores.
func ConformalByDay(scores []DayScore, p float64) (q float32, ok bool) {
	n := float64(len(scores))
	rank := int(math.Ceil((n+1)*p - 1e-9))
	if rank > len(scores) || len(scores) == 0 {
		return 0, false
	}
	slices.SortFunc(scores, func(a, b DayScore) int { return cmp.Compare(a.Value, b.Value) })
	cases, missed := map[int32]float64{}, map[int32]float64{}
	for _, s := range scores {
		cases[s.Day]++
	}
	var all, allSquared, missedCases, missedSquared float64 // sums over days
	for _, k := range cases {
		allSquared += k * k
	}
	widened := float64(len(cases)) / float64(max(len(cases)-1, 1))
	at := len(scores) - 1
	for ; at > max(rank, 1)-1; at-- {
		day := scores[at].Day
		all++
		missedSquared += 2*missed[day] + 1
		missedCases += cases[day]
		missed[day]++
		mean := all / n
		variance := widened * max(missedSquared-2*mean*missedCases+mean*mean*allSquared, 0) / (n * n)
		if mean+math.Sqrt(variance) > 1-p {
			break
		}
	}
	return scores[at].Value, true
}
