package models

import "math"

// quantileOf returns the smallest of sorted values that at least p of them do
// not pass.
func quantileOf(sorted []float32, p float64) float32 { return sorted[rank(len(sorted), p)] }

// selectQuantile is quantileOf for values in any order, which it reorders so
// that none before the one returned is above it and none after is below
// (quickselect; Hoare 1961). It takes linear time where sorting would not.
func selectQuantile(values []float32, p float64) float32 {
	k := rank(len(values), p)
	lo, hi := 0, len(values)-1
	for lo < hi {
		pivot := middle(values[lo], values[(lo+hi)/2], values[hi])
		i, j := lo, hi
		for i <= j {
			for values[i] < pivot {
				i++
			}
			for values[j] > pivot {
				j--
			}
			if i <= j {
				values[i], values[j] = values[j], values[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return values[k]
		}
	}
	return values[k]
}

func middle(a, b, c float32) float32 { return max(min(a, b), min(max(a, b), c)) }

// rank is the index of the p-quantile of n sorted values.
func rank(n int, p float64) int {
	i := int(math.Ceil(p*float64(n)-1e-9)) - 1
	return min(max(i, 0), n-1)
}
