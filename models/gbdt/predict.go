package gbdt

import (
	"fmt"
	"slices"
)

// Model predicts quantiles, or the mean. It is immutable and safe for concurrent use.
type Model struct {
	features  []string
	gains     []float64
	ensembles []ensemble // by increasing quantile
	sliced    *sliced    // the same trees for many rows at once; nil if they are too deep
}

// Features returns the names of the columns Predict wants, in order.
func (m *Model) Features() []string { return slices.Clone(m.features) }

// Mean reports whether the model predicts the mean in place of quantiles.
func (m *Model) Mean() bool { return m.ensembles[0].quantile == meanQuantile }

// Quantiles returns the levels predicted, increasing; none where it is the mean.
func (m *Model) Quantiles() []float64 {
	if m.Mean() {
		return nil
	}
	return m.levels()
}

func (m *Model) levels() []float64 {
	qs := make([]float64, len(m.ensembles))
	for k, e := range m.ensembles {
		qs[k] = e.quantile
	}
	return qs
}

// Trees returns how many trees each quantile was given.
func (m *Model) Trees() []int {
	counts := make([]int, len(m.ensembles))
	for k, e := range m.ensembles {
		counts[k] = len(e.trees)
	}
	return counts
}

// Importance returns the share of every feature in the gain of all splits. The shares sum to 1, or to 0 if no tree has
// a split.
func (m *Model) Importance() []float64 {
	var total float64
	for _, g := range m.gains {
		total += g
	}
	shares := make([]float64, len(m.gains))
	for f, g := range m.gains {
		if total > 0 {
			shares[f] = g / total
		}
	}
	return shares
}

// Predict writes the quantiles of every row to out. Rows are stored one after the other, len(m.Features()) values each,
// NaN where missing; out has len(m.Quantiles()) values a row, increasing, or one where it is the mean: quantiles fitted apart may cross, and sorting
// them never raises the sum of their losses (Chernozhukov, Fernández-Val and Galichon, Econometrica 2010). A row costs
// least in batches of 64 and more. The error says which length is wrong; nothing is written then.
func (m *Model) Predict(rows, out []float32) error {
	width := len(m.features)
	n := len(rows) / width
	if len(rows) != n*width {
		return fmt.Errorf("gbdt predict: %d values are no whole number of rows of %d features", len(rows), width)
	}
	if len(out) != n*len(m.ensembles) {
		return fmt.Errorf("gbdt predict: out has %d values, want %d for %d rows of %d quantiles",
			len(out), n*len(m.ensembles), n, len(m.ensembles))
	}
	m.predict(table{rows, width}, out)
	return nil
}

// table is rows to predict, one after the other.
type table struct {
	rows  []float32
	width int
}

// from returns values of which every width-th is the feature of a row, the first of them that of the row given.
func (t table) from(row, feature int) []float32 { return t.rows[row*t.width+feature:] }

// fewRows is up to how many rows are faster one by one than side by side.
const fewRows = 20

func (m *Model) predict(t table, out []float32) {
	quantiles := len(m.ensembles)
	n := len(out) / quantiles
	walker, slicer := newWalker(m), newSlicer(m.sliced, n)
	for lo := 0; lo < n; lo += sliceRows {
		hi := min(lo+sliceRows, n)
		out := out[lo*quantiles : hi*quantiles]
		if slicer == nil || hi-lo <= fewRows {
			walker.predict(t, lo, out)
		} else {
			slicer.predict(t, lo, out)
		}
		for ; len(out) > 0; out = out[quantiles:] {
			slices.Sort(out[:quantiles])
		}
	}
}
