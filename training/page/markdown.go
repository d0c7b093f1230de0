package page

import (
	"fmt"
	"strings"
	"time"

	"github.com/auspex-project/auspex/models/backtest/plot"
	"github.com/auspex-project/auspex/training"
)

// Markdown returns the whole report as a page of Markdown. Pictures, if the page
// stands beside them, are those Write draws.
func Markdown(r *training.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Training of %s\n\n", r.Started.Format("2006-01-02 15:04"))
	if r.Skipped != "" {
		fmt.Fprintf(&b, "Nothing was learned: %s.\n", r.Skipped)
		return b.String()
	}
	if r.Resumed {
		fmt.Fprintf(&b, "- An interrupted night was gone on with.\n")
	}
	for _, line := range inShort(r) {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	day := func(t time.Time) string { return t.Format("2006-01-02 15:04") }
	fmt.Fprintf(&b, "\n%d workloads, %d samples, read in %.1f s; %.1f s in all. Learned from %s, calibrated from %s, judged from %s to %s on %d workloads. Seed %d.\n",
		r.Workloads, r.Samples, r.ReadSeconds, r.Seconds, day(r.From), day(r.CalibrateFrom), day(r.TestFrom), day(r.To), r.Judged, r.Seed)
	for _, t := range Tables(r) {
		t.markdown(&b)
	}
	for _, m := range r.Machines {
		if !m.Judged() {
			continue
		}
		fmt.Fprintf(&b, "\n## %s of machines\n\n![savings against violations](%s/frontier.svg)\n\n![promised and kept](%s/reliability.svg)\n", m.Resource, m.Resource, m.Resource)
		for _, name := range plot.Names(m.Worst) {
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
func inShort(r *training.Report) []string {
	var lines []string
	for _, w := range r.Warnings {
		lines = append(lines, "**Warning**: "+w)
	}
	for _, gap := range r.Gaps {
		lines = append(lines, "**Gap**: "+gap)
	}
	for _, s := range r.Online {
		if s.Broken != "" {
			lines = append(lines, fmt.Sprintf("**Promise broken in service**: %s of %s by %s, %s", s.Resource, s.Class, s.Model, s.Broken))
		}
	}
	lines = append(lines, decisions(r.Targets)...)
	for _, p := range r.Profiles {
		lines = append(lines, fmt.Sprintf("slots of %s: **%s**, %s", p.Resource, verdict(p.Verdict, p.Before), p.Why))
	}
	for _, m := range r.Machines {
		if !m.Judged() {
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

// decisions says what was decided of learned models. Classes of a resource that have
// none now as before are one line: why each has none is in the table.
func decisions(targets []training.TargetReport) (lines []string) {
	without, last := map[string][]string{}, map[string]int{}
	for i, t := range targets {
		if t.Verdict == training.FellBack && t.Before == "" {
			without[t.Resource] = append(without[t.Resource], t.Class)
		}
		last[t.Resource] = i
	}
	for i, t := range targets {
		if t.Verdict != training.FellBack || t.Before != "" {
			lines = append(lines, fmt.Sprintf("%s of %s: **%s**, %s", t.Resource, t.Class, t.Verdict, t.Why))
		}
		if classes := without[t.Resource]; i == last[t.Resource] && len(classes) > 0 {
			lines = append(lines, fmt.Sprintf("%s of %s: no model yet, as before; each is told from its own past", t.Resource, strings.Join(classes, ", ")))
		}
	}
	return lines
}

// verdict says fallen back of what has served alone.
func verdict(v training.Verdict, before string) string {
	if v == training.FellBack && before == "" {
		return "none yet"
	}
	return string(v)
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
