// Package replay is the source that plays a recorded or made-up trace, as fast
// as possible or at a multiple of real time.
package replay

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"github.com/auspex-project/auspex/collector"
	"github.com/auspex-project/auspex/datasets"
	"github.com/auspex-project/auspex/timeseries"
)

// Options of a replay. The zero value plays as fast as possible with the times
// as recorded.
type Options struct {
	// Speed is how many seconds of the trace pass in one second. The trace must
	// then be ordered by time. 0 is as fast as possible, in any order.
	Speed float64

	// EndNow shifts all times alike, so that the last sample is of the moment at
	// which the replay ends. The trace is read once more to find its end.
	EndNow bool

	Logger *slog.Logger // nil discards
}

// Source plays one trace. It implements collector.Source.
type Source struct {
	samples iter.Seq2[timeseries.Sample, error]
	opts    Options
}

var _ collector.Source = (*Source)(nil)

// New returns a source of samples, which must yield the same each time it is
// ranged over.
func New(samples iter.Seq2[timeseries.Sample, error], o Options) (*Source, error) {
	if !(o.Speed >= 0) || o.Speed > 1e12 {
		return nil, fmt.Errorf("replay: speed %g is not between 0 and 1e12", o.Speed)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Source{samples, o}, nil
}

const (
	batchSamples = 5000
	loggedErrors = 10
)

// Run plays the trace once. Rows that cannot be read are logged and passed over;
// any other error of the trace ends the replay, after what came before it has
// been emitted.
func (s *Source) Run(ctx context.Context, emit collector.Emit) error {
	pace, err := s.pace()
	if err != nil {
		return err
	}
	batch := make([]timeseries.Sample, 0, batchSamples)
	flush := func() error {
		err := emit(ctx, batch)
		batch = batch[:0]
		return err
	}
	played, skipped := 0, 0
	for sample, err := range s.samples {
		if err != nil {
			if skipped++; !s.passOver(err, skipped) {
				return errors.Join(fmt.Errorf("replay: %w", err), flush())
			}
			continue
		}
		wait, err := pace.until(&sample)
		if err != nil {
			return errors.Join(err, flush())
		}
		if len(batch) == batchSamples || len(batch) > 0 && wait > 0 {
			if err := flush(); err != nil {
				return err
			}
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		batch = append(batch, sample)
		played++
	}
	if err := flush(); err != nil {
		return err
	}
	s.opts.Logger.Info("replay is over", "samples", played, "skipped_rows", skipped)
	return ctx.Err()
}

// passOver logs the n-th error of the trace and reports whether it concerns one row only.
func (s *Source) passOver(err error, n int) bool {
	var row *datasets.RowError
	if !errors.As(err, &row) {
		return false
	}
	if n <= loggedErrors {
		s.opts.Logger.Warn("replay passes over a row", "error", err)
	}
	if n == loggedErrors {
		s.opts.Logger.Warn("replay passes over further rows without naming them")
	}
	return true
}

// pace says when a sample is due and shifts its time.
type pace struct {
	speed float64
	shift time.Duration
	began time.Time // of the replay
	first time.Time // of the trace
	last  time.Time // played so far
}

func (s *Source) pace() (*pace, error) {
	p := &pace{speed: s.opts.Speed, began: time.Now()}
	if !s.opts.EndNow {
		return p, nil
	}
	first, last, err := span(s.samples)
	if err != nil {
		return nil, fmt.Errorf("replay: find the end of the trace: %w", err)
	}
	if last.IsZero() {
		return p, nil // an empty trace
	}
	p.began = time.Now()
	end := p.began
	if p.speed > 0 {
		end = end.Add(scale(last.Sub(first), 1/p.speed))
	}
	p.shift = end.Sub(last).Truncate(time.Millisecond)
	return p, nil
}

// span returns the times of the earliest and the latest sample, zero when there
// is none.
func span(samples iter.Seq2[timeseries.Sample, error]) (first, last time.Time, err error) {
	for s, err := range samples {
		var row *datasets.RowError
		switch {
		case errors.As(err, &row):
			continue
		case err != nil:
			return first, last, err
		case last.IsZero() || s.Time.After(last):
			last = s.Time
		}
		if first.IsZero() || s.Time.Before(first) {
			first = s.Time
		}
	}
	return first, last, nil
}

// until shifts s and returns how long it is until s is due.
func (p *pace) until(s *timeseries.Sample) (time.Duration, error) {
	recorded := s.Time
	s.Time = s.Time.Add(p.shift)
	if p.speed == 0 {
		return 0, nil
	}
	if p.first.IsZero() {
		p.first, p.last = recorded, recorded
	}
	if recorded.Before(p.last) {
		return 0, fmt.Errorf("replay: the trace goes back in time, from %s to %s: at a given speed it must be ordered by time (play it as fast as possible, speed 0)",
			p.last.UTC().Format(time.RFC3339), recorded.UTC().Format(time.RFC3339))
	}
	p.last = recorded
	return time.Until(p.began.Add(scale(recorded.Sub(p.first), 1/p.speed))), nil
}

func scale(d time.Duration, f float64) time.Duration { return time.Duration(float64(d) * f) }

// sleep returns after d, or earlier with ctx's error.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
