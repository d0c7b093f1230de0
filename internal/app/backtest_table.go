package app

import (
	"fmt"
	"io"

	"github.com/auspex-project/auspex/internal/app/output"
	"github.com/auspex-project/auspex/models/backtest"
)

// backtestTable shows a report to people.
type backtestTable struct{ *backtest.Report }

func (t backtestTable) WriteTable(w io.Writer) error {
	fmt.Fprintf(w, "%s: %s over %s, machines of %d, %d workloads on %d machines\n", t.Trace, t.Resource, t.Horizon, t.Group, t.Workloads, t.Machines)
	fmt.Fprintf(w, "tested from %s to %s: %d windows; the oracle saves %.3f\n", t.TestFrom.Format("2006-01-02"), t.TestTo.Format("2006-01-02"), t.TestWindows, t.OracleSavings)
	fmt.Fprintf(w, "calibrated for %g %% violations; savings @ are at matched rates, scaled on the test itself\n\n", 100*t.Risk)
	grid := output.Grid{Header: []string{"predictor", "calibrated", "violations", "95 %", "severity", "p99", "savings", "95 %", "of oracle", "@.1%", "@1%", "@2%", "@5%", "train s", "µs"}}
	for _, p := range t.Predictors {
		calibrated := "-"
		if p.Calibrated {
			calibrated = "yes"
		}
		grid.Add(p.Name, calibrated,
			percent(p.ViolationRate), percent(p.ViolationRateInterval[0])+"-"+percent(p.ViolationRateInterval[1]), share(p.SeverityMean), share(p.SeverityP99),
			share(p.Savings), share(p.SavingsInterval[0])+"-"+share(p.SavingsInterval[1]), share(p.OracleShare),
			share(p.SavingsAt["0.001"]), share(p.SavingsAt["0.01"]), share(p.SavingsAt["0.02"]), share(p.SavingsAt["0.05"]),
			fmt.Sprintf("%.1f", p.TrainSeconds), fmt.Sprintf("%.1f", p.PredictMicrosPerWorkload))
	}
	if err := grid.WriteTable(w); err != nil {
		return err
	}
	if c := t.ColdStart; c != nil {
		fmt.Fprintf(w, "\ncold start, workloads never seen and younger than 2 h: %s violations at %.3f saved, %.3f with their past; the oracle %.3f (%d windows)\n",
			percent(c.ViolationRate), c.Savings, c.WarmSavings, c.OracleSavings, c.Windows)
	}
	return nil
}

func percent(x float64) string { return fmt.Sprintf("%.2f%%", 100*x) }
func share(x float64) string   { return fmt.Sprintf("%.3f", x) }
