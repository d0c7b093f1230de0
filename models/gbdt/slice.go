package gbdt

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// sliced is the trees of a model for sliceRows rows at a time, a row a bit of a word. Each distinct test is made once
// for all trees: the tests of a feature, by threshold, hold for ever fewer rows. A tree is then a few operations on
// words per node, whatever the rows, where a walk is a few per row and level; and no word depends on where a row went.
// (Of QuickScorer, Lucchese et al., SIGIR 2015, it has the order of the tests; of bit slicing the rest.)
type sliced struct {
	columns   []slicedColumn
	words     int // of all tests
	ensembles []slicedEnsemble
}

// slicedColumn is the tests of one feature. At index first+1+2*i is the word of the rows above the i-th threshold, without
// those that miss the value, and after it the one with them: see slotOf. The word at first is of no test.
type slicedColumn struct {
	feature    int
	first      int
	thresholds []int32 // keys, ascending, filled up to a power of two less one with what no value is above
	distinct   int     // of them, before the filling
}

type slicedEnsemble struct {
	base   float32
	trees  []slicedTree
	values []float32 // of all trees, then enough to read 256 from where the last begins
}

// slicedTree is the inner nodes of a tree by level. A leaf's place in a table is written by the way to it: bit d says
// that it turns right on level d. One less deep than the tree has several places.
type slicedTree struct {
	levels []slicedLevel
	nodes  []slicedNode
	values int // where its table starts
}

// slicedLevel is where a level ends: the nodes with an inner child, and all of them.
type slicedLevel struct{ parents, end int }

// slicedNode is a test and the numbers of its children, of which those of a leaf are unused.
type slicedNode struct {
	test        uint32
	left, right uint8
}

const (
	sliceRows = 64
	// sliceDepth bounds the places of a tree's table to 256.
	sliceDepth = 8
	// noNode is the number of every leaf; 255 nodes have smaller ones.
	noNode = 255
)

// slice returns the trees of the ensembles, or nil if one is deeper than sliceDepth.
func slice(ensembles []ensemble) *sliced {
	for _, e := range ensembles {
		for _, t := range e.trees {
			if t.depth > sliceDepth {
				return nil
			}
		}
	}
	s := &sliced{}
	tests := s.number(ensembles)
	for _, e := range ensembles {
		out := slicedEnsemble{base: e.base}
		for _, t := range e.trees {
			out.add(e.nodesOf(t), e.values[t.start:t.end], t.depth, tests)
		}
		out.values = append(out.values, make([]float32, 1<<sliceDepth)...)
		s.ensembles = append(s.ensembles, out)
	}
	return s
}

// slicedTest is what a node asks, whatever it does with missing values.
type slicedTest struct {
	feature   int
	threshold int32
}

func (n node) test() slicedTest { return slicedTest{n.slot() / 2, n.threshold()} }

// number lays out the distinct tests and returns the first word of each.
func (s *sliced) number(ensembles []ensemble) map[slicedTest]int {
	words := map[slicedTest]int{}
	for _, e := range ensembles {
		for _, t := range e.trees {
			for i, n := range e.nodesOf(t) {
				if n.left() != i {
					words[n.test()] = 0
				}
			}
		}
	}
	tests := slices.SortedFunc(maps.Keys(words), func(a, b slicedTest) int {
		return cmp.Or(cmp.Compare(a.feature, b.feature), cmp.Compare(a.threshold, b.threshold))
	})
	for _, t := range tests {
		if last := len(s.columns) - 1; last < 0 || s.columns[last].feature != t.feature {
			s.columns = append(s.columns, slicedColumn{feature: t.feature, first: s.words})
			s.words++
		}
		c := &s.columns[len(s.columns)-1]
		c.thresholds = append(c.thresholds, t.threshold)
		c.distinct++
		words[t] = s.words
		s.words += 2
	}
	for i := range s.columns {
		c := &s.columns[i]
		for len(c.thresholds)&(len(c.thresholds)+1) != 0 {
			c.thresholds = append(c.thresholds, math.MaxInt32)
		}
	}
	return words
}

// add appends a tree.
func (e *slicedEnsemble) add(nodes []node, values []float32, depth int, tests map[slicedTest]int) {
	order, levels := byLevel(nodes)
	number := make([]uint8, len(nodes))
	for i := range number {
		number[i] = noNode
	}
	for k, i := range order {
		number[i] = uint8(k)
	}
	t := slicedTree{levels: levels, values: len(e.values)}
	for _, i := range order {
		left := nodes[i].left()
		word := tests[nodes[i].test()] + nodes[i].slot()%2
		t.nodes = append(t.nodes, slicedNode{uint32(word), number[left], number[left+1]})
	}
	for place := range 1 << depth {
		at := 0
		for d := 0; nodes[at].left() != at; d++ {
			at = nodes[at].left() + place>>d&1
		}
		e.values = append(e.values, values[at])
	}
	e.trees = append(e.trees, t)
}

