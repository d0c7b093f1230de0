package gbdt

import (
	"math"
	"slices"
)

// pinball is the loss at quantile q: with r = y - f, q*r above the prediction and (q-1)*r below (Koenker and Bassett,
// Econometrica 1978). A censored target stands for every value at or above it, and costs the least of theirs:
// q*max(y-f, 0), so a prediction above it is not pulled down. That is Powell's censored loss (J. Econometrics 1986)
// where the bound is known only for the rows it hit.
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

// sums returns the weight of the residual in the high half, and in the low half the same if it is not censored.
func (r residual) sums() stat {
	w := uint32(r) &^ censoredBit
	if r&censoredBit != 0 {
		return newStat(w, 0)
	}
	return newStat(w, w)
}

// minimizer returns the least v for which the loss of the residuals, were v added to their predictions, is lowest: the
// weighted q-quantile when none is censored. It reorders the slice. None, or none with a weight, gives 0.
//
// It is a radix select: the loss falls until (1-q) * (uncensored weight at or below v) >= q * (weight above v), so the
// digit of v is the first at which the sums of the digits up to it pass that test.
func (p pinball) minimizer(rs []residual) float32 {
	const digitBits, few = 11, 64
	var total, below stat
	for _, r := range rs {
		total += r.sums()
	}
	if total == 0 {
		return 0
	}
	// The tolerance keeps q*n from being missed by a rounding error when it is whole.
	enough := p.q * total.weight() * (1 - 1e-12)
	passes := func(s stat) bool { return (1-p.q)*s.above()+p.q*s.weight() >= enough }

	for shift := 64 - digitBits; len(rs) > few && shift > 0; shift -= digitBits {
		var digits [1 << digitBits]stat
		for _, r := range rs {
			digits[r>>shift%(1<<digitBits)] += r.sums()
		}
		digit := residual(0)
		for ; !passes(below + digits[digit]); digit++ {
			below += digits[digit]
		}
		kept := 0
		for _, r := range rs {
			rs[kept] = r
			if r>>shift%(1<<digitBits) == digit {
				kept++
			}
		}
		rs = rs[:kept]
	}
	slices.Sort(rs)
	for _, r := range rs {
		if below += r.sums(); passes(below) {
			return r.value()
		}
	}
	return rs[len(rs)-1].value()
}
