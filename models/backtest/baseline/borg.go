package baseline

import "github.com/auspex-project/auspex/models/backtest"

// BorgDefault predicts nine tenths of the limits, Borg's static overcommit
// (Bashir et al., EuroSys'21, section 5.1).
func BorgDefault() Summed {
	return Summed{"borg-default", each(func(_ *backtest.Panel, t *backtest.Track, origin int) float32 {
		return .9 * t.Limit(origin)
	})}
}