// byLevel returns the inner nodes of a tree by level, on each those with an inner child first.
func byLevel(nodes []node) (order []int, levels []slicedLevel) {
	inner := func(i int) bool { return nodes[i].left() != i }
	var level []int
	if inner(0) {
		level = []int{0}
	}
	for len(level) > 0 {
		var parents, last, next []int
		for _, i := range level {
			left := nodes[i].left()
			if inner(left) || inner(left+1) {
				parents = append(parents, i)
			} else {
				last = append(last, i)
			}
			for _, child := range [...]int{left, left + 1} {
				if inner(child) {
					next = append(next, child)
				}
			}
		}
		order = append(append(order, parents...), last...)
		levels = append(levels, slicedLevel{len(order) - len(last), len(order)})
		level = next
	}
	return order, levels
}

// slicer predicts up to sliceRows rows side by side.
type slicer struct {
	*sliced
	tests []uint64 // for which rows each holds
}

// newSlicer returns what predicts n rows, nil if there is no better way than one by one.
func newSlicer(s *sliced, n int) *slicer {
	if s == nil || n <= fewRows {
		return nil
	}
	return &slicer{s, make([]uint64, s.words)}
}

// predict fills out with the quantiles of rows of t, at most sliceRows, from row on.
func (s *slicer) predict(t table, row int, out []float32) {
	quantiles := len(s.ensembles)
	rows := len(out) / quantiles
	clear(s.tests)
	for i := range s.columns {
		c := &s.columns[i]
		c.test(s.tests[c.first:], t.from(row, c.feature), t.width, rows)
	}
	for k := range s.ensembles {
		sums := s.ensembles[k].sum(s.tests)
		for i := range rows {
			out[i*quantiles+k] = sums[i%8][i/8]
		}
	}
}

// test sets the words of a column's tests: each row marks the last threshold it is above, then all below take it over.
func (c *slicedColumn) test(words []uint64, values []float32, stride, rows int) {
	var keys [sliceRows]int32
	var missing uint64
	for i := range keys[:rows] {
		x := values[i*stride]
		if keys[i] = keyOf(x); x != x {
			missing |= 1 << i
			keys[i] = math.MinInt32
		}
	}
	below := c.below(&keys)
	for i, n := range below[:rows] {
		words[max(2*n-1, 0)] |= 1 << i
	}
	var above uint64
	for i := 2 * c.distinct; i > 0; i -= 2 {
		above |= words[i-1]
		words[i-1], words[i] = above, above|missing
	}
}

// below counts the thresholds below each key, by as many binary searches side by side: in a step none waits for another.
func (c *slicedColumn) below(keys *[sliceRows]int32) (counts [sliceRows]int) {
	for step := (len(c.thresholds) + 1) / 2; step > 0; step /= 2 {
		last := c.thresholds[step-1:]
		for i, n := range counts {
			counts[i] = n + step&int((int64(last[n])-int64(keys[i]))>>63) // -1 or 0
		}
	}
	return counts
}

// sum returns the prediction of row i at [i%8][i/8].
func (e *slicedEnsemble) sum(tests []uint64) (sums [8][8]float32) {
	for r := range sums {
		for g := range sums[r] {
			sums[r][g] = e.base
		}
	}
	for i := range e.trees {
		t := &e.trees[i]
		places := t.places(tests)
		table := (*[1 << sliceDepth]float32)(e.values[t.values:])
		for r, eight := range places {
			s := &sums[r]
			s[0] += table[uint8(eight)]
			s[1] += table[uint8(eight>>8)]
			s[2] += table[uint8(eight>>16)]
			s[3] += table[uint8(eight>>24)]
			s[4] += table[uint8(eight>>32)]
			s[5] += table[uint8(eight>>40)]
			s[6] += table[uint8(eight>>48)]
			s[7] += table[uint8(eight>>56)]
		}
	}
	return sums
}

// places returns the place of row i in the table of the tree, in byte i/8 of word i%8.
func (t *slicedTree) places(tests []uint64) (turns [sliceDepth]uint64) {
	var reached [256]uint64 // by which rows, by number of node
	reached[0] = ^uint64(0)
	k := 0
	for d, level := range t.levels {
		var right uint64
		for ; k < level.parents; k++ {
			n := t.nodes[k]
			here := reached[uint8(k)]
			over := here & tests[n.test]
			right |= over
			reached[n.left] = here ^ over
			reached[n.right] = over
		}
		for ; k < level.end; k++ {
			right |= reached[uint8(k)] & tests[t.nodes[k].test]
		}
		turns[d] = right
	}
	transpose(&turns)
	return turns
}

// transpose swaps, within the words' bytes at each position, bit i of word j with bit j of word i (Warren, Hacker's
// Delight, 2nd edition, 7-3).
func transpose(w *[8]uint64) {
	for i := 0; i < 8; i += 2 {
		swap(&w[i], &w[i+1], 1, 0x5555555555555555)
	}
	for _, i := range [...]int{0, 1, 4, 5} {
		swap(&w[i], &w[i+2], 2, 0x3333333333333333)
	}
	for i := range 4 {
		swap(&w[i], &w[i+4], 4, 0x0f0f0f0f0f0f0f0f)
	}
}

func swap(a, b *uint64, shift uint, mask uint64) {
	t := (*a>>shift ^ *b) & mask
	*b ^= t
	*a ^= t << shift
}
