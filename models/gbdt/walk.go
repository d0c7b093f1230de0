package gbdt

import "math"

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

// walker predicts one row after the other.
type walker struct {
	ensembles []ensemble
	keys      []int32 // of a row, by slot
}

func newWalker(m *Model) walker {
	return walker{m.ensembles, make([]int32, 2*len(m.features))}
}

// predict fills out with the quantiles of rows of t, from row on.
func (w walker) predict(t table, row int, out []float32) {
	for ; len(out) > 0; out = out[len(w.ensembles):] {
		for slot := 0; slot < len(w.keys); slot += 2 {
			w.keys[slot], w.keys[slot+1] = keysOf(t.from(row, slot/2)[0])
		}
		for k := range w.ensembles {
			out[k] = w.ensembles[k].predict(w.keys)
		}
		row++
	}
}

// predict takes a row down four trees at a time: while one waits for its next node, the others go on.
func (e *ensemble) predict(keys []int32) float32 {
	sum := e.base
	trees := e.trees
	for ; len(trees) >= 4; trees = trees[4:] {
		var at [4]int
		a, b, c, d := e.nodesOf(trees[0]), e.nodesOf(trees[1]), e.nodesOf(trees[2]), e.nodesOf(trees[3])
		for range max(trees[0].depth, trees[1].depth, trees[2].depth, trees[3].depth) {
			at = [4]int{a[at[0]].child(keys), b[at[1]].child(keys), c[at[2]].child(keys), d[at[3]].child(keys)}
		}
		for i, leaf := range at {
			sum += e.values[trees[i].start+leaf]
		}
	}
	for _, t := range trees {
		at, nodes := 0, e.nodesOf(t)
		for range t.depth {
			at = nodes[at].child(keys)
		}
		sum += e.values[t.start+at]
	}
	return sum
}

func (e *ensemble) nodesOf(t treeSpan) []node { return e.nodes[t.start:t.end] }

// child is where a row with these keys goes.
func (n node) child(keys []int32) int {
	return int(uint16(uint64(n) + uint64(int64(n)>>32-int64(keys[n.slot()]))>>63))
}
