package compare

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/auspex-project/auspex/internal/app/output"
	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/models/backtest/learned"
)

// backtestTable shows a report to people.
type backtestTable struct{ *backtest.Report }

func (t backtestTable) WriteTable(w io.Writer) error {
	machines := fmt.Sprintf("machines of %d", t.Group)
	if t.Group == 0 {
		machines = "the trace's own machines"
	}
	fmt.Fprintf(w, "%s: %s over %s, %s; workloads: %d, machines: %d\n", t.Trace, t.Resource, t.Horizon, machines, t.Workloads, t.Machines)
	fmt.Fprintf(w, "tested from %s to %s: %d windows; the oracle saves %.3f\n", t.TestFrom.Format("2006-01-02"), t.TestTo.Format("2006-01-02"), t.TestWindows, t.OracleSavings)
	fmt.Fprintf(w, "calibrated for %g %% violations; savings @ are at matched rates, scaled on the test itself\n\n", 100*t.Risk)
	for _, note := range t.Notes {
		fmt.Fprintf(w, "note: %s\n\n", note)
	}
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
	if err := t.writeCalibration(w); err != nil {
		return err
	}
	if c := t.ColdStart; c != nil {
		fmt.Fprintf(w, "\ncold start, workloads never seen and younger than 2 h: %s violations at %.3f saved, %.3f with their past; the oracle %.3f (%d windows)\n",
			percent(c.ViolationRate), c.Savings, c.WarmSavings, c.OracleSavings, c.Windows)
	}
	return nil
}

// promised are the coverages whose keeping is shown, by falling risk.
var promised = [...]string{"0.9", "0.95", "0.98", "0.99"}

// writeCalibration shows how well our own promises were kept, week by week.
func (t backtestTable) writeCalibration(w io.Writer) error {
	for _, p := range t.Predictors {
		if p.Name != learned.Name || !p.Calibrated {
			continue
		}
		fmt.Fprintf(w, "\nviolations of %s by nominal rate, over the test and by seven days of it\n\n", p.Name)
		grid := output.Grid{Header: []string{"nominal", "violations", "off", "95 %", "by 7 days"}}
		for _, key := range promised {
			c, ok := p.Coverage.Level[key]
			level, err := strconv.ParseFloat(key, 64)
			if !ok || err != nil || c.Interval == nil {
				continue
			}
			var weeks []string
			for _, week := range c.Week {
				weeks = append(weeks, percent(1-week.Share))
			}
			grid.Add(percent(1-level), percent(1-c.Share), percent(c.Off), percent(1-c.Interval[1])+"-"+percent(1-c.Interval[0]), strings.Join(weeks, " "))
		}
		return grid.WriteTable(w)
	}
	return nil
}

func percent(x float64) string { return fmt.Sprintf("%.2f%%", 100*x) }
func share(x float64) string   { return fmt.Sprintf("%.3f", x) }
