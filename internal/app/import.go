package app

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/auspex-project/auspex/datasets"
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
}

// shownRefusals is how many refused rows an import names.
const shownRefusals = 10

// Import copies a trace into the history store. A bad row is refused with its
// place and the rest goes on; importing again changes nothing.
func Import(ctx context.Context, stdio IO, configPath, trace string, format output.Format) (err error) {
	c, err := LoadConfig(configPath)
	if err != nil {
		return err
	}
	usage, err := openTrace(trace)
	if err != nil {
		return err
	}
	history, err := openHistory(ctx, c.Store)
	if err != nil {
		return err
	}
	defer closing(&err, "history store", history.Close)

	result := imported{Trace: trace, Source: usage.Label(), Synthetic: usage.Synthetic(), Refusals: []string{}}
	_, total := usage.Progress()
	bar := progress.New(stdio.Err, "import "+trace, "samples", 0)
	started := time.Now()
	result.RowsWritten, err = store.Copy(ctx, history, goodRows(usage.Samples(ctx), &result), store.CopyOptions{
		Progress: func(written int64) {
			done, _ := usage.Progress()
			bar.Share(written, done, total)
		},
	})
	if err != nil {
		return err
	}
	bar.Done(result.RowsWritten)
	result.Seconds = time.Since(started).Seconds()
	result.RowsPerSecond = float64(result.RowsWritten) / max(result.Seconds, 1e-9)
	if result.SamplesInStore, err = history.Count(ctx, store.Query{Sources: []string{result.Source}}); err != nil {
		return err
	}
	return output.Write(stdio.Out, format, result, result.table())
}

// goodRows passes on the good rows of samples and notes the bad ones.
func goodRows(samples iter.Seq2[timeseries.Sample, error], result *imported) iter.Seq2[timeseries.Sample, error] {
	return func(yield func(timeseries.Sample, error) bool) {
		for s, err := range samples {
			var bad *datasets.RowError
			if errors.As(err, &bad) {
				if result.RowsRefused++; result.RowsRefused <= shownRefusals {
					result.Refusals = append(result.Refusals, bad.Error())
				}
				continue
			}
			if !yield(s, err) || err != nil {
				return
			}
		}
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
	ref, err := datasets.ParseRef(trace)
	if err != nil {
		return nil, Misuse{err.Error()}
	}
	return datasets.OpenUsage(ref, datasets.Options{})
}
