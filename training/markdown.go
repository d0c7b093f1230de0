package training

import (
	"fmt"
	"strings"
	"time"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/backtest/plot"
	"github.com/auspex-project/auspex/models/trial"
	"github.com/auspex-project/auspex/resource"
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
		"resource", "class", "contestant", "mean", ".5", ".9", ".95", ".98", ".99", ".995", "cover .9", "cover .95", "cover .99", "cover .995"}}
	for _, t := range r.Targets {
		verdicts.Rows = append(verdicts.Rows, []string{t.Resource, t.Class, fmt.Sprint(t.Rows), fmt.Sprintf("%.1f", t.Seconds), string(t.Verdict), t.Why})
		for _, x := range t.Ratings {
			row := []string{t.Resource, t.Class, x.Name, milli(x.Mean)}
			for _, level := range []string{"0.5", "0.9", "0.95", "0.98", "0.99", "0.995"} {
				row = append(row, milli(x.Pinball[level]))
			}
			for _, level := range []string{"0.9", "0.95", "0.99", "0.995"} {
				row = append(row, fmt.Sprintf("%.3f", x.Coverage[level]))
			}
			ratings.Rows = append(ratings.Rows, row)
		}
	}
	for _, p := range r.Profiles {
		verdicts.Rows = append(verdicts.Rows, []string{p.Resource, "slots", fmt.Sprint(p.Rows), fmt.Sprintf("%.1f", p.Seconds), string(p.Verdict), p.Why})
	}
	verdicts.Rows = append(verdicts.Rows, r.Classification.row())
	machines := Table{Title: "Random machines", Header: []string{
		"resource", "members", "contestant", "raw violations", "raw savings", "margin", "violations", "severity", "savings", "of the oracle's"}}
	if len(r.Machines) > 0 && r.Machines[0].Placed {
		machines.Title = "Machines, as the history has them"
	}
	for _, m := range r.Machines {
		if !m.judged() {
			continue
		}
		machines.Rows = append(machines.Rows, []string{m.Resource, fmt.Sprint(m.Members), "oracle", "", "", "", "0 %", "", fmt.Sprintf("%.3f", m.OracleSavings), "1.000"})
		for _, c := range m.Contestants {
			machines.Rows = append(machines.Rows, []string{m.Resource, fmt.Sprint(m.Members), c.Name,
				percent(c.Raw.ViolationRate), fmt.Sprintf("%.3f", c.Raw.Savings), fmt.Sprintf("%.3f", c.Margin),
				percent(c.Calibrated.ViolationRate), percent(c.Calibrated.SeverityMean), fmt.Sprintf("%.3f", c.Calibrated.Savings), fmt.Sprintf("%.3f", c.Calibrated.OracleShare)})
		}
	}
	tables := []Table{verdicts}
	if len(r.Online) > 0 {
		online := Table{Title: "Measured in service over the last two weeks", Header: trial.Header()}
		for _, s := range r.Online {
			online.Rows = append(online.Rows, s.Row())
		}
		tables = append(tables, online)
	}
	tables = append(tables, machines, r.misses(), r.slots(), ratings)
	return append(tables, r.Classification.tables()...)
}

// slots returns how well slots to come were told.
func (r *Report) slots() Table {
	t := Table{Title: "Slots to come: pinball loss of their maxima (1/1000 of the limit), coverage, error of their means, and sums of machines", Header: []string{
		"resource", "told by", "mean", ".5", ".9", ".98", "cover .5", "cover .9", "cover .98", "error", "violations", "savings", "saved at matched violations"}}
	for _, p := range r.Profiles {
		for _, x := range p.Ratings {
			row := []string{p.Resource, x.Name, milli(x.Mean)}
			for _, level := range models.SlotLevels() {
				row = append(row, milli(x.Pinball[trial.LevelKey(level)]))
			}
			for _, level := range models.SlotLevels() {
				row = append(row, fmt.Sprintf("%.3f", x.Coverage[trial.LevelKey(level)]))
			}
			m := x.Machines.Calibrated
			t.Rows = append(t.Rows, append(row, milli(x.Error), percent(m.ViolationRate), fmt.Sprintf("%.3f", m.Savings), fmt.Sprintf("%.3f", x.Machines.savedAtMatched())))
		}
	}
	return t
}

// misses returns the worst misses of machines.
func (r *Report) misses() Table {
	t := Table{Title: "The largest misses of machines over the test days", Header: []string{
		"resource", "machine", "predicted at", "members", "predicted", "came", "under by", "most surprising", "which had used", "and came to"}}
	for _, m := range r.Machines {
		n := resource.Name(m.Resource)
		amount := func(v float32) string { return resource.FormatAmount(n, float64(v)) }
		for _, x := range m.Misses {
			surprise := []string{"none: they peaked together", "", ""}
			if x.Surprise != "" {
				surprise = []string{x.Surprise, amount(x.Before), amount(x.After)}
			}
			t.Rows = append(t.Rows, append([]string{m.Resource, x.Machine, x.At.Format("Mon 2006-01-02 15:04"), fmt.Sprint(x.Members), amount(x.Predicted), amount(x.Actual),
				percent(float64(x.Severity))}, surprise...))
		}
	}
	return t
}

