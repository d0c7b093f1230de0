package baseline

import (
	"math"

	"github.com/auspex-project/auspex/models/backtest"
)

// Limit predicts that every workload uses all it may.
func Limit() Summed {
	return Summed{"limit", each(func(*backtest.Panel, *backtest.Track, int) float32 { return float32(math.NaN()) })}
}
