package backtest

import (
	"math/rand/v2"
	"slices"
)

const (
	resamples  = 400
	confidence = .95
)

// Interval holds the lower and the upper end of a 95 % interval.
type Interval [2]float64

// cells are the sums over one machine and day that rates and savings are made of.
type cell struct{ cases, violations, predicted, limit float64 }

// intervals returns those of violation rate and savings, by a block bootstrap:
// machines and days are both drawn with replacement, since the hours of one
// machine and the machines of one day are alike (Owen, "The pigeonhole
// bootstrap", Annals of Applied Statistics 2007).
func (t *test) intervals(peaks []float32) (violations, savings Interval) {
	cells := make([]cell, t.machines*t.days)
	for j, p := range peaks {
		c := &cells[int(t.blocks[j].machine)*t.days+int(t.blocks[j].day)]
		c.cases++
		c.predicted += float64(p)
		c.limit += float64(t.moments[j].Limit)
		if t.violated(j, p) {
			c.violations++
		}
	}
	rng := rand.New(rand.NewPCG(t.Seed, 1))
	rates, saved := make([]float64, 0, resamples), make([]float64, 0, resamples)
	days := make([]int, t.days)
	for range resamples {
		for d := range days {
			days[d] = rng.IntN(t.days)
		}
		var sum cell
		for range t.machines {
			row := cells[rng.IntN(t.machines)*t.days:][:t.days]
			for _, d := range days {
				c := &row[d]
				sum.cases += c.cases
				sum.violations += c.violations
				sum.predicted += c.predicted
				sum.limit += c.limit
			}
		}
		if sum.limit > 0 {
			rates = append(rates, sum.violations/sum.cases)
			saved = append(saved, 1-sum.predicted/sum.limit)
		}
	}
	return middle(rates), middle(saved)
}

func middle(values []float64) Interval {
	if len(values) == 0 {
		return Interval{}
	}
	slices.Sort(values)
	tail := (1 - confidence) / 2
	last := float64(len(values) - 1)
	return Interval{values[int(tail*last+.5)], values[int((1-tail)*last+.5)]}
}
