package models

import (
	"math"
	"time"
)

// moment is a decayed mean and variance: a value loses half its weight every
// half-life.
type moment struct {
	at              time.Time // to which the sums are decayed
	weight, sum, sq float64

	gap   time.Duration // between the newest values, which is the same as a rule
	decay float64       // over it
}

// add counts value, measured age before now. now never goes back.
func (m *moment) add(now time.Time, age, half time.Duration, value float64) {
	if gap := now.Sub(m.at); gap > 0 {
		if gap != m.gap {
			m.gap, m.decay = gap, halved(gap, half)
		}
		m.weight, m.sum, m.sq = m.weight*m.decay, m.sum*m.decay, m.sq*m.decay
	}
	m.at = now
	w := halved(age, half)
	m.weight += w
	m.sum += w * value
	m.sq += w * value * value
}

// mean is NaN when nothing was added.
func (m *moment) mean() float64 { return m.sum / m.weight }

func (m *moment) sd() float64 {
	mean := m.mean()
	return math.Sqrt(max(0, m.sq/m.weight-mean*mean))
}

// halved returns 2^(-age/half).
func halved(age, half time.Duration) float64 {
	if age <= 0 {
		return 1
	}
	return math.Exp2(-float64(age) / float64(half))
}
