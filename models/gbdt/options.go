package gbdt

import (
	"errors"
	"fmt"
	"math"
	"runtime"
)

// Limits that keep a node in 8 bytes and a weight sum in 32 bits.
const (
	maxFeatures = 1 << 15
	maxRows     = 1 << 30
	maxLeaves   = 1 << 15
	maxDepth    = 64
)

// Options say what to fit and how. The zero value of every field but Quantiles, or Mean, means the default it names.
type Options struct {
	// Quantiles are the levels to predict, strictly increasing, each in (0, 1). At least one.
	Quantiles []float64
	// Mean predicts the mean, by squared loss, in place of quantiles, of which there must be none then.
	Mean bool

	// Trees is the most trees fitted per quantile. Default 100.
	Trees int
	// LearningRate shrinks every leaf, in (0, 1]. Default 0.1.
	LearningRate float64

	// MaxDepth bounds the splits between root and leaf, at most 64. Default 6.
	MaxDepth int
	// MaxLeaves bounds the leaves of a tree, at most 32768; the most useful splits are made first. Default: as many as
	// MaxDepth allows. A leaf waiting to be split keeps 2 KiB per feature while the tree grows.
	MaxLeaves int
	// MinChildWeight is the least weight of rows on either side of a split; unweighted rows weigh 1. Default: what holds
	// 25 rows beyond the quantile, 50 at .5 and 250 at .9, but at most a hundredth of all weight and at least 20. With
	// fewer a leaf of an outer quantile predicts little but its largest row.
	MinChildWeight float64
	// MinGain is the least gain, in units of weight, a split must bring. Default 0.
	MinGain float64
	// L2 is added to the weight of a node where it divides: it damps gains and pulls leaves towards 0. Default 0.
	L2 float64

	// MaxBins is the most bins per column, missing values aside, in [2, 255]. Default 255.
	MaxBins int
	// RowFraction is the chance of a row to be seen by a tree, in (0, 1]. Default 1.
	RowFraction float64
	// ColumnFraction is the share of the columns a tree may split on, in (0, 1]. Default 1.
	ColumnFraction float64

	// Patience is how many rounds may pass without a better loss on the validation set before a quantile is done.
	// Without a validation set it has no effect. Default 20.
	Patience int

	// Seed decides all that is drawn: rows, columns, and the rows bins are computed from.
	Seed uint64
	// Workers is how many goroutines Fit uses while it runs. It does not change the model. Default GOMAXPROCS.
	Workers int
	// OnRound, if set, is called by Fit after every tree, from the goroutine that called Fit.
	OnRound func(Round)
}

// Round is one step of fitting.
type Round struct {
	Quantile float64 // 0 of the mean
	// Tree counts from 1 for every quantile.
	Tree int
	// ValidLoss is the mean loss, pinball or squared, on the validation set, NaN without one.
	ValidLoss float64
}

// withDefaults returns the options with every default filled in, or the first thing wrong with them.
func (o Options) withDefaults() (Options, error) {
	fill(&o.Trees, 100)
	fill(&o.LearningRate, 0.1)
	fill(&o.MaxDepth, 6)
	fill(&o.MaxLeaves, maxLeaves)
	fill(&o.MaxBins, 255)
	fill(&o.RowFraction, 1)
	fill(&o.ColumnFraction, 1)
	fill(&o.Patience, 20)
	fill(&o.Workers, runtime.GOMAXPROCS(0))
	return o, errors.Join(
		o.checkLevels(),
		checkRange("Trees", o.Trees, 1, 1<<20),
		checkRange("LearningRate", o.LearningRate, math.SmallestNonzeroFloat64, 1),
		checkRange("MaxDepth", o.MaxDepth, 1, maxDepth),
		checkRange("MaxLeaves", o.MaxLeaves, 2, maxLeaves),
		checkRange("MinChildWeight", o.MinChildWeight, 0, math.MaxFloat64),
		checkRange("MinGain", o.MinGain, 0, math.MaxFloat64),
		checkRange("L2", o.L2, 0, math.MaxFloat64),
		checkRange("MaxBins", o.MaxBins, 2, 255),
		checkRange("RowFraction", o.RowFraction, math.SmallestNonzeroFloat64, 1),
		checkRange("ColumnFraction", o.ColumnFraction, math.SmallestNonzeroFloat64, 1),
		checkRange("Patience", o.Patience, 1, math.MaxInt),
		checkRange("Workers", o.Workers, 1, 1<<16),
	)
}

// levels are the quantiles of the ensembles to fit.
func (o Options) levels() []float64 {
	if o.Mean {
		return []float64{meanQuantile}
	}
	return o.Quantiles
}

func (o Options) checkLevels() error {
	if o.Mean && len(o.Quantiles) > 0 {
		return errors.New("gbdt options: the mean and quantiles at once (fit them apart)")
	}
	if o.Mean {
		return nil
	}
	return checkQuantiles(o.Quantiles)
}

// minChildWeight is the least weight of a child for quantile q, of rows that weigh so much in all.
func (o Options) minChildWeight(q, total float64) float64 {
	if o.MinChildWeight > 0 {
		return o.MinChildWeight
	}
	return max(20, min(25/min(q, 1-q), total/100))
}

func fill[T int | float64](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

func checkRange[T int | float64](name string, v, lo, hi T) error {
	if v >= lo && v <= hi {
		return nil
	}
	return fmt.Errorf("gbdt options: %s is %v, want it in [%v, %v]", name, v, lo, hi)
}

// checkLevels reports what is wrong with the quantiles of ensembles: the mean stands alone.
func checkLevels(qs []float64) error {
	if len(qs) == 1 && qs[0] == meanQuantile {
		return nil
	}
	return checkQuantiles(qs)
}

// nameOf names what an ensemble predicts.
func nameOf(q float64) string {
	if q == meanQuantile {
		return "the mean"
	}
	return fmt.Sprintf("quantile %v", q)
}

func checkQuantiles(qs []float64) error {
	if len(qs) == 0 {
		return errors.New("gbdt options: no quantiles")
	}
	for i, q := range qs {
		if !(q > 0 && q < 1) {
			return fmt.Errorf("gbdt options: quantile %v is not between 0 and 1", q)
		}
		if i > 0 && q <= qs[i-1] {
			return fmt.Errorf("gbdt options: quantile %v follows %v, want them strictly increasing", q, qs[i-1])
		}
	}
	return nil
}
