package models

import (
	"math"
	"time"

	"github.com/auspex-project/auspex/resource"
)

// histogram is a decayed histogram of usage with buckets that grow by a
// constant factor, as the Kubernetes VPA recommender keeps (buckets growing by
// 1.05, half-life 24 h). Percentiles are off by at most one bucket.
//
// Nothing is scaled down as time passes: newer values weigh more, and all
// weights are divided once they have grown too large.
type histogram struct {
	reference time.Time // a value of this time weighs 1
	start     float64   // upper end of the first bucket, in the resource's unit
	weights   []float64 // grown as larger values come
}

const (
	bucketGrowth      = 1.05
	maxBuckets        = 600 // of 1.05: twelve orders of magnitude
	histogramHalfLife = 24 * time.Hour
	maxHalvings       = 40 // between the reference and the newest value
)

func newHistogram(n resource.Name) histogram {
	start := 0.01 // cores, devices, counts
	if u := n.Unit(); u == resource.Bytes || u == resource.BytesPerSecond {
		start = 1 << 20
	}
	return histogram{start: start}
}

func (h *histogram) add(t time.Time, value float64) {
	if len(h.weights) == 0 {
		h.reference = t
	}
	if passed := t.Sub(h.reference); passed > maxHalvings*histogramHalfLife {
		f := halved(passed, histogramHalfLife)
		for i := range h.weights {
			h.weights[i] *= f
		}
		h.reference = t
	}
	i := h.bucket(value)
	for len(h.weights) <= i {
		h.weights = append(h.weights, 0)
	}
	h.weights[i] += math.Exp2(float64(t.Sub(h.reference)) / float64(histogramHalfLife))
}

// quantile returns the upper end of the bucket that holds the p-quantile, NaN
// when nothing was added.
func (h *histogram) quantile(p float64) float64 {
	var total, below float64
	for _, w := range h.weights {
		total += w
	}
	if total <= 0 {
		return math.NaN()
	}
	for i, w := range h.weights {
		below += w
		if below >= p*total {
			return h.end(i)
		}
	}
	return h.end(len(h.weights) - 1)
}

func (h *histogram) bucket(value float64) int {
	if value <= h.start {
		return 0
	}
	return min(int(math.Ceil(math.Log(value/h.start)/math.Log(bucketGrowth))), maxBuckets-1)
}

func (h *histogram) end(bucket int) float64 { return h.start * math.Pow(bucketGrowth, float64(bucket)) }
