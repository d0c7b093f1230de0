package gbdt

import (
	"container/heap"
	"context"
)

// grower grows trees on one binned matrix, one at a time. Its buffers are reused from tree to tree.
type grower struct {
	splitter
	crew
	maxDepth, maxLeaves int

	bins     *binned
	cuts     []cuts
	features []int     // those the tree may split on, ascending
	lanes    [][]uint8 // the same by block
	stats    []stat    // of every row

	rows    []uint32 // of the tree, those of a leaf side by side and ascending
	scratch []uint32
	workers []growWorker
	free    []histogram
}

// growWorker is what one worker adds rows with.
type growWorker struct {
	stats  []stat     // of a chunk of rows
	blocks [][]uint64 // their bins
	part   histogram  // all zero between uses
}

// leaf is a node that may be split further.
type leaf struct {
	node   int
	depth  int
	lo, hi int // its rows
	total  stat
	hist   histogram // nil if it cannot be split
	best   split
}

func newGrower(b *binned, cuts []cuts, s splitter, o Options) *grower {
	g := &grower{
		splitter: s, crew: crew(o.Workers), maxDepth: o.MaxDepth, maxLeaves: o.MaxLeaves,
		bins: b, cuts: cuts, stats: make([]stat, b.rows), scratch: make([]uint32, b.rows),
	}
	for range o.Workers {
		w := growWorker{stats: make([]stat, chunkRows), part: make(histogram, b.blocks)}
		for range b.blocks {
			w.blocks = append(w.blocks, make([]uint64, chunkRows))
		}
		g.workers = append(g.workers, w)
	}
	return g
}

// use chooses the features, ascending, and the rows of the next tree. The grower reorders rows.
func (g *grower) use(features []int, rows []uint32) {
	g.features, g.rows = features, rows
	g.lanes = make([][]uint8, g.bins.blocks)
	for _, f := range features {
		g.lanes[f/blockLanes] = append(g.lanes[f/blockLanes], uint8(f%blockLanes))
	}
}

// grow returns a tree without values, and its leaves: the most gainful leaf is split until none gains or the limits are
// met.
func (g *grower) grow(ctx context.Context) (*tree, []*leaf, error) {
	t := &tree{nodes: make([]treeNode, 1)}
	root := &leaf{hi: len(g.rows)}
	for _, row := range g.rows {
		root.total += g.stats[row]
	}
	g.evaluate(root, nil, nil)

	var open leafHeap
	var done []*leaf
	keep := func(l *leaf) {
		if l.best.gain > 0 {
			heap.Push(&open, l)
			return
		}
		g.release(l)
		done = append(done, l)
	}
	keep(root)
	for len(open) > 0 && len(open)+len(done) < g.maxLeaves && ctx.Err() == nil {
		left, right := g.split(t, heap.Pop(&open).(*leaf))
		keep(left)
		keep(right)
	}
	for _, l := range open {
		g.release(l)
	}
	return t, append(done, open...), ctx.Err()
}

// split makes a leaf an inner node of the tree and returns its two children, evaluated.
func (g *grower) split(t *tree, parent *leaf) (left, right *leaf) {
	middle := g.partition(parent)
	depth := parent.depth + 1
	left = &leaf{node: len(t.nodes), depth: depth, lo: parent.lo, hi: middle, total: parent.best.left}
	right = &leaf{node: left.node + 1, depth: depth, lo: middle, hi: parent.hi, total: parent.total - left.total}
	t.nodes[parent.node] = treeNode{split: parent.best, left: left.node}
	t.nodes = append(t.nodes, treeNode{}, treeNode{})
	t.depth = max(t.depth, depth)

	switch {
	case depth == g.maxDepth || !g.divisible(left) && !g.divisible(right):
		g.release(parent)
	case left.hi-left.lo <= right.hi-right.lo:
		g.evaluate(left, right, parent)
	default:
		g.evaluate(right, left, parent)
	}
	return left, right
}

func (g *grower) divisible(l *leaf) bool { return l.total.weight() >= 2*g.minChild }

