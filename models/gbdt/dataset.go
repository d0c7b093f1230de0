package gbdt

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// maxTarget keeps the difference of two targets finite in float32.
const maxTarget = 1e37

// Dataset is a table of rows to learn from, stored by column. Fit reads it and keeps no reference.
type Dataset struct {
	// Names of the columns, distinct. Nil names them f0, f1, ...
	Names []string
	// Columns[f][i] is feature f of row i. NaN means missing; infinities are ordered like any value.
	Columns [][]float32
	// Targets[i] is what row i was seen to be: finite, at most 1e37 in magnitude.
	Targets []float32
	// Weights[i] >= 0 says how much row i counts; nil counts every row as 1. Kept in fixed point: with n rows of total
	// weight W a weight is rounded to a multiple of at most W/2^29.
	Weights []float32
	// Censored[i] says that Targets[i] is only a lower bound of the true value (a container killed at its limit); nil
	// means none is.
	Censored []bool
}

// Rows is the number of rows.
func (d *Dataset) Rows() int { return len(d.Targets) }

// check reports the first thing that makes the dataset unfit to learn from.
func (d *Dataset) check() error {
	n := d.Rows()
	switch {
	case n == 0:
		return errors.New("no rows")
	case n > maxRows:
		return fmt.Errorf("%d rows, at most %d are supported", n, maxRows)
	case len(d.Columns) == 0:
		return errors.New("no columns")
	case len(d.Columns) > maxFeatures:
		return fmt.Errorf("%d columns, at most %d are supported", len(d.Columns), maxFeatures)
	case d.Names != nil && len(d.Names) != len(d.Columns):
		return fmt.Errorf("%d names for %d columns", len(d.Names), len(d.Columns))
	case d.Weights != nil && len(d.Weights) != n:
		return fmt.Errorf("%d weights for %d targets", len(d.Weights), n)
	case d.Censored != nil && len(d.Censored) != n:
		return fmt.Errorf("%d censored marks for %d targets", len(d.Censored), n)
	}
	for f, column := range d.Columns {
		if len(column) != n {
			return fmt.Errorf("column %q has %d rows, the targets have %d", d.name(f), len(column), n)
		}
	}
	if name, twice := firstDuplicate(d.Names); twice {
		return fmt.Errorf("two columns are named %q", name)
	}
	for i, y := range d.Targets {
		if !(y >= -maxTarget && y <= maxTarget) {
			return fmt.Errorf("row %d: target %v is not a number within ±%g", i, y, float32(maxTarget))
		}
	}
	return d.checkWeights()
}

func (d *Dataset) checkWeights() error {
	if d.Weights == nil {
		return nil
	}
	var total float64
	for i, w := range d.Weights {
		if !(w >= 0 && w <= math.MaxFloat32) {
			return fmt.Errorf("row %d: weight %v is negative or not finite", i, w)
		}
		total += float64(w)
	}
	if total == 0 {
		return errors.New("all weights are 0")
	}
	return nil
}

// checkValid reports whether the dataset can judge a model fitted on train.
func (d *Dataset) checkValid(train *Dataset) error {
	if err := d.check(); err != nil {
		return err
	}
	if len(d.Columns) != len(train.Columns) {
		return fmt.Errorf("%d columns, the training set has %d", len(d.Columns), len(train.Columns))
	}
	if d.Names != nil && train.Names != nil && !slices.Equal(d.Names, train.Names) {
		return errors.New("columns are named or ordered differently than in the training set")
	}
	return nil
}

func (d *Dataset) name(feature int) string {
	if d.Names != nil {
		return d.Names[feature]
	}
	return "f" + strconv.Itoa(feature)
}

func (d *Dataset) names() []string {
	names := make([]string, len(d.Columns))
	for f := range names {
		names[f] = d.name(f)
	}
	return names
}

func firstDuplicate(names []string) (string, bool) {
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		if seen[name] {
			return name, true
		}
		seen[name] = true
	}
	return "", false
}
