package storetest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

func testCancelled(t *testing.T, h store.History) {
	write(t, h, sample("a", 0, 1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cancelled(t, "write", h.Write(ctx, []timeseries.Sample{sample("b", 0, 1)}))
	_, err := h.Series(ctx, store.Query{})
	cancelled(t, "series", err)
	_, err = h.Count(ctx, store.Query{})
	cancelled(t, "count", err)
	cancelled(t, "scan", lastError(h.Scan(ctx, store.Query{})))
	d := store.Downsampling{Resource: resource.CPU, Every: time.Minute, Aggregate: store.Mean}
	cancelled(t, "downsample", lastError(h.Downsample(ctx, store.Query{}, d)))
	_, err = h.DeleteBefore(ctx, at(1))
	cancelled(t, "delete", err)
	holds(t, h, store.Query{}, sample("a", 0, 1))
}

func testCancelledScan(t *testing.T, h store.History) {
	var batch []timeseries.Sample
	for w := range 20 {
		for minute := range 2500 {
			batch = append(batch, sample(fmt.Sprintf("w%02d", w), float64(minute), 1))
		}
	}
	write(t, h, batch...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	for _, err := range h.Scan(ctx, store.Query{}) {
		if err != nil {
			cancelled(t, "scan", err)
			return
		}
		if n++; n == 10 {
			cancel()
		}
	}
	t.Errorf("the scan went on to its end: %d samples", n)
}

// testConcurrent lets readers look while a writer adds and retention removes:
// what they see must be in order and of what has been written, and the end
// complete.
func testConcurrent(t *testing.T, h store.History) {
	const batches, readers, writers = 40, 3, 2
	var done atomic.Bool
	var reading, writing errgroup.Group
	for r := range readers {
		reading.Go(func() error {
			for last := false; !last; {
				last = done.Load()
				if err := readOnce(t.Context(), h, store.Query{}); err != nil {
					return fmt.Errorf("reader %d: %w", r, err)
				}
			}
			return nil
		})
	}
	for w := range writers {
		writing.Go(func() error {
			for i := range batches {
				batch := []timeseries.Sample{sample(fmt.Sprintf("old-%d-%d", w, i), -1, 1)}
				for k := range 5 {
					batch = append(batch, sample(fmt.Sprintf("w%d-%d", w, k), float64(i), float64(k)))
				}
				if err := h.Write(t.Context(), batch); err != nil {
					return fmt.Errorf("writer %d: %w", w, err)
				}
				if i%10 == 9 {
					if _, err := h.DeleteBefore(t.Context(), at(0)); err != nil {
						return fmt.Errorf("delete: %w", err)
					}
				}
			}
			return nil
		})
	}
	if err := writing.Wait(); err != nil {
		t.Error(err)
	}
	done.Store(true)
	if err := reading.Wait(); err != nil {
		t.Error(err)
	}
	if n, err := h.Count(t.Context(), store.Query{Window: timeseries.Window{From: at(0)}}); n != batches*writers*5 || err != nil {
		t.Errorf("count at the end: %d, %v; want %d", n, err, batches*writers*5)
	}
}

func readOnce(ctx context.Context, h store.History, q store.Query) error {
	var last timeseries.Sample
	for s, err := range h.Scan(ctx, q) {
		if err != nil {
			return err
		}
		if last.Key.Workload != "" && inOrder(last, s) >= 0 {
			return fmt.Errorf("%v at %v after %v at %v", s.Key, s.Time, last.Key, last.Time)
		}
		if !s.Usage.Has(resource.CPU) {
			return fmt.Errorf("%v at %v has lost its cpu", s.Key, s.Time)
		}
		last = s
	}
	if _, err := h.Series(ctx, q); err != nil {
		return err
	}
	_, err := h.Count(ctx, q)
	return err
}

func testClosed(t *testing.T, h store.History) {
	write(t, h, sample("a", 0, 1))
	if err := h.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	if err := h.Close(); err != nil {
		t.Errorf("close again: %v", err)
	}
	if err := h.Write(t.Context(), []timeseries.Sample{sample("a", 1, 1)}); err == nil {
		t.Error("a closed store took a write")
	}
	if _, err := h.Count(t.Context(), store.Query{}); err == nil {
		t.Error("a closed store counts")
	}
	if err := lastError(h.Scan(t.Context(), store.Query{})); err == nil {
		t.Error("a closed store can be scanned")
	}
}
