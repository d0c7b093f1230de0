package influx

import (
	"context"
	"fmt"
	"time"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/timeseries"
)

// A request carries at most so many samples and, but for the last of them, so
// many bytes. InfluxDB 1.8 takes 25 MB.
const (
	requestSamples = 10_000
	requestBytes   = 4 << 20
)

// Write sends samples in one or several requests, each answered only when the
// server has them in its log. On error the first requests may have been taken.
func (s *Store) Write(ctx context.Context, samples []timeseries.Sample) error {
	for i := range samples {
		if err := samples[i].Validate(time.Time{}); err != nil {
			return s.fault("write", fmt.Errorf("%w: %w", store.ErrRefused, err))
		}
	}
	const typicalLine = 160 // bytes
	lines := encoder{tags: s.tags, text: make([]byte, 0, typicalLine*min(len(samples), requestSamples))}
	for i := range samples {
		lines.add(&samples[i])
		if n := i + 1; n == len(samples) || n%requestSamples == 0 || len(lines.text) >= requestBytes {
			if err := s.send(ctx, string(lines.text)); err != nil {
				return s.fault("write", err)
			}
			lines.text = lines.text[:0]
		}
	}
	return nil
}

func (s *Store) send(ctx context.Context, lines string) error {
	return s.timed(ctx, func(ctx context.Context) error {
		return s.request(func() error { return s.writes.WriteRecord(ctx, lines) })
	})
}

// timed runs do under the store's own time limit. Running into that one is the
// server's fault; running into the caller's is the caller's wish.
func (s *Store) timed(ctx context.Context, do func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	err := do(limited)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("%w within %v", errUnreachable, s.options.Timeout)
	}
	return err
}
