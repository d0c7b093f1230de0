package page

import (
	"fmt"
	"strings"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/classify"
	"github.com/auspex-project/auspex/models/trial"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/training"
)

// Table is part of a report as rows of text, the header first.
type Table struct {
	Title  string
	Header []string
	Rows   [][]string
}

// Tables returns the report for people: what became of each target, how the
// contestants rated, and what machines would have violated and saved.
func Tables(r *training.Report) []Table {
	verdicts := Table{Title: "What was promoted", Header: []string{"resource", "class", "rows", "fit s", "verdict", "leans most on", "why"}}
	ratings := Table{Title: "Maxima of single workloads: pinball loss (1/1000 of the limit) and coverage", Header: []string{
		"resource", "class", "contestant", "mean", ".5", ".9", ".95", ".98", ".99", ".995", "cover .9", "cover .95", "cover .99", "cover .995"}}
	for _, t := range r.Targets {
		verdicts.Rows = append(verdicts.Rows, []string{t.Resource, t.Class, fmt.Sprint(t.Rows), fmt.Sprintf("%.1f", t.Seconds), verdict(t.Verdict, t.Before), strings.Join(t.LeansOn, ", "), t.Why})
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
		verdicts.Rows = append(verdicts.Rows, []string{p.Resource, "slots", fmt.Sprint(p.Rows), fmt.Sprintf("%.1f", p.Seconds), verdict(p.Verdict, p.Before), "", p.Why})
	}
	verdicts.Rows = append(verdicts.Rows, classification(&r.Classification))
	machines := Table{Title: "Random machines", Header: []string{
		"resource", "members", "contestant", "raw violations", "raw savings", "margin", "violations", "severity", "savings", "of the oracle's"}}
	if len(r.Machines) > 0 && r.Machines[0].Placed {
		machines.Title = "Machines, as the history has them"
	}
	for _, m := range r.Machines {
		if !m.Judged() {
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
	tables = append(tables, machines, misses(r), slots(r), ratings)
	return append(tables, classes(&r.Classification)...)
}

// slots returns how well slots to come were told.
func slots(r *training.Report) Table {
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
			t.Rows = append(t.Rows, append(row, milli(x.Error), percent(m.ViolationRate), fmt.Sprintf("%.3f", m.Savings), fmt.Sprintf("%.3f", x.Machines.SavedAtMatched())))
		}
	}
	return t
}

// misses returns the worst misses of machines.
func misses(r *training.Report) Table {
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

// classification returns what became of the classifier as a row of what was promoted.
func classification(r *training.ClassificationReport) []string {
	return []string{"class", "unlabelled", fmt.Sprint(r.Judged.Workloads), fmt.Sprintf("%.1f", r.Seconds), string(r.Verdict), "", r.Why}
}

// classes returns how good the classes told are.
func classes(r *training.ClassificationReport) []Table {
	spaces := Table{Title: "Classes of unlabelled workloads, on apps held out: share told right, of the answered cases and of all",
		Header: []string{"by", "used", "cases", "answered", "neighbours", "of all", "largest class", "of all", "nearest centroid", "of all"}}
	each := Table{Title: fmt.Sprintf("Classes told at a confidence of %g or more", classify.Confidence),
		Header: []string{"by", "class", "cases", "told", "precision", "recall"}}
	for _, s := range r.Judged.Spaces {
		row := []string{s.Name, yes(s.Used), fmt.Sprint(s.Cases), percent(s.Answered)}
		for _, a := range []classify.Accuracy{s.Neighbours, s.Majority, s.Centroid} {
			row = append(row, percent(a.Answered), percent(a.All))
		}
		spaces.Rows = append(spaces.Rows, row)
		for _, c := range s.Classes {
			each.Rows = append(each.Rows, []string{s.Name, string(c.Class), fmt.Sprint(c.Cases), yes(c.Told), fmt.Sprintf("%.3f", c.Precision), fmt.Sprintf("%.3f", c.Recall)})
		}
	}
	if len(spaces.Rows) == 0 {
		return nil
	}
	return []Table{spaces, each}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func milli(x float64) string   { return fmt.Sprintf("%.2f", 1000*x) }
func percent(x float64) string { return fmt.Sprintf("%.2f %%", 100*x) }
