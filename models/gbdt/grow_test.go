package gbdt

import (
	"context"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawDataset draws few rows of few distinct values, so that ties, gaps and pure leaves are common.
func drawDataset(t *rapid.T) *Dataset {
	n := rapid.IntRange(2, 40).Draw(t, "rows")
	d := &Dataset{Weights: make([]float32, n), Censored: make([]bool, n)}
	for range rapid.IntRange(1, 10).Draw(t, "columns") {
		column := make([]float32, n)
		for i := range column {
			if column[i] = float32(rapid.IntRange(-1, 9).Draw(t, "x")); column[i] < 0 {
				column[i] = nan
			}
		}
		d.Columns = append(d.Columns, column)
	}
	for i := range n {
		d.Targets = append(d.Targets, float32(rapid.IntRange(0, 5).Draw(t, "y")))
		d.Weights[i] = float32(rapid.IntRange(1, 3).Draw(t, "weight"))
		d.Censored[i] = rapid.IntRange(0, 3).Draw(t, "censored") == 0
	}
	return d
}

// testGrower prepares to grow one tree on all of d, from the prediction base.
func testGrower(d *Dataset, base float32, s splitter, o Options) *grower {
	cuts := sketch(d.Columns, 255, 0, 1)
	g := newGrower(discretize(d.Columns, cuts, 1), cuts, s, o)
	var features []int
	for f := range d.Columns {
		features = append(features, f)
	}
	rows := make([]uint32, d.Rows())
	for i := range rows {
		rows[i] = uint32(i)
		g.stats[i] = s.stat(d.Targets[i], base, uint32(d.Weights[i]), d.Censored[i])
	}
	g.use(features, rows)
	return g
}

// oracle computes the gain of a split from the rows on either side, by the definition.
func oracleGain(d *Dataset, s splitter, base float32, left, right []int) float64 {
	side := func(rows []int) (weight, score float64) {
		var gradient float64
		for _, i := range rows {
			w := float64(d.Weights[i])
			switch {
			case d.Targets[i] > base:
				gradient -= s.q * w
			case d.Censored[i]:
				w = 0
			default:
				gradient += (1 - s.q) * w
			}
			weight += w
		}
		return weight, gradient * gradient / (weight + s.l2)
	}
	wl, sl := side(left)
	wr, sr := side(right)
	_, all := side(append(append([]int(nil), left...), right...))
	if wl < s.minChild || wr < s.minChild {
		return 0
	}
	return sl + sr - all
}

// bestGain tries every feature, every threshold and both ways for missing values.
func bestGain(d *Dataset, s splitter, base float32, rows []int) float64 {
	best := 0.0
	for f := range d.Columns {
		for _, at := range rows {
			for _, missingLeft := range []bool{false, true} {
				var left, right []int
				for _, i := range rows {
					x := d.Columns[f][i]
					if x <= d.Columns[f][at] || x != x && missingLeft {
						left = append(left, i)
					} else {
						right = append(right, i)
					}
				}
				if len(left) > 0 && len(right) > 0 {
					best = max(best, oracleGain(d, s, base, left, right))
				}
			}
		}
	}
	return best
}

// Every split of a tree is the best there is, and a leaf is left whole only where none gains: which also checks the
// histograms made by subtraction, since splits below the root rest on them.
func TestTreeMatchesExhaustiveSearch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDataset(t)
		base := float32(rapid.IntRange(0, 5).Draw(t, "base"))
		s := splitter{
			pinball:  pinball{rapid.SampledFrom([]float64{.1, .5, .9, .99}).Draw(t, "q")},
			minChild: float64(rapid.IntRange(1, 6).Draw(t, "min child")),
			l2:       float64(rapid.IntRange(0, 2).Draw(t, "l2")),
		}
		o := Options{Workers: 1, MaxDepth: rapid.IntRange(1, 6).Draw(t, "depth"), MaxLeaves: maxLeaves}
		g := testGrower(d, base, s, o)
		tree, leaves, err := g.grow(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if tree.depth > o.MaxDepth || len(tree.nodes) != 2*len(leaves)-1 {
			t.Fatalf("depth %d, %d nodes, %d leaves", tree.depth, len(tree.nodes), len(leaves))
		}
		all := make([]int, d.Rows())
		for i := range all {
			all[i] = i
		}
		checkNode(t, d, g, tree, base, 0, 0, all)
	})
}

func checkNode(t *rapid.T, d *Dataset, g *grower, tree *tree, base float32, at, depth int, rows []int) {
	n := tree.nodes[at]
	best := 0.0
	if depth < g.maxDepth {
		best = bestGain(d, g.splitter, base, rows)
	}
	if n.left == 0 {
		if best > 1e-9 {
			t.Fatalf("leaf %d could be split with gain %v", at, best)
		}
		return
	}
	var left, right []int
	for _, i := range rows {
		if n.router().right(g.bins.columns[n.feature][i]) == 1 {
			right = append(right, i)
		} else {
			left = append(left, i)
		}
	}
	gain := oracleGain(d, g.splitter, base, left, right)
	if math.Abs(n.gain-gain) > 1e-9 || math.Abs(best-gain) > 1e-9 {
		t.Fatalf("node %d claims gain %v, its rows say %v, the best is %v", at, n.gain, gain, best)
	}
	checkNode(t, d, g, tree, base, n.left, depth+1, left)
	checkNode(t, d, g, tree, base, n.left+1, depth+1, right)
}

func TestWeightIsRepetition(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := drawDataset(rt)
		repeated := &Dataset{Columns: make([][]float32, len(d.Columns))}
		for i, w := range d.Weights {
			for range int(w) {
				for f, c := range d.Columns {
					repeated.Columns[f] = append(repeated.Columns[f], c[i])
				}
				repeated.Targets = append(repeated.Targets, d.Targets[i])
				repeated.Weights = append(repeated.Weights, 1)
				repeated.Censored = append(repeated.Censored, d.Censored[i])
			}
		}
		s := splitter{pinball: pinball{rapid.SampledFrom([]float64{.1, .9}).Draw(rt, "q")}, minChild: 2}
		o := Options{Workers: 1, MaxDepth: 6, MaxLeaves: maxLeaves}
		weighted, _, err := testGrower(d, 2, s, o).grow(context.Background())
		if err != nil {
			rt.Fatal(err)
		}
		plain, _, err := testGrower(repeated, 2, s, o).grow(context.Background())
		if err != nil {
			rt.Fatal(err)
		}
		if !slices.Equal(weighted.nodes, plain.nodes) {
			rt.Fatalf("splits by weight %v, by repetition %v", weighted.nodes, plain.nodes)
		}
	})
}

func TestGrowthIsBestFirst(t *testing.T) {
	d := synthetic(3000, 12, 1)
	d.Weights, d.Censored = make([]float32, d.Rows()), make([]bool, d.Rows())
	for i := range d.Weights {
		d.Weights[i] = 1
	}
	const leaves = 17
	s := splitter{pinball: pinball{.5}, minChild: 20}
	tree, _, err := testGrower(d, 2, s, Options{Workers: 2, MaxDepth: 30, MaxLeaves: leaves}).grow(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if got := (len(tree.nodes) + 1) / 2; got != leaves {
		t.Fatalf("%d leaves, want %d", got, leaves)
	}
	// Children are numbered in the order of the splits: a node below n.left was there when n was split.
	for i, n := range tree.nodes {
		for j, later := range tree.nodes[:n.left] {
			if later.left > n.left && later.gain > n.gain {
				t.Errorf("node %d with gain %v was split before node %d with %v", i, n.gain, j, later.gain)
			}
		}
	}
}
