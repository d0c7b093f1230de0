package baseline

import (
	"math"
	"time"

	"github.com/auspex-project/auspex/models/backtest"
)

// Koordinator is its peak predictor: decayed percentiles of each pod, p95 of CPU
// with a half-life of 12 h, p98 of memory with 24 h, times 1.1, pods under a day
// old counting as their limit; a node is at least the same of its own series.
type Koordinator struct{}

var _ backtest.Contestant = Koordinator{}

const (
	koordinatorMargin = 1.1
	koordinatorYoung  = day
	koordinatorBins   = 512 // of the node's own series
	koordinatorHalves = 6   // half-lives after which the node's own series is forgotten
)

// Name returns the name the contestant goes by in reports.
func (Koordinator) Name() string { return "koordinator" }

func koordinatorOf(p *backtest.Panel) (half time.Duration, share float64) {
	if isMemory(p.Resource) {
		return 24 * time.Hour, .98
	}
	return 12 * time.Hour, .95
}

// Enter predicts every pod.
func (Koordinator) Enter(p *backtest.Panel, origins []int) backtest.Entry {
	half, share := koordinatorOf(p)
	first := .001
	if isMemory(p.Resource) {
		first = 1 << 16
	}
	pod := decayedPercentile(first, fine, half, share, nil)
	low := newTable(p, origins, func(p *backtest.Panel, t *backtest.Track, origins []int) []float32 {
		out := pod(p, t, origins)
		for i, origin := range origins {
			out[i] *= koordinatorMargin
			if origin-t.First() < p.StepsIn(koordinatorYoung) {
				out[i] = float32(math.NaN())
			}
		}
		return out
	})
	steps := koordinatorHalves * p.StepsIn(half)
	weights := make([]float32, steps)
	for age := range weights {
		weights[age] = float32(math.Exp2(-float64(age) * float64(p.Step) / float64(half)))
	}
	return &koordinator{origins, weights, share, low, newTable(p, origins, allTime)}
}

type koordinator struct {
	origins   []int
	weights   []float32 // by age in steps
	share     float64
	low, high table
}

func (e *koordinator) Bounds(i int, at backtest.Membership, sum *backtest.Sum) (low, high float32) {
	own := sum.Values(e.origins[i]-len(e.weights), e.origins[i])
	node := koordinatorMargin * weightedQuantile(own, e.weights, at.Limit, e.share)
	return min(max(e.low.sum(i, at), node), at.Limit), e.high.sum(i, at)
}

// weightedQuantile returns the upper end of the bin that holds the p-quantile of
// values up to most, the last of which weighs weights[0].
func weightedQuantile(values, weights []float32, most float32, p float64) float32 {
	var bins [koordinatorBins]float32
	var total float32
	for k, v := range values {
		w := weights[len(values)-1-k]
		bins[min(int(v/most*koordinatorBins), koordinatorBins-1)] += w
		total += w
	}
	var below float32
	for b, w := range bins {
		if below += w; w > 0 && below >= float32(p)*total {
			return float32(b+1) / koordinatorBins * most
		}
	}
	return 0
}
