package gbdt

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// However many rows are predicted at once, each gets what a plain walk through every tree says, to the bit.
func TestPredictIsAWalkThroughEveryTree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := drawDataset(rt)
		m := mustFit(t, d, nil, Options{
			Quantiles: []float64{.2, .5, .9}, Trees: rapid.IntRange(1, 9).Draw(rt, "trees"),
			MinChildWeight: 1, MaxDepth: rapid.SampledFrom([]int{1, 3, 6, sliceDepth, sliceDepth + 4}).Draw(rt, "depth"),
			MaxLeaves: rapid.IntRange(2, 200).Draw(rt, "leaves"), RowFraction: .8,
		})
		rows := rowMajor(d)
		width := len(m.features)
		for range rapid.IntRange(0, 150).Draw(rt, "more") {
			for range width {
				rows = append(rows, rapid.SampledFrom([]float32{nan, -1e30, 0, .5, 1, 3, 1e30}).Draw(rt, "value"))
			}
		}
		n := len(rows) / width
		want := make([]float32, 0, n*3)
		for i := range n {
			qs := walkAll(m, rows[i*width:][:width])
			slices.Sort(qs)
			want = append(want, qs...)
		}
		got := make([]float32, len(want))
		if err := m.Predict(rows, got); err != nil {
			rt.Fatal(err)
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("%d rows at once: %v, want %v", n, got, want)
		}
		few := rapid.IntRange(1, min(n, fewRows)).Draw(rt, "few")
		if err := m.Predict(rows[:few*width], got[:few*3]); err != nil {
			rt.Fatal(err)
		}
		if !slices.Equal(got[:few*3], want[:few*3]) {
			rt.Fatalf("%d rows: %v, want %v", few, got[:few*3], want[:few*3])
		}
	})
}

// walkAll predicts one row with comparisons of floats.
func walkAll(m *Model, row []float32) []float32 {
	var out []float32
	for _, e := range m.ensembles {
		sum := e.base
		for _, t := range e.trees {
			nodes := e.nodesOf(t)
			at := 0
			for nodes[at].left() != at {
				n := nodes[at]
				x := row[n.slot()/2]
				right := x > keyValue(n.threshold())
				if x != x {
					right = n.slot()%2 == 1
				}
				at = n.left()
				if right {
					at++
				}
			}
			sum += e.values[t.start+at]
		}
		out = append(out, sum)
	}
	return out
}

func TestDeepTreesAreNotSliced(t *testing.T) {
	d := synthetic(3000, 12, 1)
	deep := mustFit(t, d, nil, Options{Quantiles: []float64{.5}, Trees: 2, MaxDepth: 20, MinChildWeight: 1})
	if deep.ensembles[0].trees[0].depth <= sliceDepth {
		t.Fatal("the tree is not deep")
	}
	if deep.sliced != nil {
		t.Error("a deep tree is sliced")
	}
	if m := mustFit(t, d, nil, Options{Quantiles: []float64{.5}, Trees: 2, MaxDepth: sliceDepth}); m.sliced == nil {
		t.Error("a tree of the greatest depth is not sliced")
	}
}

func TestTranspose(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var in [8]uint64
	for j := range in {
		in[j] = rng.Uint64()
	}
	out := in
	transpose(&out)
	for j := range 8 {
		for i := range 64 {
			if got, want := out[i%8]>>(i/8*8+j)&1, in[j]>>i&1; got != want {
				t.Fatalf("bit %d of word %d: %d, want %d", i, j, got, want)
			}
		}
	}
}
