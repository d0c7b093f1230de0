package baseline

import (
	"time"

	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/workload"
)

// Autopilot is the moving-window recommender of Rzadca et al., "Autopilot:
// workload autoscaling at Google scale" (EuroSys'20, section 3.2). CPU, with a
// half-life of 12 h: the mean of batch work, the load-adjusted 95th percentile of
// all other. Memory, with 48 h: the load-adjusted 98th percentile, of batch work,
// which stands an OOM, the larger of the 60th and half the maximum. All times
// 1.10, and at least the maximum of the last hour.
func Autopilot() Summed { return Summed{"autopilot", autopilot} }

const autopilotMargin = 1.10

func autopilot(p *backtest.Panel, t *backtest.Track, origins []int) []float32 {
	out := autopilotWindow(p, t)(p, t, origins)
	for i, origin := range origins {
		out[i] *= autopilotMargin
		if last := t.Max(origin-p.StepsIn(time.Hour), origin); last > out[i] {
			out[i] = last
		}
	}
	return out
}

func autopilotWindow(p *backtest.Panel, t *backtest.Track) estimator {
	batch := t.Class == workload.Batch || t.Class == workload.Cron || t.Class == workload.MLTraining
	byLoad := func(v float64) float64 { return v }
	memory := func(share float64) estimator { return decayedPercentile(1<<16, fine, 48*time.Hour, share, byLoad) }
	switch {
	case isMemory(p.Resource) && batch:
		return halfMaximum(memory(.6))
	case isMemory(p.Resource):
		return memory(.98)
	case batch:
		return decayedMean(12 * time.Hour)
	}
	return decayedPercentile(.001, fine, 12*time.Hour, .95, byLoad)
}

// halfMaximum is at least half of the largest usage ever.
func halfMaximum(of estimator) estimator {
	return func(p *backtest.Panel, t *backtest.Track, origins []int) []float32 {
		out := of(p, t, origins)
		for i, largest := range allTime(p, t, origins) {
			out[i] = max(out[i], largest/2)
		}
		return out
	}
}
