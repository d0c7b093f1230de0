package replay_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auspex-project/auspex/collector/replay"
	"github.com/auspex-project/auspex/datasets"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

var recorded = time.Date(2013, 8, 1, 0, 0, 0, 0, time.UTC)

// trace has n samples a minute apart of each workload, ordered by time.
func trace(n int, workloads ...string) []timeseries.Sample {
	var out []timeseries.Sample
	for i := range n {
		for _, w := range workloads {
			out = append(out, timeseries.Sample{
				Key: timeseries.Key{Workload: w}, Time: recorded.Add(time.Duration(i) * time.Minute), Usage: resource.Of(float64(i), 1),
			})
		}
	}
	return out
}

func stream(samples []timeseries.Sample) iter.Seq2[timeseries.Sample, error] {
	return func(yield func(timeseries.Sample, error) bool) {
		for _, s := range samples {
			if !yield(s, nil) {
				return
			}
		}
	}
}

// sink keeps what is emitted and when.
type sink struct {
	samples []timeseries.Sample
	at      []time.Time
	calls   int
	err     error
}

func (s *sink) emit(_ context.Context, samples []timeseries.Sample) error {
	s.calls++
	for range samples {
		s.at = append(s.at, time.Now())
	}
	s.samples = append(s.samples, samples...)
	return s.err
}

func play(t *testing.T, samples iter.Seq2[timeseries.Sample, error], o replay.Options) (*sink, error) {
	t.Helper()
	source, err := replay.New(samples, o)
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{}
	return s, source.Run(t.Context(), s.emit)
}

func sameSamples(a, b []timeseries.Sample, shift time.Duration) bool {
	return slices.EqualFunc(a, b, func(a, b timeseries.Sample) bool {
		return a.Key == b.Key && a.Time.Equal(b.Time.Add(shift)) && a.Usage.Equal(b.Usage)
	})
}

func TestAsFastAsPossible(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want := trace(4000, "a", "b", "c")
		slices.Reverse(want) // in any order
		began := time.Now()
		s, err := play(t, stream(want), replay.Options{})
		if err != nil || !sameSamples(s.samples, want, 0) {
			t.Errorf("played %d of %d samples, %v", len(s.samples), len(want), err)
		}
		if time.Now() != began || s.calls > 4 {
			t.Errorf("it took %v and %d calls", time.Since(began), s.calls)
		}
	})
}

func TestEndNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want := trace(100, "a", "b")
		last := want[len(want)-1].Time
		s, err := play(t, stream(want), replay.Options{EndNow: true})
		if err != nil || !sameSamples(s.samples, want, time.Since(last)) {
			t.Errorf("played %d samples up to %v, %v; want %d up to now", len(s.samples), s.samples[len(s.samples)-1].Time, err, len(want))
		}
		if s, err := play(t, stream(nil), replay.Options{EndNow: true}); err != nil || len(s.samples) != 0 {
			t.Errorf("empty trace: %d samples, %v", len(s.samples), err)
		}
	})
}

func TestAtSpeed(t *testing.T) {
	for _, endNow := range []bool{false, true} {
		t.Run(fmt.Sprint("end now ", endNow), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				want := trace(61, "a", "b")
				began := time.Now()
				s, err := play(t, stream(want), replay.Options{Speed: 60, EndNow: endNow})
				if err != nil || len(s.samples) != len(want) {
					t.Fatalf("played %d of %d samples, %v", len(s.samples), len(want), err)
				}
				for i, at := range s.at {
					// A minute of the trace passes in a second.
					if due := began.Add(want[i].Time.Sub(recorded) / 60); at.Before(due) || at.After(due.Add(time.Second)) {
						t.Fatalf("sample %d came at %v, due at %v", i, at.Sub(began), due.Sub(began))
					}
					if endNow && s.samples[i].Time.After(at) {
						t.Fatalf("sample %d is of the future", i)
					}
				}
				if last := s.samples[len(s.samples)-1].Time; endNow && !last.Equal(time.Now()) {
					t.Errorf("the last sample is of %v, the replay ended %v", last, time.Now())
				}
			})
		})
	}
}

func TestErrors(t *testing.T) {
	samples := trace(10, "a")
	broken := errors.New("unexpected EOF")
	withRows := func(yield func(timeseries.Sample, error) bool) {
		for i, s := range samples {
			if i%2 == 1 && !yield(timeseries.Sample{}, &datasets.RowError{File: "f.csv", Line: i, Err: errors.New("bad")}) {
				return
			}
			if !yield(s, nil) {
				return
			}
		}
	}
	withEnd := func(yield func(timeseries.Sample, error) bool) {
		for _, s := range samples[:5] {
			if !yield(s, nil) {
				return
			}
		}
		yield(timeseries.Sample{}, broken)
	}
	byWorkload := append(trace(5, "a"), trace(5, "b")...)

	synctest.Test(t, func(t *testing.T) {
		if s, err := play(t, withRows, replay.Options{EndNow: true}); err != nil || len(s.samples) != 10 {
			t.Errorf("bad rows: played %d samples, %v", len(s.samples), err)
		}
		if s, err := play(t, withEnd, replay.Options{}); !errors.Is(err, broken) || len(s.samples) != 5 {
			t.Errorf("broken file: played %d samples, %v", len(s.samples), err)
		}
		if _, err := play(t, withEnd, replay.Options{EndNow: true}); !errors.Is(err, broken) {
			t.Errorf("broken file, its end wanted: %v", err)
		}
		if s, err := play(t, stream(byWorkload), replay.Options{Speed: 1e6}); err == nil || !strings.Contains(err.Error(), "goes back in time") || len(s.samples) != 5 {
			t.Errorf("trace by workload at a speed: played %d, %v", len(s.samples), err)
		}
	})
	for _, speed := range []float64{-1, 1e13} {
		if _, err := replay.New(stream(samples), replay.Options{Speed: speed}); err == nil {
			t.Errorf("speed %g was accepted", speed)
		}
	}
}

func TestEndsWithContextAndEmit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, err := replay.New(stream(trace(100, "a")), replay.Options{Speed: 1})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute+time.Second)
		defer cancel()
		s := &sink{}
		if err := source.Run(ctx, s.emit); !errors.Is(err, context.DeadlineExceeded) || len(s.samples) != 11 {
			t.Errorf("played %d samples in ten minutes, %v", len(s.samples), err)
		}
		full := errors.New("closed")
		if err := source.Run(t.Context(), (&sink{err: full}).emit); !errors.Is(err, full) {
			t.Errorf("emit failed: %v", err)
		}
	})
}

// A trace in the project's own format goes through unchanged.
func TestDataset(t *testing.T) {
	usage, err := datasets.OpenUsage(datasets.Ref{Format: "synthetic", Path: "1"}, datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ctx, cancel := context.WithCancel(t.Context())
	source, err := replay.New(usage.Samples(t.Context()), replay.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = source.Run(ctx, func(_ context.Context, samples []timeseries.Sample) error {
		if n += len(samples); n >= 10_000 {
			cancel()
		}
		for i := range samples {
			if err := samples[i].Validate(time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || n < 10_000 {
		t.Errorf("played %d samples, %v", n, err)
	}
}
