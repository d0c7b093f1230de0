package models

import (
	"math"
	"time"

	"github.com/auspex-project/auspex/resource"
)

// Histogram is a decayed histogram with buckets that grow by a constant factor,
// as the Kubernetes VPA recommender keeps. Percentiles are off by at most one
// bucket. It is not safe for concurrent use.
//
// Nothing is scaled down as time passes: newer values weigh more, and all
// weights are divided once they have grown too large.
type Histogram struct {
	first    float64       // upper end of the first bucket
	growth   float64       // of each bucket's end over the one before
	log      float64       // of growth
	halfLife time.Duration // in which a value loses half its weight

	reference time.Time // a value of this time weighs 1
	weights   []float64 // grown as larger values come
}

const (
	maxBuckets  = 4000
	maxHalvings = 40 // between the reference and the newest value
)

// NewHistogram returns an empty histogram whose first bucket ends at first.
func NewHistogram(first, growth float64, halfLife time.Duration) *Histogram {
	return &Histogram{first: first, growth: growth, log: math.Log(growth), halfLife: halfLife}
}

// newUsageHistogram returns the one kept for every workload.
func newUsageHistogram(n resource.Name) *Histogram {
	first := 0.01 // cores, devices, counts
	if u := n.Unit(); u == resource.Bytes || u == resource.BytesPerSecond {
		first = 1 << 20
	}
	return NewHistogram(first, 1.05, 24*time.Hour)
}

// Add counts value, seen at t, weight times.
func (h *Histogram) Add(t time.Time, value, weight float64) {
	if len(h.weights) == 0 {
		h.reference = t
	}
	if passed := t.Sub(h.reference); passed > maxHalvings*h.halfLife {
		f := halved(passed, h.halfLife)
		for i := range h.weights {
			h.weights[i] *= f
		}
		h.reference = t
	}
	i := h.bucket(value)
	for len(h.weights) <= i {
		h.weights = append(h.weights, 0)
	}
	h.weights[i] += weight * math.Exp2(float64(t.Sub(h.reference))/float64(h.halfLife))
}

// Quantile returns the upper end of the bucket that holds the p-quantile, NaN
// when nothing was added.
func (h *Histogram) Quantile(p float64) float64 {
	var total, below float64
	for _, w := range h.weights {
		total += w
	}
	if total <= 0 {
		return math.NaN()
	}
	last := 0
	for i, w := range h.weights {
		if w == 0 {
			continue
		}
		last = i
		if below += w; below >= p*total {
			break
		}
	}
	return h.end(last)
}

func (h *Histogram) bucket(value float64) int {
	if !(value > h.first) {
		return 0
	}
	return int(min(math.Ceil(math.Log(value/h.first)/h.log), maxBuckets-1))
}

func (h *Histogram) end(bucket int) float64 { return h.first * math.Pow(h.growth, float64(bucket)) }
