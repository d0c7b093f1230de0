package app

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/auspex-project/auspex/datasets"
	"github.com/auspex-project/auspex/internal/app/misuse"
	"github.com/auspex-project/auspex/internal/app/output"
	"github.com/auspex-project/auspex/internal/app/progress"
	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/timeseries"
)

// imported is what an import did.
type imported struct {
	Trace          string   `json:"trace"`
	Source         string   `json:"source"` // label of its samples in the store
	Synthetic      bool     `json:"synthetic"`
	RowsWritten    int64    `json:"rows_written"`
	RowsRefused    int64    `json:"rows_refused"`
	Refusals       []string `json:"refusals"` // the first few
	SamplesInStore int64    `json:"samples_in_store"`
	Seconds        float64  `json:"seconds"`
	RowsPerSecond  float64  `json:"rows_per_second"`

	last time.Time // of all samples
}

// ImportRequest is what the import subcommand was asked.
type ImportRequest struct {
	Trace  string // FORMAT:PATH
	EndNow bool   // shift the trace so that it ends now
}

// shownRefusals is how many refused rows an import names.
const shownRefusals = 10

// Import copies a trace into the history store. A bad row is refused with its
// place and the rest goes on. Importing again changes nothing, with EndNow either: it is
// moved then as it was before.
func Import(ctx context.Context, stdio IO, configPath string, r ImportRequest, format output.Format) (err error) {
	c, err := LoadConfig(configPath)
	if err != nil {
		return err
	}
	usage, err := openTrace(r.Trace)
	if err != nil {
		return err
	}
	history, err := openHistory(ctx, c.Store)
	if err != nil {
		return err
	}
	defer closing(&err, "history store", history.Close)
	samples, latest := usage.Samples(ctx), time.Now().Add(c.Collector.MaxClockSkew)
	hint := "are the times right? --end-now moves the trace to end now"
	if r.EndNow {
		hint = "so it would be if the trace, but for a few such samples, ended now: is its time right?"
		var why string
		if samples, why, err = endingNow(ctx, history, usage, latest); err != nil {
			return fmt.Errorf("import %s: %w", r.Trace, err)
		}
		if why != "" {
			fmt.Fprintln(stdio.Err, why)
		}
	}

	result := imported{Trace: r.Trace, Source: usage.Label(), Synthetic: usage.Synthetic(), Refusals: []string{}}
	_, total := usage.Progress()
	bar := progress.New(stdio.Err, "import "+r.Trace, "samples", 0)
	started := time.Now()
	result.RowsWritten, err = store.Copy(ctx, history, goodRows(samples, latest, hint, &result), store.CopyOptions{
		Progress: func(written int64) {
			done, _ := usage.Progress()
			bar.Share(written, done, total)
		},
	})
	if err != nil {
		return fmt.Errorf("import %s: %w (%d rows were written before; importing again writes none twice)", r.Trace, err, result.RowsWritten)
	}
	bar.Done(result.RowsWritten)
	result.Seconds = time.Since(started).Seconds()
	result.RowsPerSecond = float64(result.RowsWritten) / max(result.Seconds, 1e-9)
	if result.SamplesInStore, err = history.Count(ctx, store.Query{Sources: []string{result.Source}}); err != nil {
		return err
	}
	if err := output.Write(stdio.Out, format, result, result.table()); err != nil {
		return err
	}
	if result.RowsWritten == 0 {
		return fmt.Errorf("import %s: no row could be used", r.Trace)
	}
	if keep := c.Store.Retention; keep > 0 && result.last.Before(time.Now().Add(-keep)) {
		fmt.Fprintf(stdio.Err, "warning: the trace ends %s, beyond store.retention: 'auspex serve' will delete it (set store.retention: 0, or import with --end-now)\n",
			result.last.UTC().Format(time.DateOnly))
	}
	return nil
}

// goodRows passes on the good rows of samples and notes the bad ones, those of
// the future among them, with a hint: nights would take the newest sample for today.
func goodRows(samples iter.Seq2[timeseries.Sample, error], latest time.Time, hint string, result *imported) iter.Seq2[timeseries.Sample, error] {
	return func(yield func(timeseries.Sample, error) bool) {
		for s, err := range samples {
			var bad *datasets.RowError
			if errors.As(err, &bad) {
				result.refuse(bad.Error())
				continue
			}
			if err == nil && s.Time.UnixMilli() <= 0 { // readers refuse such times, but the trace may have been moved
				result.refuse(fmt.Sprintf("sample of %s: %s is not after 1970", s.Key.Workload, s.Time.UTC().Format(time.RFC3339)))
				continue
			}
			if err == nil && s.Time.After(latest) {
				result.refuse(fmt.Sprintf("sample of %s: %s is in the future (%s)", s.Key.Workload, s.Time.UTC().Format(time.RFC3339), hint))
				continue
			}
			if s.Time.After(result.last) {
				result.last = s.Time
			}
			if !yield(s, err) || err != nil {
				return
			}
		}
	}
}

func (r *imported) refuse(why string) {
	if r.RowsRefused++; r.RowsRefused <= shownRefusals {
		r.Refusals = append(r.Refusals, why)
	}
}

func (r imported) table() output.Tabler {
	text := fmt.Sprintf("%s: %d rows written in %.1f s (%.0f rows/s), %d refused\nstore holds %d samples of source %q\n",
		r.Trace, r.RowsWritten, r.Seconds, r.RowsPerSecond, r.RowsRefused, r.SamplesInStore, r.Source)
	for _, why := range r.Refusals {
		text += "refused: " + why + "\n"
	}
	return output.Text(text)
}

// openTrace opens FORMAT:PATH as a trace of usage.
func openTrace(trace string) (*datasets.Usage, error) {
	ref, err := misuse.Trace(trace)
	if err != nil {
		return nil, err
	}
	return datasets.OpenUsage(ref, datasets.Options{})
}
