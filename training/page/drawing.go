package page

import (
	"fmt"
	"time"

	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/models/trial"
	"github.com/auspex-project/auspex/training"
)

// drawing returns what came of machines as plots want it: a backtest.
func drawing(r *training.MachineReport, horizon time.Duration) *backtest.Report {
	b := &backtest.Report{Resource: r.Resource, Horizon: fmt.Sprintf("%gh", horizon.Hours()), Group: r.Members, OracleSavings: r.OracleSavings, TestWindows: r.Cases, Machines: r.Machines, Risk: r.Risk}
	for _, c := range r.Contestants {
		p := func(s backtest.Score, calibrated bool) backtest.Predictor {
			return backtest.Predictor{Name: c.Name, Calibrated: calibrated, ViolationRate: s.ViolationRate, Savings: s.Savings, SavingsAt: c.SavingsAt,
				Coverage: backtest.Coverage{Level: map[string]backtest.Covered{}}}
		}
		calibrated := p(c.Calibrated, true)
		for _, rate := range training.NominalRates() {
			if v, ok := c.Violations[trial.LevelKey(rate)]; ok {
				calibrated.Coverage.Level[trial.LevelKey(1-rate)] = backtest.Covered{Windows: r.Cases, Share: 1 - v}
			}
		}
		b.Predictors = append(b.Predictors, p(c.Raw, false), calibrated)
	}
	return b
}
