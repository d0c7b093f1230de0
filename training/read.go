package training

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/timeseries"
)

// History is what a night reads. Series lists what there is; Scan streams
// samples in the order of their key, then time.
type History interface {
	Series(ctx context.Context, q store.Query) ([]store.SeriesStat, error)
	Scan(ctx context.Context, q store.Query) iter.Seq2[timeseries.Sample, error]
}

// read streams the planned part of the history once, workload by workload, and
// gives what was extracted of each to keep, in the order of the stream. At most
// a few workloads are in memory at once.
func (p *plan) read(ctx context.Context, h History, keep func(*extract)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	type job struct {
		samples []timeseries.Sample
		out     chan *extract
	}
	jobs, order := make(chan job), make(chan chan *extract, p.Workers)
	var wg sync.WaitGroup
	for range p.Workers {
		wg.Go(func() {
			for j := range jobs {
				j.out <- p.extract(j.samples)
			}
		})
	}

	var scanErr error
	wg.Go(func() {
		defer close(order)
		defer close(jobs)
		for samples, err := range byWorkload(h.Scan(ctx, store.Query{Window: p.whole})) {
			if err != nil {
				scanErr = err
				return
			}
			j := job{samples, make(chan *extract, 1)}
			select {
			case order <- j.out:
			case <-ctx.Done():
				scanErr = ctx.Err()
				return
			}
			jobs <- j
		}
	})

	done := 0
	for out := range order {
		keep(<-out)
		done++
		p.OnProgress(Progress{"read", done, p.workloads})
	}
	wg.Wait()
	if scanErr != nil {
		return fmt.Errorf("read history: %w", scanErr)
	}
	return nil
}

// byWorkload gathers the samples of each workload, all its series together, by
// rising time.
func byWorkload(samples iter.Seq2[timeseries.Sample, error]) iter.Seq2[[]timeseries.Sample, error] {
	return func(yield func([]timeseries.Sample, error) bool) {
		var of []timeseries.Sample
		flush := func() bool {
			if len(of) == 0 {
				return true
			}
			slices.SortStableFunc(of, func(a, b timeseries.Sample) int { return a.Time.Compare(b.Time) })
			whole := of
			of = make([]timeseries.Sample, 0, cap(of))
			return yield(whole, nil)
		}
		for s, err := range samples {
			if err != nil {
				yield(nil, err)
				return
			}
			if len(of) > 0 && of[0].Key.Workload != s.Key.Workload && !flush() {
				return
			}
			of = append(of, s)
		}
		flush()
	}
}
