package store

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/auspex-project/auspex/timeseries"
)

// Writer is the part of a History that Copy needs.
type Writer interface {
	Write(ctx context.Context, samples []timeseries.Sample) error
}

// CopyOptions tune Copy; the zero value suits every store.
type CopyOptions struct {
	// Batch is how many samples one Write carries; 0 means 10,000.
	Batch int

	// InFlight is how many Writes run at once; 0 means 2.
	InFlight int

	// Progress, when set, is called after each Write with the number of samples
	// written so far. Calls do not overlap.
	Progress func(written int64)
}

// Copy writes samples to dst in batches, reading on while batches are being
// written. It stops at the first error of either side and returns when no write
// is running any more; written counts the samples of the writes that succeeded.
// Since writes are idempotent, a failed Copy may be run again from the start.
func Copy(ctx context.Context, dst Writer, samples iter.Seq2[timeseries.Sample, error], o CopyOptions) (written int64, err error) {
	if o.Batch <= 0 {
		o.Batch = 10_000
	}
	if o.InFlight <= 0 {
		o.InFlight = 2
	}
	var progress sync.Mutex
	group, writing := errgroup.WithContext(ctx)
	group.SetLimit(o.InFlight)
	write := func(batch []timeseries.Sample) {
		group.Go(func() error {
			if err := dst.Write(writing, batch); err != nil {
				return err
			}
			progress.Lock()
			defer progress.Unlock()
			written += int64(len(batch))
			if o.Progress != nil {
				o.Progress(written)
			}
			return nil
		})
	}

	batch := make([]timeseries.Sample, 0, o.Batch)
	var readErr error
	for s, err := range samples {
		if err != nil {
			readErr = fmt.Errorf("copy samples: %w", err)
			break
		}
		if writing.Err() != nil {
			break
		}
		if batch = append(batch, s); len(batch) == o.Batch {
			write(batch)
			batch = make([]timeseries.Sample, 0, o.Batch)
		}
	}
	if readErr == nil && len(batch) > 0 {
		write(batch)
	}
	if err := group.Wait(); err != nil {
		return written, fmt.Errorf("copy samples: %w", err)
	}
	if readErr == nil {
		readErr = ctx.Err()
	}
	return written, readErr
}
