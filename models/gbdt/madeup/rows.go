// Package madeup draws tables to try learners of quantiles on: in tests, and beside
// other learners.
package madeup

import (
	"math"
	"math/rand/v2"
)

// Rows draws a table, stored by column, whose mean and spread depend on a dozen
// columns, some of them missing: a third of column 0 where column 3 is small, a
// tenth of column 7. It wants at least 12 columns, and is the same for the same
// seed.
func Rows(rows, columns int, seed uint64) (table [][]float32, targets []float32) {
	rng := rand.New(rand.NewPCG(seed, 1))
	table, targets = make([][]float32, columns), make([]float32, rows)
	for f := range table {
		table[f] = make([]float32, rows)
	}
	x := make([]float64, columns)
	for i := range rows {
		for f := range x {
			switch f % 5 {
			case 0:
				x[f] = rng.NormFloat64()
			case 1:
				x[f] = rng.ExpFloat64()
			case 2:
				x[f] = float64(rng.IntN(24))
			case 3:
				x[f] = rng.Float64()
			case 4:
				x[f] = 0.7*x[f-4] + 0.3*rng.NormFloat64()
			}
		}
		mean := 2*x[0] + 3*math.Sin(x[2]*math.Pi/12) + 2*x[1]*x[3] + math.Abs(x[5]) + x[6]*x[8]/2
		spread := 0.3 + 0.8*x[11] + math.Abs(x[10])/2
		targets[i] = float32(mean + spread*(rng.ExpFloat64()-1+rng.NormFloat64()/2))
		if x[3] < 1.0/3 {
			x[0] = math.NaN()
		}
		if rng.IntN(10) == 0 {
			x[7] = math.NaN()
		}
		for f := range x {
			table[f][i] = float32(x[f])
		}
	}
	return table, targets
}