// Markdown returns the whole report as a page of Markdown. Pictures, if the page
// stands beside them, are those WritePage draws.
func (r *Report) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Training of %s\n\n", r.Started.Format("2006-01-02 15:04"))
	if r.Skipped != "" {
		fmt.Fprintf(&b, "Nothing was learned: %s.\n", r.Skipped)
		return b.String()
	}
	if r.Resumed {
		fmt.Fprintf(&b, "- An interrupted night was gone on with.\n")
	}
	for _, line := range r.inShort() {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	day := func(t time.Time) string { return t.Format("2006-01-02 15:04") }
	fmt.Fprintf(&b, "\n%d workloads, %d samples, read in %.1f s; %.1f s in all. Learned from %s, calibrated from %s, judged from %s to %s on %d workloads. Seed %d.\n",
		r.Workloads, r.Samples, r.ReadSeconds, r.Seconds, day(r.From), day(r.CalibrateFrom), day(r.TestFrom), day(r.To), r.Judged, r.Seed)
	for _, t := range r.Tables() {
		t.markdown(&b)
	}
	for _, m := range r.Machines {
		if !m.judged() {
			continue
		}
		fmt.Fprintf(&b, "\n## %s of machines\n\n![savings against violations](%s/frontier.svg)\n\n![promised and kept](%s/reliability.svg)\n", m.Resource, m.Resource, m.Resource)
		for _, name := range plot.Names(m.worst) {
			fmt.Fprintf(&b, "\n![one of the worst misses](%s/%s.svg)\n", m.Resource, name)
		}
	}
	fmt.Fprintf(&b, "\nPriors: %s (%s). Margins: %s (%s).\n", r.Prior.ID, r.Prior.Why, r.Margins.ID, r.Margins.Why)
	if text := r.Pruned.String(); text != "" {
		fmt.Fprintf(&b, "\nPruned: %s.\n", text)
	}
	return b.String()
}

// inShort says what mattered this night.
func (r *Report) inShort() []string {
	var lines []string
	for _, w := range r.Warnings {
		lines = append(lines, "**Warning**: "+w)
	}
	for _, s := range r.Online {
		if s.Broken != "" {
			lines = append(lines, fmt.Sprintf("**Promise broken in service**: %s of %s by %s, %s", s.Resource, s.Class, s.Model, s.Broken))
		}
	}
	for _, t := range r.Targets {
		lines = append(lines, fmt.Sprintf("%s of %s: **%s**, %s", t.Resource, t.Class, t.Verdict, t.Why))
	}
	for _, p := range r.Profiles {
		lines = append(lines, fmt.Sprintf("slots of %s: **%s**, %s", p.Resource, p.Verdict, p.Why))
	}
	for _, m := range r.Machines {
		if !m.judged() {
			lines = append(lines, fmt.Sprintf("%s of machines: nothing to judge by, no machine had a workload with a history in the test days", m.Resource))
			continue
		}
		ours, best := &m.Contestants[0], &m.Contestants[0]
		for i := range m.Contestants {
			c := &m.Contestants[i]
			if c.Calibrated.ViolationRate <= m.Risk && (best.Calibrated.ViolationRate > m.Risk || c.Calibrated.Savings > best.Calibrated.Savings) {
				best = c
			}
		}
		line := fmt.Sprintf("%s of machines at a nominal %g %% of violations: %s came, saving %.1f %% of the limits where foresight saves %.1f %%",
			m.Resource, 100*m.Risk, percent(ours.Calibrated.ViolationRate), 100*ours.Calibrated.Savings, 100*m.OracleSavings)
		if best != ours {
			line += fmt.Sprintf("; **%s saves more**, %.1f %% at %s", best.Name, 100*best.Calibrated.Savings, percent(best.Calibrated.ViolationRate))
		}
		lines = append(lines, line)
	}
	return lines
}

func (t Table) markdown(b *strings.Builder) {
	if len(t.Rows) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n%s|%s\n", t.Title, markdownRow(t.Header), strings.Repeat("---|", len(t.Header)))
	for _, row := range t.Rows {
		b.WriteString(markdownRow(row))
	}
}

// cell keeps what would end a cell or a row from doing so.
var cell = strings.NewReplacer("|", `\|`, "\n", " ")

func markdownRow(cells []string) string {
	row := "|"
	for _, c := range cells {
		row += " " + cell.Replace(c) + " |"
	}
	return row + "\n"
}

func milli(x float64) string   { return fmt.Sprintf("%.2f", 1000*x) }
func percent(x float64) string { return fmt.Sprintf("%.2f %%", 100*x) }
