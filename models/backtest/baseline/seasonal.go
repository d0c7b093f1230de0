package baseline

import (
	"fmt"
	"time"

	"github.com/auspex-project/auspex/models/backtest"
)

// Seasonal predicts that each workload peaks as it did over the same horizon
// some days before (seasonal naive): 1 for yesterday, 7 for last week.
func Seasonal(days int, horizon time.Duration) Summed {
	return Summed{fmt.Sprintf("seasonal-%dd", days), each(func(p *backtest.Panel, t *backtest.Track, origin int) float32 {
		from := origin - days*p.StepsIn(day)
		return t.Max(from, min(from+p.StepsIn(horizon), origin))
	})}
}
