package store_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// shelf is a Writer that keeps what it is given.
type shelf struct {
	mu struct {
		sync.Mutex
		samples  map[int64]int // times written, by second
		running  int
		most     int // writes at once
		batches  []int
		failFrom int // number of the first write that fails; 0 = none
	}
	gate chan struct{} // when set, each write waits for it
}

var errFull = errors.New("the shelf is full")

func (s *shelf) Write(ctx context.Context, samples []timeseries.Sample) error {
	s.mu.Lock()
	s.mu.running++
	s.mu.most = max(s.mu.most, s.mu.running)
	s.mu.batches = append(s.mu.batches, len(samples))
	fails := s.mu.failFrom > 0 && len(s.mu.batches) >= s.mu.failFrom
	s.mu.Unlock()
	if s.gate != nil {
		select {
		case <-s.gate:
		case <-ctx.Done():
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.running--
	if fails {
		return errFull
	}
	if s.mu.samples == nil {
		s.mu.samples = map[int64]int{}
	}
	for _, x := range samples {
		s.mu.samples[x.Time.Unix()]++
	}
	return ctx.Err()
}

// numbered yields n samples, one a second, then err if it is not nil.
func numbered(n int, err error) iter.Seq2[timeseries.Sample, error] {
	return func(yield func(timeseries.Sample, error) bool) {
		for i := range n {
			if !yield(timeseries.Sample{Key: timeseries.Key{Workload: "w"}, Time: time.Unix(int64(i), 0), Usage: resource.Of(1, 1)}, nil) {
				return
			}
		}
		if err != nil {
			yield(timeseries.Sample{}, err)
		}
	}
}

func TestCopy(t *testing.T) {
	for _, n := range []int{0, 1, 99, 100, 101, 1000} {
		s := &shelf{}
		var progress []int64
		written, err := store.Copy(t.Context(), s, numbered(n, nil), store.CopyOptions{
			Batch: 100, InFlight: 3, Progress: func(written int64) { progress = append(progress, written) },
		})
		if err != nil || written != int64(n) || len(s.mu.samples) != n {
			t.Errorf("copied %d of %d samples, %v; the shelf has %d", written, n, err, len(s.mu.samples))
		}
		for second, times := range s.mu.samples {
			if times != 1 {
				t.Errorf("sample %d was written %d times", second, times)
			}
		}
		if want := (n + 99) / 100; len(s.mu.batches) != want || len(progress) != want || s.mu.most > 3 {
			t.Errorf("%d samples in %v batches, %d at once, progress %v", n, s.mu.batches, s.mu.most, progress)
		}
		for i, p := range progress {
			if i > 0 && p <= progress[i-1] || i == len(progress)-1 && p != int64(n) {
				t.Errorf("progress %v", progress)
			}
		}
	}
}

func TestCopyReadsOnWhileWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{gate: make(chan struct{})}
		samples := func(yield func(timeseries.Sample, error) bool) {
			for x, err := range numbered(400, nil) {
				if x.Time.Unix() == 250 {
					synctest.Wait() // two batches are being written
					close(s.gate)
				}
				if !yield(x, err) {
					return
				}
			}
		}
		if written, err := store.Copy(t.Context(), s, samples, store.CopyOptions{Batch: 100}); written != 400 || err != nil {
			t.Errorf("copied %d, %v", written, err)
		}
		if s.mu.most != 2 {
			t.Errorf("%d writes at once, want 2", s.mu.most)
		}
	})
}

func TestCopyStops(t *testing.T) {
	bad := errors.New("line 251: nonsense")
	written, err := store.Copy(t.Context(), &shelf{}, numbered(250, bad), store.CopyOptions{Batch: 100})
	if written != 200 || !errors.Is(err, bad) || !strings.HasPrefix(err.Error(), "copy samples: ") {
		t.Errorf("after a bad line: %d, %v", written, err)
	}

	s := &shelf{}
	s.mu.failFrom = 4
	written, err = store.Copy(t.Context(), s, numbered(100_000, nil), store.CopyOptions{Batch: 100})
	if written != 300 || !errors.Is(err, errFull) || len(s.mu.batches) > 6 {
		t.Errorf("after a failed write: %d, %v, %d writes", written, err, len(s.mu.batches))
	}

	ctx, cancel := context.WithCancel(t.Context())
	written, err = store.Copy(ctx, &shelf{}, numbered(100_000, nil), store.CopyOptions{Batch: 100, InFlight: 1, Progress: func(int64) { cancel() }})
	if written == 0 || written > 500 || !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %d, %v", written, err)
	}
}
