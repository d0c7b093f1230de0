package baseline

import (
	"fmt"
	"time"

	"github.com/auspex-project/auspex/models/backtest"
)

const day = 24 * time.Hour

// S is the sum of each workload's own maximum over days: no credit for peaks
// that do not fall together.
func S(days int) Summed {
	return Summed{fmt.Sprintf("S-%d", days), each(func(p *backtest.Panel, t *backtest.Track, origin int) float32 {
		return t.Max(origin-days*p.StepsIn(day), origin)
	})}
}

// SA is the sum of each workload's largest usage ever.
func SA() Summed { return Summed{"SA", allTime} }

func allTime(_ *backtest.Panel, t *backtest.Track, origins []int) []float32 {
	out := make([]float32, len(origins))
	done, largest := 0, t.Max(0, 0)
	for i, origin := range origins {
		if v := t.Max(done, origin); !(largest >= v) && v == v {
			largest = v
		}
		done = origin
		out[i] = largest
	}
	return out
}
