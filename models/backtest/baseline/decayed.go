package baseline

import (
	"math"
	"time"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/resource"
)

// fine is a bucket growth that rounding to buckets does not show with.
const fine = 1.01

// decayedPercentile estimates the share-percentile of usage whose weight halves
// every half. weigh, if not nil, says what else a value counts for.
func decayedPercentile(first, growth float64, half time.Duration, share float64, weigh func(v float64) float64) estimator {
	return func(p *backtest.Panel, t *backtest.Track, origins []int) []float32 {
		h := models.NewHistogram(first, growth, half)
		out := make([]float32, len(origins))
		done := t.First()
		for i, origin := range origins {
			for ; done < min(origin, t.End()); done++ {
				v := float64(t.At(done))
				if v != v {
					continue
				}
				weight := 1.0
				if weigh != nil {
					weight = weigh(v)
				}
				h.Add(p.Time(done), v, weight)
			}
			out[i] = float32(h.Quantile(share))
		}
		return out
	}
}

// decayedMean is the mean of usage whose weight halves every half.
func decayedMean(half time.Duration) estimator {
	return func(p *backtest.Panel, t *backtest.Track, origins []int) []float32 {
		out := make([]float32, len(origins))
		keep := math.Exp2(-float64(p.Step) / float64(half))
		var sum, weight float64
		done := t.First()
		for i, origin := range origins {
			for ; done < min(origin, t.End()); done++ {
				sum, weight = sum*keep, weight*keep
				if v := float64(t.At(done)); v == v {
					sum, weight = sum+v, weight+1
				}
			}
			out[i] = float32(sum / weight)
		}
		return out
	}
}

// isMemory reports whether what overruns n kills instead of slowing down.
func isMemory(n resource.Name) bool { return n == resource.Memory || n == resource.GPUMemory }
