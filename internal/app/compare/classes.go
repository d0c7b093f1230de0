package compare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/auspex-project/auspex/datasets"
	"github.com/auspex-project/auspex/internal/app/misuse"
	"github.com/auspex-project/auspex/internal/app/output"
	"github.com/auspex-project/auspex/models/classify/contest"
)

// ClassesRequest says what to tell the classes of, and how it is judged.
type ClassesRequest struct {
	Trace     string        // FORMAT:PATH
	Questions []string      // by name, none = all the trace can answer
	Ahead     time.Duration // how far utilisation is told
	Options   contest.Options
}

// classesReport is what `backtest classes` prints.
type classesReport struct {
	Trace   string             `json:"trace"`
	Results []*contest.Verdict `json:"results"`
	// Skipped are the questions the trace holds too few cases of.
	Skipped []string `json:"skipped,omitempty"`
}

// Classes judges on a recorded trace how well classes are told ahead.
func Classes(ctx context.Context, stdio output.IO, r ClassesRequest, format output.Format) error {
	ref, err := misuse.Trace(r.Trace)
	if err != nil {
		return err
	}
	questions, err := classQuestions(ctx, stdio, ref, r)
	if err != nil {
		return fmt.Errorf("backtest classes: %w", err)
	}
	report := classesReport{Trace: r.Trace}
	var known []string
	for _, q := range questions {
		known = append(known, q.Name)
		if len(r.Questions) > 0 && !slices.Contains(r.Questions, q.Name) {
			continue
		}
		fmt.Fprintf(stdio.Err, "judge: %s, %d cases\n", q.Name, len(q.Cases))
		v, err := contest.Judge(ctx, q, r.Options)
		switch few := (contest.TooFewError{}); {
		case errors.As(err, &few):
			report.Skipped = append(report.Skipped, few.Error())
		case err != nil:
			return fmt.Errorf("backtest classes: %w", err)
		default:
			report.Results = append(report.Results, v)
		}
	}
	for _, name := range r.Questions {
		if !slices.Contains(known, name) {
			return misuse.Errorf("backtest classes: --question %s: this trace can be asked %s", name, strings.Join(known, ", "))
		}
	}
	if len(report.Results) == 0 {
		return fmt.Errorf("backtest classes: %s: too little to judge: %s (a longer trace, or with usage a shorter --ahead, has more cases)", r.Trace, strings.Join(report.Skipped, "; "))
	}
	return output.Write(stdio.Out, format, report, classesTable(report))
}

// classQuestions reads what the trace can be asked.
func classQuestions(ctx context.Context, stdio output.IO, ref datasets.Ref, r ClassesRequest) ([]*contest.Question, error) {
	var questions []*contest.Question
	fleet, noFleet := datasets.OpenFleet(ref, datasets.Options{})
	if noFleet == nil && fleet.HasArrivals() {
		var bad badRows
		a, err := contest.ReadArrivals(fleet.Arrivals(ctx), bad.note)
		bad.tell(stdio.Err, "backtest classes: arrivals")
		if err != nil {
			return nil, err
		}
		questions = append(questions, a.Questions(ref.Format)...)
	}
	usage, noUsage := datasets.OpenUsage(ref, datasets.Options{})
	if noUsage == nil {
		for _, n := range usage.Resources() {
			var bad badRows
			s, err := contest.ReadSpans(usage.Samples(ctx), n, r.Ahead, bad.note)
			bad.tell(stdio.Err, fmt.Sprintf("backtest classes: %s", n))
			if err != nil {
				return nil, err
			}
			questions = append(questions, s.Utilisation(n)...)
		}
	}
	switch {
	case noFleet != nil && noUsage != nil:
		return nil, noUsage
	case len(questions) == 0:
		return nil, fmt.Errorf("%s lists neither arrivals nor usage", ref)
	}
	return questions, nil
}

// classesTable shows a report to people.
type classesTable classesReport

// WriteTable implements output.Tabler.
func (t classesTable) WriteTable(w io.Writer) error {
	for i, v := range t.Results {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s: %s, %d cases before %s, %d judged up to %s; %s would serve\n",
			t.Trace, v.Question, v.Before, v.TestFrom.Format("2006-01-02 15:04"), v.Tested, v.To.Format("2006-01-02 15:04"), v.Chosen)
		if err := scoresGrid(v).WriteTable(w); err != nil {
			return err
		}
		fmt.Fprintf(w, "\n%s, class by class (true classes down, what was told across):\n", v.Chosen)
		if err := confusionGrid(v).WriteTable(w); err != nil {
			return err
		}
	}
	for _, why := range t.Skipped {
		fmt.Fprintln(w, "\nnot judged:", why)
	}
	return nil
}

// scoresGrid is a row a contestant; "sure" is with enough confidence.
func scoresGrid(v *contest.Verdict) *output.Grid {
	g := &output.Grid{Header: []string{"contestant", "right", "before", "sure", "right when sure", "fit s", "µs"}}
	for _, s := range v.Contestants {
		g.Add(s.Name, percent(s.Accuracy), percent(s.Before), percent(s.Answered), percent(s.AnsweredAccuracy),
			fmt.Sprintf("%.1f", s.FitSeconds), fmt.Sprintf("%.0f", s.TellMicros))
	}
	return g
}

// confusionGrid is a row a true class, of the contestant that would serve.
func confusionGrid(v *contest.Verdict) *output.Grid {
	header := append([]string{"class"}, v.Classes...)
	g := &output.Grid{Header: append(header, "precision", "recall", "sure precision", "sure recall")}
	for _, s := range v.Contestants {
		if s.Name != v.Chosen {
			continue
		}
		for _, c := range s.Classes {
			row := []any{c.Class}
			for _, told := range v.Classes {
				row = append(row, s.Confusion[c.Class][told])
			}
			g.Add(append(row, share(c.Precision), share(c.Recall), share(c.SurePrecision), share(c.SureRecall))...)
		}
	}
	return g
}
