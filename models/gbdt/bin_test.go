package gbdt

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func drawFloat(t *rapid.T, label string) float32 {
	if rapid.IntRange(0, 3).Draw(t, label+" is special") == 0 {
		special := []float32{nan, float32(math.Inf(1)), float32(math.Inf(-1)), 0, float32(math.Copysign(0, -1)),
			math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32}
		return rapid.SampledFrom(special).Draw(t, label)
	}
	return rapid.Float32().Draw(t, label)
}

func TestKeysKeepOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawFloat(t, "a"), drawFloat(t, "b")
		if a != a || b != b {
			t.Skip("NaN has no key")
		}
		if (a < b) != (keyOf(a) < keyOf(b)) || (a == b) != (keyOf(a) == keyOf(b)) {
			t.Fatalf("keys of %v and %v are %d and %d", a, b, keyOf(a), keyOf(b))
		}
		if keyValue(keyOf(a)) != a {
			t.Fatalf("%v comes back as %v", a, keyValue(keyOf(a)))
		}
	})
}

// The bin of a value, and the side of a split it falls on, must be the same in training and in prediction.
func TestBinsAgreeWithThresholds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) float32 { return drawFloat(t, "x") }), 1, 300).Draw(t, "values")
		maxBins := rapid.IntRange(2, 255).Draw(t, "bins")
		c := sketch([][]float32{values}, maxBins, 0, 1)[0]
		if c.bins() > maxBins {
			t.Fatalf("%d bins, want at most %d", c.bins(), maxBins)
		}
		if !slices.IsSorted(c) || len(slices.Compact(slices.Clone(c))) != len(c) {
			t.Fatalf("cuts %v are not ascending", c)
		}
		bins := discretize([][]float32{values}, []cuts{c}, 1)
		for i, x := range append(slices.Clone(values), c...) {
			bin := bins.columns[0][min(i, len(values)-1)]
			if i >= len(values) {
				k := c.keys()
				bin = k.bin(x)
			}
			want := uint8(missingBin)
			if x == x {
				want = 0
				for _, cut := range c {
					if cut < x {
						want++
					}
				}
			}
			if bin != want {
				t.Fatalf("bin of %v is %d, want %d with cuts %v", x, bin, want, c)
			}
		}
	})
}

func TestCuts(t *testing.T) {
	skewed := make([]float32, 1000)
	for i := range 100 {
		skewed[900+i] = float32(i + 1)
	}
	cases := map[string]struct {
		values []float32
		bins   int
		want   cuts
	}{
		"nothing":          {nil, 10, nil},
		"constant":         {[]float32{3, 3, 3}, 10, nil},
		"few values":       {[]float32{1, 1, 2, 4}, 10, cuts{1.5, 3}},
		"even":             {[]float32{1, 2, 3, 4, 5, 6, 7, 8}, 4, cuts{2.5, 4.5, 6.5}},
		"neighbours":       {[]float32{1, math.Nextafter32(1, 2)}, 10, cuts{1}},
		"extremes":         {[]float32{-math.MaxFloat32, math.MaxFloat32}, 10, cuts{0}},
		"infinities":       {[]float32{float32(math.Inf(-1)), 1, float32(math.Inf(1))}, 10, cuts{float32(math.Inf(-1)), 1}},
		"a heavy value":    {skewed, 6, cuts{.5, 20.5, 40.5, 60.5, 80.5}},
		"more than enough": {[]float32{1, 2}, 2, cuts{1.5}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := cutsOf(c.values, c.bins); !slices.Equal(got, c.want) {
				t.Errorf("cuts %v, want %v", got, c.want)
			}
		})
	}
}

func TestSketchOfManyRowsIsEven(t *testing.T) {
	const rows = 3 * sampleRows
	column := make([]float32, rows)
	for i := range column {
		column[i] = float32(i)
	}
	c := sketch([][]float32{column}, 10, 1, 2)[0]
	if c.bins() != 10 {
		t.Fatalf("%d bins, want 10", c.bins())
	}
	for i, cut := range c {
		if want := float64(rows) * float64(i+1) / 10; math.Abs(float64(cut)-want) > rows*0.01 {
			t.Errorf("cut %d is %v, want about %v", i, cut, want)
		}
	}
}
