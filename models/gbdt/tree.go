package gbdt

import "math"

// tree is a tree under construction: it splits on bins. Node 0 is the root.
type tree struct {
	nodes []treeNode
	depth int
}

// treeNode is a leaf where left is 0, else its children are left and left+1.
type treeNode struct {
	split
	left  int
	value float32
}

// router tests a bin without branching: right is 1 where the bin, turned by turn, is above last. A turn of 1 moves the
// bin of missing values, 255, to 0 and all others up by one.
type router struct {
	feature    int
	turn, last uint8
}

func (s split) router() router {
	if s.missingLeft {
		return router{feature: s.feature, turn: 1, last: s.bin + 1}
	}
	return router{feature: s.feature, last: s.bin}
}

func (r router) right(bin uint8) int {
	return int((uint32(r.last) - uint32(bin+r.turn)) >> 31)
}

// addTo adds the leaf of every row to its score: rows, or all of them if nil.
func (t *tree) addTo(scores []float32, b *binned, rows []uint32, c crew) {
	routers := make([]router, len(t.nodes))
	for i, n := range t.nodes {
		routers[i] = n.router()
	}
	n := len(rows)
	if rows == nil {
		n = b.rows
	}
	c.do(chunks(n), func(_, task int) {
		for i, hi := chunk(task, n); i < hi; i++ {
			row := i
			if rows != nil {
				row = int(rows[i])
			}
			at := 0
			for t.nodes[at].left != 0 {
				r := routers[at]
				at = t.nodes[at].left + r.right(b.columns[r.feature][row])
			}
			scores[row] += t.nodes[at].value
		}
	})
}

// add appends an ensemble of trees for quantile q.
func (m *Model) add(q float64, base float32, trees []*tree, all []cuts) {
	e := ensemble{quantile: q, base: base}
	for _, t := range trees {
		start := len(e.nodes)
		for i, n := range t.nodes {
			e.values = append(e.values, n.value)
			if n.left == 0 {
				e.nodes = append(e.nodes, newNode(math.MaxInt32, 0, i))
				continue
			}
			m.gains[n.feature] += n.gain
			threshold := keyOf(float32(math.Inf(1))) // only missing values are above
			if cuts := all[n.feature]; int(n.bin) < len(cuts) {
				threshold = keyOf(cuts[n.bin])
			}
			e.nodes = append(e.nodes, newNode(threshold, slotOf(n.feature, n.missingLeft), n.left))
		}
		e.trees = append(e.trees, treeSpan{start: start, end: len(e.nodes), depth: t.depth})
	}
	m.ensembles = append(m.ensembles, e)
}
