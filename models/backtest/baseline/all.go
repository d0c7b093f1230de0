package baseline

import (
	"time"

	"github.com/auspex-project/auspex/models/backtest"
)

// Calibrated names the contestants of All that are only meant to be calibrated.
const Calibrated = "M-21|SA"

// All returns every contestant of this package for a horizon.
func All(horizon time.Duration) []backtest.Contestant {
	rc := func(percent int) Summed { return RCLike(percent, googleWindow) }
	return []backtest.Contestant{
		Limit(), BorgDefault(),
		rc(99), rc(95), rc(80), RCLike(99, 7*day), Sigma(3), Sigma(5),
		Max("max-99-5", rc(99), Sigma(5)), Max("max-80-3", rc(80), Sigma(3)),
		Autopilot(), VPA(), Koordinator{},
		Seasonal(1, horizon), Seasonal(7, horizon),
		S(7), S(14), M(14), M(21),
		Together{21, Calibrated},
	}
}
