package gbdt

import (
	"fmt"
	"math"
	"slices"
)

// Model predicts quantiles. It is immutable and safe for concurrent use.
type Model struct {
	features  []string
	gains     []float64
	ensembles []ensemble // by increasing quantile
}

// ensemble is the boosted trees of one quantile, flat: the nodes of all trees, then where each tree ends.
type ensemble struct {
	quantile float64
	base     float32
	trees    []treeSpan
	nodes    []node
	values   []float32 // of the leaves, at the index of their node
}

type treeSpan struct{ start, end, depth int }

// node is a test in one word: the high 32 bits are the key of a threshold, then 16 bits of slot, then 16 bits of the
// left child's index within the tree. A row goes to the child right of it if its key in the slot is above the
// threshold. A leaf has itself as left child and a threshold nothing is above, so that a walk of fixed length ends on
// it without a branch.
type node uint64

func newNode(threshold int32, slot, left int) node {
	return node(uint32(threshold))<<32 | node(slot)<<16 | node(left)
}

func (n node) threshold() int32 { return int32(n >> 32) }
func (n node) slot() int        { return int(n >> 16 & 0xffff) }
func (n node) left() int        { return int(n & 0xffff) }

// keyOf maps floats to integers of the same order; -0 and 0 are one. A NaN has no place in that order: every feature
// has two slots, in one of which a missing value is below all others and in one above, for nodes to choose from.
func keyOf(x float32) int32 {
	bits := int32(math.Float32bits(x + 0))
	return bits ^ bits>>31&math.MaxInt32
}

func keyValue(key int32) float32 {
	return math.Float32frombits(uint32(key ^ key>>31&math.MaxInt32))
}

func slotOf(feature int, missingLeft bool) int {
	if missingLeft {
		return 2 * feature
	}
	return 2*feature + 1
}

// Features returns the names of the columns Predict wants, in order.
func (m *Model) Features() []string { return slices.Clone(m.features) }

// Quantiles returns the levels predicted, increasing.
func (m *Model) Quantiles() []float64 {
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
// NaN where missing; out has len(m.Quantiles()) values a row, increasing: quantiles fitted apart may cross, and sorting
// them never raises the sum of their losses (Chernozhukov, Fernández-Val and Galichon, Econometrica 2010). Batches of
// 64 rows and more are the fastest. The error says which length is wrong; nothing is written then.
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
	m.predict(out, func(b batch, lo, hi int) {
		for i, row := 0, rows[lo*width:hi*width]; len(row) > 0; i, row = i+1, row[width:] {
			for f, x := range row[:width] {
				b.set(f, i, x)
			}
		}
	})
	return nil
}

// PredictColumns is Predict for rows stored by column, as in a Dataset.
func (m *Model) PredictColumns(columns [][]float32, out []float32) error {
	if len(columns) != len(m.features) {
		return fmt.Errorf("gbdt predict: %d columns, want %d", len(columns), len(m.features))
	}
	n := len(out) / len(m.ensembles)
	for f, column := range columns {
		if len(column)*len(m.ensembles) != len(out) {
			return fmt.Errorf("gbdt predict: out has %d values, want %d for %d rows of column %q and %d quantiles",
				len(out), len(column)*len(m.ensembles), len(column), m.features[f], len(m.ensembles))
		}
	}
	m.predict(out[:n*len(m.ensembles)], func(b batch, lo, hi int) {
		for f, column := range columns {
			for i, x := range column[lo:hi] {
				b.set(f, i, x)
			}
		}
	})
	return nil
}

// batchRows is how many rows go through a tree together: their keys and its nodes then stay in a first-level cache.
const batchRows = 64

// batch holds the keys of batchRows rows, slot by slot.
type batch []int32

func (b batch) set(feature, row int, x float32) {
	left, right := keyOf(x), keyOf(x)
	if x != x {
		left, right = math.MinInt32, math.MaxInt32
	}
	at := 2*feature*batchRows + row
	b[at], b[at+batchRows] = left, right
}

// predict fills out in batches. Fill sets the rows [lo, hi) in a batch, from its row 0 on.
func (m *Model) predict(out []float32, fill func(b batch, lo, hi int)) {
	quantiles := len(m.ensembles)
	n := len(out) / quantiles
	b := make(batch, 2*len(m.features)*batchRows)
	for lo := 0; lo < n; lo += batchRows {
		hi := min(lo+batchRows, n)
		fill(b, lo, hi)
		out := out[lo*quantiles : hi*quantiles]
		for k := range m.ensembles {
			sums := m.ensembles[k].sums(b, hi-lo)
			for i := range hi - lo {
				out[i*quantiles+k] = sums[i]
			}
		}
		for ; len(out) > 0; out = out[quantiles:] {
			slices.Sort(out[:quantiles])
		}
	}
}

// sums walks four rows at a time, so that the processor has four chains of loads to work on.
func (e *ensemble) sums(keys batch, rows int) (sums [batchRows]float32) {
	for i := range sums {
		sums[i] = e.base
	}
	for _, t := range e.trees {
		nodes, values := e.nodes[t.start:t.end], e.values[t.start:t.end]
		for r := 0; r < rows; r += 4 {
			var a, b, c, d uint64
			for range t.depth {
				a = nodes[a].next(keys, r)
				b = nodes[b].next(keys, r+1)
				c = nodes[c].next(keys, r+2)
				d = nodes[d].next(keys, r+3)
			}
			sums[r] += values[a]
			sums[r+1] += values[b]
			sums[r+2] += values[c]
			sums[r+3] += values[d]
		}
	}
	return sums
}

// next is the child that row r of a batch goes to.
func (n node) next(keys batch, r int) uint64 {
	key := keys[uint64(n)>>16&0xffff*batchRows+uint64(r)]
	return uint64(n)&0xffff + uint64(int64(n)>>32-int64(key))>>63
}
