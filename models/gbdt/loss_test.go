package gbdt

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// row is what the loss looks at.
type row struct {
	y        float32
	weight   uint32
	censored bool
}

func drawRows(t *rapid.T, atMost int, censored bool) []row {
	n := rapid.IntRange(1, atMost).Draw(t, "n")
	spread := rapid.SampledFrom([]float32{1, 10, 1e6}).Draw(t, "spread")
	rows := make([]row, n)
	for i := range rows {
		rows[i] = row{
			y:        float32(math.Round(float64(rapid.Float32Range(-1, 1).Draw(t, "y") * spread))),
			weight:   uint32(rapid.IntRange(1, 4).Draw(t, "weight")),
			censored: censored && rapid.Bool().Draw(t, "censored"),
		}
	}
	return rows
}

func residualsOf(rows []row) []residual {
	var rs []residual
	for _, r := range rows {
		rs = append(rs, newResidual(r.y, 0, r.weight, r.censored))
	}
	return rs
}

func meanLossOf(p pinball, rows []row, f float32) float64 {
	var total, weight float64
	for _, r := range rows {
		total += float64(r.weight) * p.loss(r.y, f, r.censored)
		weight += float64(r.weight)
	}
	return total / weight
}

func TestQuantileOfPlainNumbers(t *testing.T) {
	cases := []struct {
		q    float64
		ys   []float32
		want float32
	}{
		{.5, []float32{7}, 7},
		{.5, []float32{1, 2}, 1.5},
		{.5, []float32{3, 1, 2}, 2},
		{.9, []float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 9},
		{.25, []float32{10, 20, 30, 40}, 17.5},
		{.99, []float32{0, 100}, 99},
		{.5, nil, 0},
		{149.5 / 249, slices.Concat(slices.Repeat([]float32{1.9}, 150), slices.Repeat([]float32{1 << 30}, 100)), 1 << 29},
	}
	for _, c := range cases {
		var rs []residual
		for _, y := range c.ys {
			rs = append(rs, newResidual(y, 0, 1, false))
		}
		if got := (pinball{c.q}).quantile(rs); math.Abs(float64(got/c.want)-1) > 1e-5 && got != c.want {
			t.Errorf("quantile %v of %v is %v, want %v", c.q, c.ys, got, c.want)
		}
	}
}

// Against the definition: sort, give what is censored to all on the right, lay the rows end to end, take the mean over
// the stretch.
func TestQuantileMatchesOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := pinball{rapid.Float64Range(.01, .99).Draw(t, "q")}
		rows := drawRows(t, 400, rapid.Bool().Draw(t, "with censored rows"))
		got := p.quantile(residualsOf(rows))
		slices.SortFunc(rows, func(a, b row) int {
			if a.y == b.y {
				return cmp.Compare(btoi(a.censored), btoi(b.censored))
			}
			return cmp.Compare(a.y, b.y)
		})
		lengths := make([]float64, len(rows))
		var total float64
		for i, r := range rows {
			lengths[i] = float64(r.weight)
			total += lengths[i]
		}
		for i, r := range rows[:len(rows)-1] {
			if r.censored {
				var right float64
				for _, other := range rows[i+1:] {
					right += float64(other.weight)
				}
				for j, other := range rows[i+1:] {
					lengths[i+1+j] += lengths[i] * float64(other.weight) / right
				}
				lengths[i] = 0
			}
		}
		var squares, at, want float64
		for _, r := range rows {
			squares += float64(r.weight) * float64(r.weight)
		}
		one := squares / total
		from := p.q * (total - one)
		for i, r := range rows {
			want += float64(r.y) * max(0, min(from+one, at+lengths[i])-max(from, at)) / one
			at += lengths[i]
		}
		if math.Abs(float64(got)-want) > 1e-6*(1+math.Abs(want)) {
			t.Fatalf("quantile is %v, want %v", got, want)
		}
	})
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Without censored rows the quantile lies within one row of the value with the lowest loss.
func TestQuantileIsNearTheMinimiser(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := pinball{rapid.Float64Range(.01, .99).Draw(t, "q")}
		rows := drawRows(t, 200, false)
		var ys []float32
		for i, r := range rows {
			rows[i].weight = 1
			ys = append(ys, r.y)
		}
		slices.Sort(ys)
		got := p.quantile(residualsOf(rows))
		for i, y := range ys {
			lowest := true
			for _, other := range ys {
				lowest = lowest && meanLossOf(p, rows, y) <= meanLossOf(p, rows, other)+1e-9
			}
			if lowest && got >= ys[max(0, i-1)] && got <= ys[min(len(ys)-1, i+1)] {
				return
			}
		}
		t.Fatalf("quantile %v is far from all that minimise the loss of %v", got, ys)
	})
}

// The statistics hold the derivative of the loss.
func TestStatIsTheGradient(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := pinball{rapid.Float64Range(.01, .99).Draw(t, "q")}
		r := drawRows(t, 1, true)[0]
		f := float32(rapid.IntRange(-12, 12).Draw(t, "f")) + .5
		s := p.stat(r.y, f, r.weight, r.censored)
		const h = 1.0 / 8
		want := float64(r.weight) * (p.loss(r.y, f+h, r.censored) - p.loss(r.y, f-h, r.censored)) / (2 * h)
		if got := (1-p.q)*s.weight() - s.above(); math.Abs(got-want) > 1e-6 {
			t.Fatalf("gradient %v, want %v", got, want)
		}
	})
}

func TestFixedPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 200).Draw(t, "n")
		exponent := rapid.IntRange(-100, 100).Draw(t, "exponent")
		floats := make([]float32, n)
		var total float64
		for i := range floats {
			floats[i] = float32(math.Ldexp(rapid.Float64Range(0, 1).Draw(t, "weight"), exponent))
			total += float64(floats[i])
		}
		if total == 0 {
			t.Skip("no weight")
		}
		w := fixedPoint(floats)
		var sum uint64
		for i, f := range floats {
			sum += uint64(w.at(i))
			if got := float64(w.at(i)) / w.scale; math.Abs(got-float64(f)) > total/(1<<29) {
				t.Fatalf("weight %v is kept as %v", f, got)
			}
		}
		if sum >= 1<<31 {
			t.Fatalf("units sum to %d", sum)
		}
	})
}
