package training

import (
	"fmt"
	"strings"
	"time"
)

// Table is part of a report as rows of text, the header first.
type Table struct {
	Title  string
	Header []string
	Rows   [][]string
}

// Tables returns the report for people: what became of each target, how the
// contestants rated, and what machines would have violated and saved.
func (r *Report) Tables() []Table {
	verdicts := Table{Title: "What was promoted", Header: []string{"resource", "class", "rows", "fit s", "verdict", "why"}}
	ratings := Table{Title: "Maxima of single workloads: pinball loss (1/1000 of the limit) and coverage", Header: []string{
		"resource", "class", "contestant", "mean", ".5", ".9", ".95", ".98", ".99", "cover .9", "cover .95", "cover .99"}}
	for _, t := range r.Targets {
		verdicts.Rows = append(verdicts.Rows, []string{t.Resource, t.Class, fmt.Sprint(t.Rows), fmt.Sprintf("%.1f", t.Seconds), string(t.Verdict), t.Why})
		for _, x := range t.Ratings {
			row := []string{t.Resource, t.Class, x.Name, milli(x.Mean)}
			for _, level := range []string{"0.5", "0.9", "0.95", "0.98", "0.99"} {
				row = append(row, milli(x.Pinball[level]))
			}
			for _, level := range []string{"0.9", "0.95", "0.99"} {
				row = append(row, fmt.Sprintf("%.3f", x.Coverage[level]))
			}
			ratings.Rows = append(ratings.Rows, row)
		}
	}
	verdicts.Rows = append(verdicts.Rows, r.Classification.row())
	machines := Table{Title: "Random machines", Header: []string{
		"resource", "members", "contestant", "raw violations", "raw savings", "margin", "violations", "severity", "savings", "of the oracle's"}}
	if len(r.Machines) > 0 && r.Machines[0].Placed {
		machines.Title = "Machines, as the history has them"
	}
	for _, m := range r.Machines {
		machines.Rows = append(machines.Rows, []string{m.Resource, fmt.Sprint(m.Members), "oracle", "", "", "", "0 %", "", fmt.Sprintf("%.3f", m.OracleSavings), "1.000"})
		for _, c := range m.Contestants {
			machines.Rows = append(machines.Rows, []string{m.Resource, fmt.Sprint(m.Members), c.Name,
				percent(c.Raw.ViolationRate), fmt.Sprintf("%.3f", c.Raw.Savings), fmt.Sprintf("%.3f", c.Margin),
				percent(c.Calibrated.ViolationRate), percent(c.Calibrated.SeverityMean), fmt.Sprintf("%.3f", c.Calibrated.Savings), fmt.Sprintf("%.3f", c.Calibrated.OracleShare)})
		}
	}
	return append([]Table{verdicts, ratings, machines}, r.Classification.tables()...)
}

// Markdown returns the whole report as a page of Markdown.
func (r *Report) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Training of %s\n\n", r.Started.Format("2006-01-02 15:04"))
	if r.Skipped != "" {
		fmt.Fprintf(&b, "Nothing was learned: %s.\n", r.Skipped)
		return b.String()
	}
	day := func(t time.Time) string { return t.Format("2006-01-02 15:04") }
	fmt.Fprintf(&b, "%d workloads, %d samples, read in %.1f s; %.1f s in all. Learned from %s, calibrated from %s, judged from %s to %s on %d workloads. Seed %d.\n",
		r.Workloads, r.Samples, r.ReadSeconds, r.Seconds, day(r.From), day(r.CalibrateFrom), day(r.TestFrom), day(r.To), r.Judged, r.Seed)
	for _, w := range r.Warnings {
		fmt.Fprintf(&b, "\nWarning: %s\n", w)
	}
	for _, t := range r.Tables() {
		t.markdown(&b)
	}
	fmt.Fprintf(&b, "\nPriors: %s (%s). Margins: %s (%s).\n", r.Prior.ID, r.Prior.Why, r.Margins.ID, r.Margins.Why)
	return b.String()
}

func (t Table) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n| %s |\n|%s\n", t.Title, strings.Join(t.Header, " | "), strings.Repeat("---|", len(t.Header)))
	for _, row := range t.Rows {
		fmt.Fprintf(b, "| %s |\n", strings.Join(row, " | "))
	}
}

func milli(x float64) string   { return fmt.Sprintf("%.2f", 1000*x) }
func percent(x float64) string { return fmt.Sprintf("%.2f %%", 100*x) }
