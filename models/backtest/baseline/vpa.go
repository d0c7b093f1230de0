package baseline

import (
	"time"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/backtest"
)

// VPA is the recommender of the Kubernetes vertical pod autoscaler: for CPU the
// 90th percentile with a half-life of 24 h, in buckets growing by 1.05 from .01
// cores; for memory that of the peaks of the last eight days, from 10 MB; the
// bucket's end plus 15 %.
func VPA() Summed { return Summed{"vpa", vpa} }

const (
	vpaMargin   = 1.15
	vpaGrowth   = 1.05
	vpaHalfLife = 24 * time.Hour
	vpaShare    = .9
)

func vpa(p *backtest.Panel, t *backtest.Track, origins []int) []float32 {
	percentile := decayedPercentile(.01, vpaGrowth, vpaHalfLife, vpaShare, nil)
	if isMemory(p.Resource) {
		percentile = each(dailyPeaks)
	}
	out := percentile(p, t, origins)
	for i := range out {
		out[i] *= vpaMargin
	}
	return out
}

func dailyPeaks(p *backtest.Panel, t *backtest.Track, origin int) float32 {
	h := models.NewHistogram(10e6, vpaGrowth, vpaHalfLife)
	steps := p.StepsIn(day)
	for k := 7; k >= 0; k-- {
		if v := t.Max(origin-(k+1)*steps, origin-k*steps); v == v {
			h.Add(p.Time(origin-k*steps), float64(v), 1)
		}
	}
	return float32(h.Quantile(vpaShare))
}
