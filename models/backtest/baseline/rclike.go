package baseline

import (
	"fmt"
	"math"
	"time"

	"github.com/auspex-project/auspex/models/backtest"
)

// googleWindow and coldSamples are how far Google's peak predictors look back, and
// the samples before which a task counts as its limit (Bashir et al., EuroSys'21,
// section 5).
const (
	googleWindow = 10 * time.Hour
	coldSamples  = 24
)

// RCLike adds up a percentile of each workload's usage over limit, times its
// limit now, as Resource Central would (Bashir et al., EuroSys'21, section 4.2).
func RCLike(percent int, window time.Duration) Summed {
	name := fmt.Sprintf("rc-like-%d", percent)
	if window != googleWindow {
		name += fmt.Sprintf("-%dh", int(window/time.Hour))
	}
	return Summed{name, func(p *backtest.Panel, t *backtest.Track, origins []int) []float32 {
		return percentilesOver(t, origins, p.StepsIn(window), float64(percent)/100)
	}}
}

// shareBins is how finely usage over limit is told apart.
const shareBins = 2000

// percentilesOver returns at each origin the p-quantile of usage over limit in the
// steps before it, times the limit then; NaN for a cold workload.
func percentilesOver(t *backtest.Track, origins []int, steps int, p float64) []float32 {
	caps := t.Caps()
	bin := func(i int) int {
		v, most := t.At(i), float32(0)
		if v == v {
			most = caps[i-t.First()]
		}
		if most <= 0 {
			return -1
		}
		return min(int(v/most*shareBins), shareBins-1)
	}
	var bins [shareBins]int
	out := make([]float32, len(origins))
	count, seen := 0, 0 // in the window, and ever
	from, to := t.First(), t.First()
	for k, origin := range origins {
		for ; to < min(origin, t.End()); to++ {
			if b := bin(to); b >= 0 {
				bins[b]++
				count++
				seen++
			}
		}
		for ; from < min(origin-steps, to); from++ {
			if b := bin(from); b >= 0 {
				bins[b]--
				count--
			}
		}
		out[k] = float32(math.NaN())
		if count == 0 || seen < coldSamples {
			continue
		}
		above := count - max(int(math.Ceil(p*float64(count))), 1)
		b := shareBins - 1
		for n := bins[b]; n <= above; n += bins[b] {
			b--
		}
		out[k] = float32(b+1) / shareBins * t.Limit(origin)
	}
	return out
}
