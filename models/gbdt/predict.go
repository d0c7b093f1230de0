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

// keysOf returns the keys of a value in the left and the right slot of its feature.
func keysOf(x float32) (left, right int32) {
	if x != x {
		return math.MinInt32, math.MaxInt32
	}
	key := keyOf(x)
	return key, key
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
		rows := rows[lo*width : hi*width]
		for f := range width {
			left, right := b.slots(f)
			for i := range left {
				left[i], right[i] = keysOf(rows[i*width+f])
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
			left, right := b.slots(f)
			for i, x := range column[lo:hi] {
				left[i], right[i] = keysOf(x)
			}
		}
	})
	return nil
}

// batchRows is how many rows go through a tree together: their keys and its nodes then stay in a first-level cache.
const batchRows = 64

// batch holds the keys of up to batchRows rows, slot by slot.
type batch struct {
	keys []int32
	rows int
}

// slots returns the two slots of a feature: missing values are below all others in left, above in right.
func (b batch) slots(feature int) (left, right []int32) {
	return b.slot(slotOf(feature, true)), b.slot(slotOf(feature, false))
}

func (b batch) slot(slot int) []int32 { return b.keys[slot*b.rows:][:b.rows] }

// predict fills out in batches. Fill sets the keys of a batch to those of the rows [lo, hi).
func (m *Model) predict(out []float32, fill func(b batch, lo, hi int)) {
	quantiles := len(m.ensembles)
	n := len(out) / quantiles
	keys := make([]int32, 2*len(m.features)*min(n, batchRows))
	for lo := 0; lo < n; lo += batchRows {
		hi := min(lo+batchRows, n)
		b := batch{keys, hi - lo}
		fill(b, lo, hi)
		out := out[lo*quantiles : hi*quantiles]
		for k := range m.ensembles {
			m.ensembles[k].predict(b, out[k:], quantiles)
		}
		for ; len(out) > 0; out = out[quantiles:] {
			slices.Sort(out[:quantiles])
		}
	}
}

// predict sets out[0], out[stride], ... to the predictions for the rows of a batch. All rows go down a tree together,
// level by level: within a level none waits for another.
func (e *ensemble) predict(b batch, out []float32, stride int) {
	var sums [batchRows]float32
	var at [batchRows]uint16
	for i := range b.rows {
		sums[i] = e.base
	}
	for _, t := range e.trees {
		nodes, values := e.nodes[t.start:t.end], e.values[t.start:t.end]
		start(nodes[0], b, at[:b.rows])
		for range t.depth - 1 {
			step(nodes, b, at[:b.rows])
		}
		for i, leaf := range at[:b.rows] {
			sums[i] += values[leaf]
		}
	}
	for i, sum := range sums[:b.rows] {
		out[i*stride] = sum
	}
}

// start takes rows from the root one level down.
func start(root node, b batch, at []uint16) {
	for i, key := range b.slot(root.slot())[:len(at)] {
		at[i] = root.child(key)
	}
}

// step takes rows one level down. Inlined it would have too few registers, and take a tenth longer.
//
//go:noinline
func step(nodes []node, b batch, at []uint16) {
	for i, a := range at {
		n := nodes[a]
		at[i] = n.child(b.keys[n.slot()*b.rows+i])
	}
}

// child is where a row with this key in the node's slot goes.
func (n node) child(key int32) uint16 {
	return uint16(uint64(n) + uint64(int64(n)>>32-int64(key))>>63)
}
