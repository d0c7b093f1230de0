package contest

import (
	"cmp"
	"slices"
)

// mostColumns is how many columns distances are taken over. With more, those
// that say nothing drown those that do.
const mostColumns = 10

// telling returns the columns whose mean differs most between the classes, best
// first: by their correlation ratio, the share of the variance that lies between
// the classes.
func telling(cases []Case, columns, classes int) []int {
	ratio := make([]float64, columns)
	all := make([]int, columns)
	for f := range all {
		all[f] = f
		var n, sum, square float64
		count, sums := make([]float64, classes), make([]float64, classes)
		for _, c := range cases {
			if x := c.Features[f]; x == x {
				n, sum, square = n+1, sum+x, square+x*x
				count[c.Truth]++
				sums[c.Truth] += x
			}
		}
		if n == 0 {
			continue
		}
		total, between := square-sum*sum/n, -sum*sum/n
		for k := range count {
			if count[k] > 0 {
				between += sums[k] * sums[k] / count[k]
			}
		}
		if total > 1e-9*square {
			ratio[f] = between / total * n / float64(len(cases)) // a column that is rarely known helps rarely
		}
	}
	slices.SortStableFunc(all, func(a, b int) int { return cmp.Compare(ratio[b], ratio[a]) })
	return all[:min(columns, mostColumns)]
}

// pick returns the values of some columns.
func pick(features []float64, columns []int) []float64 {
	picked := make([]float64, len(columns))
	for i, f := range columns {
		picked[i] = features[f]
	}
	return picked
}
