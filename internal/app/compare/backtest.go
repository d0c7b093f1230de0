package compare

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/auspex-project/auspex/datasets"
	"github.com/auspex-project/auspex/internal/app/misuse"
	"github.com/auspex-project/auspex/internal/app/output"
	"github.com/auspex-project/auspex/internal/app/progress"
	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/models/backtest/baseline"
	"github.com/auspex-project/auspex/models/backtest/learned"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// BacktestRequest says what to compare predictors on.
type BacktestRequest struct {
	Traces       []string // FORMAT:PATH; several are parts of one trace
	Resource     string
	Protocol     backtest.Protocol
	MostPerTrace int    // workloads drawn of a larger trace, 0 = all
	Plot         string // folder to write plots to, "" = none
}

// backtestStep is the grid usage is compared on.
const backtestStep = 5 * time.Minute

// Backtest compares our model with every baseline on recorded traces and prints
// what came of each.
func Backtest(ctx context.Context, stdio output.IO, r BacktestRequest, format output.Format) error {
	name := resource.Name(r.Resource)
	if err := name.Validate(); err != nil {
		return misuse.Errorf("backtest: --resource: %v", err)
	}
	if err := r.Protocol.Validate(); err != nil {
		return misuse.Error{Reason: err.Error()}
	}
	if r.Plot != "" { // before a long wait, not after it
		if err := os.MkdirAll(r.Plot, 0o755); err != nil {
			return fmt.Errorf("backtest: plots: %w", err)
		}
	}
	var traces []*datasets.Usage
	for _, trace := range r.Traces {
		ref, err := misuse.Trace(trace)
		if err != nil {
			return err
		}
		usage, err := datasets.OpenUsage(ref, datasets.Options{})
		if err != nil {
			return err
		}
		traces = append(traces, usage)
	}
	if err := holds(traces, name); err != nil {
		return err
	}
	panel, workloads, bad, err := readPanel(ctx, stdio, traces, name, r)
	bad.tell(stdio.Err, "backtest")
	if err != nil {
		return err
	}
	if workloads > len(panel.Tracks) {
		fmt.Fprintf(stdio.Err, "backtest: %d of %d workloads drawn by the seed (--workloads 0 takes all)\n", len(panel.Tracks), workloads)
	}
	r.Protocol.OnProgress = progress.Phases(stdio.Err)
	setting, err := r.Protocol.Set(panel)
	if err != nil {
		return err
	}
	model, err := learned.Fit(ctx, setting, learned.Options{})
	if err != nil {
		return fmt.Errorf("backtest: fit: %w", err)
	}
	contestants := append(baseline.All(setting.Horizon), model)
	report, _, err := setting.Evaluate(ctx, contestants, baseline.Calibrated, learned.Name)
	if err != nil {
		return err
	}
	if report.ColdStart, err = setting.ColdStart(ctx, model, model.Newborn(), model.Unseen()); err != nil {
		return err
	}
	report.Trace = strings.Join(r.Traces, " ")
	if err := output.Write(stdio.Out, format, report, backtestTable{report}); err != nil || r.Plot == "" {
		return err
	}
	return plotBacktest(ctx, stdio.Err, r.Plot, setting, model, report)
}

// holds returns an error if none of the traces can hold n.
func holds(traces []*datasets.Usage, n resource.Name) error {
	var all []string
	for _, trace := range traces {
		resources := trace.Resources()
		if len(resources) == 0 || slices.Contains(resources, n) { // none: known only from its samples
			return nil
		}
		for _, r := range resources {
			all = append(all, string(r))
		}
	}
	slices.Sort(all)
	return misuse.Errorf("backtest: --resource %s: the trace holds no usage of %s (it has %s)", n, n, strings.Join(slices.Compact(all), ", "))
}

// readPanel reads the traces one after the other.
func readPanel(ctx context.Context, stdio output.IO, traces []*datasets.Usage, n resource.Name, r BacktestRequest) (p *backtest.Panel, workloads int, bad badRows, err error) {
	bar := progress.New(stdio.Err, "read", "samples", 0)
	var read int64
	samples := func(yield func(timeseries.Sample, error) bool) {
		for _, trace := range traces {
			for s, err := range trace.Samples(ctx) {
				if bad.note(err) {
					continue
				}
				if read++; read%progressEvery == 0 {
					done, total := trace.Progress()
					bar.Share(read, done, total)
				}
				if !yield(s, err) || err != nil {
					return
				}
			}
		}
	}
	p, workloads, err = backtest.ReadPanel(iter.Seq2[timeseries.Sample, error](samples), n, backtestStep, r.MostPerTrace, r.Protocol.Seed)
	if err != nil {
		return nil, 0, bad, fmt.Errorf("backtest: %w", err)
	}
	bar.Done(read)
	if p.Strays > 0 {
		bad.add(p.Strays, errors.New(p.Stray))
	}
	return p, workloads, bad, nil
}

// progressEvery is how many samples are read between two reports of progress.
const progressEvery = 1 << 16
