package baseline

import (
	"time"

	"github.com/auspex-project/auspex/models/backtest"
)

// Autopilot is the moving-window recommender of Rzadca et al., "Autopilot:
// workload autoscaling at Google scale" (EuroSys'20, section 3.2): for CPU the
// load-adjusted 95th percentile with a half-life of 12 h, for memory the 98th
// with 48 h, times 1.10, at least the maximum of the last hour.
func Autopilot() Summed { return Summed{"autopilot", autopilot} }

func autopilot(p *backtest.Panel, t *backtest.Track, origins []int) []float32 {
	byLoad := func(v float64) float64 { return v }
	percentile := decayedPercentile(.001, fine, 12*time.Hour, .95, byLoad)
	if isMemory(p.Resource) {
		percentile = decayedPercentile(1<<16, fine, 48*time.Hour, .98, byLoad)
	}
	out := percentile(p, t, origins)
	for i, origin := range origins {
		out[i] *= 1.10
		if last := t.Max(origin-p.StepsIn(time.Hour), origin); last > out[i] {
			out[i] = last
		}
	}
	return out
}