// partition moves the rows of a leaf that go left before those that go right, keeps the order within each, and returns
// where the right ones start.
func (g *grower) partition(l *leaf) (middle int) {
	rows, scratch := g.rows[l.lo:l.hi], g.scratch[l.lo:l.hi]
	n := len(rows)
	r := l.best.router()
	bins := g.bins.columns[l.best.feature]
	lefts := make([]int, chunks(n))
	g.do(len(lefts), func(_, task int) {
		lo, hi := chunk(task, n)
		rows, aside := rows[lo:hi], scratch[lo:hi]
		left := 0
		for i, row := range rows {
			right := r.right(bins[row])
			rows[left] = row
			aside[i-left] = row
			left += 1 - right
		}
		lefts[task] = left
	})
	middle = 0
	for task, left := range lefts {
		lo, _ := chunk(task, n)
		middle += copy(rows[middle:], rows[lo:lo+left])
	}
	at := middle
	for task, left := range lefts {
		lo, hi := chunk(task, n)
		at += copy(rows[at:], scratch[lo:hi-left])
	}
	return l.lo + middle
}

// evaluate finds the best split of a leaf, and of its larger sibling: the sibling's histogram is the parent's, which it
// takes over, less the leaf's. The root has neither.
func (g *grower) evaluate(small, large, parent *leaf) {
	small.hist = g.histogram()
	if large != nil {
		large.hist = parent.hist
	}
	used := g.accumulate(small)

	type pair struct{ small, large split }
	found := make([]pair, len(g.features))
	g.do(len(g.features), func(_, task int) {
		f := g.features[task]
		bins := g.cuts[f].bins()
		lane := small.hist.lane(f)
		g.merge(lane, f, bins, used)
		found[task].small = g.best(f, lane, bins, small.total)
		if large != nil {
			rest := large.hist.lane(f)
			for i, s := range lane[:bins] {
				rest[i] -= s
			}
			rest[missingBin] -= lane[missingBin]
			found[task].large = g.best(f, rest, bins, large.total)
		}
	})
	for _, p := range found {
		if p.small.gain > small.best.gain {
			small.best = p.small
		}
		if large != nil && p.large.gain > large.best.gain {
			large.best = p.large
		}
	}
}

// accumulate adds the rows of a leaf to the workers' histograms and returns how many workers took part.
func (g *grower) accumulate(l *leaf) (used int) {
	rows := g.rows[l.lo:l.hi]
	tasks := chunks(len(rows))
	g.do(tasks, func(worker, task int) {
		lo, hi := chunk(task, len(rows))
		w, rows := g.workers[worker], rows[lo:hi]
		for i, row := range rows {
			w.stats[i] = g.stats[row]
		}
		g.bins.gather(w.blocks, rows)
		for b, lanes := range g.lanes {
			if words := w.blocks[b][:len(rows)]; len(lanes) == blockLanes {
				w.part[b].add(words, w.stats)
			} else {
				w.part[b].addLanes(lanes, words, w.stats)
			}
		}
	})
	return min(tasks, len(g.workers))
}

// merge sums one feature's lane of the used workers' histograms, and clears them.
func (g *grower) merge(sum *[256]stat, feature, bins, used int) {
	for i, w := range g.workers[:used] {
		part := w.part.lane(feature)
		if i == 0 {
			*sum = *part
		} else {
			for bin, s := range part[:bins] {
				sum[bin] += s
			}
			sum[missingBin] += part[missingBin]
		}
		clear(part[:bins])
		part[missingBin] = 0
	}
}

func (g *grower) histogram() histogram {
	if last := len(g.free) - 1; last >= 0 {
		h := g.free[last]
		g.free = g.free[:last]
		return h
	}
	return make(histogram, g.bins.blocks)
}

func (g *grower) release(l *leaf) {
	if l.hist != nil {
		g.free = append(g.free, l.hist)
		l.hist = nil
	}
}

// leafHeap yields the leaf with the highest gain, of equals the oldest.
type leafHeap []*leaf

func (h leafHeap) Len() int      { return len(h) }
func (h leafHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h leafHeap) Less(i, j int) bool {
	if h[i].best.gain != h[j].best.gain {
		return h[i].best.gain > h[j].best.gain
	}
	return h[i].node < h[j].node
}
func (h *leafHeap) Push(l any) { *h = append(*h, l.(*leaf)) }
func (h *leafHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
