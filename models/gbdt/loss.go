package gbdt

import (
	"math"
	"slices"
)

// pinball is the loss at quantile q: with r = y - f, q*r above the prediction and (q-1)*r below (Koenker and Bassett,
// Econometrica 1978). A censored target stands for every value at or above it, and costs the least of theirs:
// q*max(y-f, 0), so a prediction above it is not pulled down.
type pinball struct{ q float64 }

func (p pinball) loss(y, f float32, censored bool) float64 {
	r := float64(y) - float64(f)
	switch {
	case r > 0:
		return p.q * r
	case censored:
		return 0
	default:
		return (p.q - 1) * r
	}
}

// stat holds two sums over rows that a prediction is judged on: their weight in the high 32 bits, and in the low ones
// the weight of those whose target lies above the prediction. The gradient of the pinball loss is a function of the two
// and its hessian is constant, so one addition of integers updates a histogram bin, and the sums come out the same in
// whatever order the rows are added.
type stat uint64

func newStat(weight, above uint32) stat { return stat(weight)<<32 | stat(above) }

func (s stat) weight() float64 { return float64(s >> 32) }
func (s stat) above() float64  { return float64(uint32(s)) }

// stat is what one row adds. A censored row the prediction has passed says nothing and adds nothing.
func (p pinball) stat(y, f float32, weight uint32, censored bool) stat {
	switch {
	case y > f:
		return newStat(weight, weight)
	case censored:
		return 0
	default:
		return newStat(weight, 0)
	}
}

// score is the squared gradient over the weight: by how much (times two) the best constant step lowers the loss of
// these rows, to second order with unit hessian.
func (p pinball) score(s stat, l2 float64) float64 {
	w := s.weight()
	g := (1-p.q)*w - s.above()
	return g * g / (w + l2)
}

// weights are row weights in fixed point: scale units, a power of two, make 1. Their sum is below 2^31.
type weights struct {
	units []uint32 // nil: every row weighs one unit
	scale float64
}

func fixedPoint(floats []float32) weights {
	if floats == nil {
		return weights{scale: 1}
	}
	var total float64
	for _, w := range floats {
		total += float64(w)
	}
	_, exp := math.Frexp((1<<31 - float64(len(floats))) / total)
	w := weights{units: make([]uint32, len(floats)), scale: math.Ldexp(1, exp-1)}
	for i, f := range floats {
		w.units[i] = uint32(math.RoundToEven(float64(f) * w.scale))
	}
	return w
}

func (w weights) at(row int) uint32 {
	if w.units == nil {
		return 1
	}
	return w.units[row]
}

// total is the weight of all rows, in units.
func (w weights) total(rows int) float64 {
	if w.units == nil {
		return float64(rows)
	}
	var total uint64
	for _, u := range w.units {
		total += uint64(u)
	}
	return float64(total)
}

// A residual is one word, ordered by y - f: that difference's key, a bit for censored, 31 bits of weight.
type residual uint64

const censoredBit = 1 << 31

func newResidual(y, f float32, weight uint32, censored bool) residual {
	r := residual(uint32(keyOf(y-f))^1<<31)<<32 | residual(weight)
	if censored {
		r |= censoredBit
	}
	return r
}

func (r residual) value() float32 { return keyValue(int32(uint32(r>>32) ^ 1<<31)) }

func (r residual) weight() uint64 { return uint64(r % censoredBit) }
func (r residual) censored() bool { return r&censoredBit != 0 }

// quantile returns the q-quantile of the residuals, 0 if none has a weight. It reorders the slice.
//
// Laid end to end in ascending order, each as long as its weight, residuals of total weight W have their quantile at
// q*W. The result is the mean over a stretch as long as one row from q*(W-row) on: between rows of equal weight the
// usual interpolation (Hyndman and Fan's type 7, The American Statistician 1996), which in small leaves predicts better
// than either row. Where weights differ, one row is W over the effective number of rows (Kish, Survey Sampling 1965).
//
// A censored residual hands its length on to all above it, in proportion: the quantile is that of the product-limit
// estimate (Kaplan and Meier, JASA 1958, in Efron's form of 1967), consistent where, within a leaf, what bounds a row
// does not depend on how far it would have gone. The largest keeps its length, censored or not.
func (p pinball) quantile(rs []residual) float32 {
	var sum, squares uint64 // below 2^31 and 2^62
	anyCensored := false
	for _, r := range rs {
		w := r.weight()
		sum += w
		squares += w * w
		anyCensored = anyCensored || r.censored()
	}
	if sum == 0 {
		return 0
	}
	total := float64(sum)
	row := float64(squares) / total
	from := p.q * (total - row)
	to := min(from+row, total)

	start := 0.0
	if !anyCensored {
		start, rs = narrow(rs, from, to)
	}
	slices.Sort(rs)
	left, stretch, area := total-start, 1.0, 0.0
	for _, r := range rs {
		w := float64(r.weight())
		if left -= w; r.censored() && left > 0 {
			stretch *= (left + w) / left
			continue
		}
		end := start + w*stretch
		if over := min(end, to) - max(start, from); over > 0 {
			area += over * float64(r.value())
		}
		start = end
	}
	return float32(area / (to - from))
}

// narrow returns some of the residuals that hold the stretch [from, to), and where they start: those with the leading
// digit it lies in, then the next digit, until few are left or the stretch has more than one.
func narrow(rs []residual, from, to float64) (start float64, _ []residual) {
	const digitBits, few = 11, 64
	for shift := 64 - digitBits; len(rs) > few && shift > 0; shift -= digitBits {
		var digits [1 << digitBits]float64
		for _, r := range rs {
			digits[r>>shift%(1<<digitBits)] += float64(r.weight())
		}
		first := residual(0)
		for ; start+digits[first] <= from; first++ {
			start += digits[first]
		}
		last := first
		for end := start + digits[first]; end < to; end += digits[last] {
			last++
		}
		kept := 0
		for _, r := range rs {
			rs[kept] = r
			if d := r >> shift % (1 << digitBits); d >= first && d <= last {
				kept++
			}
		}
		rs = rs[:kept]
		if first != last {
			break
		}
	}
	return start, rs
}
