package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/auspex-project/auspex/internal/wal"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// ErrClosed is returned after Close.
var ErrClosed = errors.New("collector is closed")

// Store is where samples go in the end.
type Store interface {
	// Write stores samples durably. Writing a sample twice stores it once. It
	// keeps nothing of the slice.
	Write(ctx context.Context, samples []timeseries.Sample) error
}

// Options of a Collector. Dir is required.
type Options struct {
	Dir      string // of the spool; one process at a time may use it
	MaxBytes int64  // bound on the spool; 0 is 1 GiB

	// MaxClockSkew is how far in the future a sample's time may lie. 0 is one
	// minute, negative is not at all.
	MaxClockSkew time.Duration

	// Custom lists the resources known beside the standard ones.
	Custom []resource.Name

	// IsRefusal reports whether an error of the store means that it will never
	// take these samples. Then the batch is halved until the bad sample stands
	// alone, and that is dropped, counted and logged. nil: no error does.
	IsRefusal func(error) bool

	BatchSamples int           // most samples in one write; 0 is 5,000
	MinBackoff   time.Duration // first pause after a failed write; 0 is 500 ms
	MaxBackoff   time.Duration // longest pause; 0 is 30 s

	Logger     *slog.Logger          // nil discards
	Registerer prometheus.Registerer // nil registers nothing
	FS         wal.FS                // nil is the operating system's
}

func (o Options) withDefaults() (Options, error) {
	set := func(p *time.Duration, d time.Duration) {
		if *p == 0 {
			*p = d
		}
	}
	set(&o.MaxClockSkew, time.Minute)
	set(&o.MinBackoff, 500*time.Millisecond)
	set(&o.MaxBackoff, max(30*time.Second, o.MinBackoff))
	if o.MaxBytes == 0 {
		o.MaxBytes = 1 << 30
	}
	if o.BatchSamples == 0 {
		o.BatchSamples = 5000
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.IsRefusal == nil {
		o.IsRefusal = func(error) bool { return false }
	}
	switch {
	case o.Dir == "":
		return o, errors.New("collector: no directory for the spool")
	case o.BatchSamples < 0:
		return o, fmt.Errorf("collector: batch of %d samples is negative", o.BatchSamples)
	case o.MinBackoff < 0 || o.MaxBackoff < o.MinBackoff:
		return o, fmt.Errorf("collector: pauses of %v to %v after a failed write: want 0 < first <= longest", o.MinBackoff, o.MaxBackoff)
	}
	return o, nil
}

// Collector takes samples and ships them to a store. Its methods are safe for
// concurrent use, but one Run at a time.
type Collector struct {
	opts    Options
	store   Store
	spool   *spool
	custom  map[resource.Name]bool
	metrics *metrics
}

// Open opens the spool, with what an earlier run has left in it.
func Open(store Store, o Options) (*Collector, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Collector{opts: o, store: store, custom: map[resource.Name]bool{}, metrics: newMetrics()}
	for _, name := range o.Custom {
		c.custom[name] = true
	}
	c.spool, err = openSpool(spoolOptions{
		dir: o.Dir, maxBytes: o.MaxBytes, fs: o.FS, logger: o.Logger,
		dropped: func(n int) { c.metrics.dropped.Add(float64(n)) },
		damaged: func(n int) { c.metrics.damaged.Add(float64(n)) },
	})
	if err != nil {
		return nil, fmt.Errorf("collector: %w", err)
	}
	if err := c.metrics.watch(c.spool, o.Registerer); err != nil {
		return nil, errors.Join(fmt.Errorf("collector: register metrics: %w", err), c.spool.close())
	}
	if n := c.Depth(); n > 0 {
		o.Logger.Info("spool holds samples of an earlier run", "samples", n, "bytes", c.spool.log.Bytes())
	}
	return c, nil
}

// Accept makes the good samples durable before it returns and calls refuse, which
// may be nil, with the index of each bad one and why. It returns how many it
// accepted; after an error any of them may or may not be durable, and the caller
// should hand in all of them again. It keeps nothing of the slice.
func (c *Collector) Accept(ctx context.Context, samples []timeseries.Sample, refuse func(index int, reason string)) (accepted int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	latest := time.Now().Add(max(c.opts.MaxClockSkew, 0))
	good := samples
	copied := false
	for i := range samples {
		reason, err := check(&samples[i], latest, c.custom)
		switch {
		case err == nil && copied:
			good = append(good, samples[i])
		case err != nil:
			if !copied {
				good, copied = slices.Clone(samples[:i]), true
			}
			c.metrics.refused.WithLabelValues(string(reason)).Inc()
			if refuse != nil {
				refuse(i, err.Error())
			}
		}
	}
	if len(good) == 0 {
		return 0, nil
	}
	if err := c.spool.append(good); err != nil {
		if errors.Is(err, wal.ErrClosed) {
			err = ErrClosed
		}
		return 0, fmt.Errorf("accept %d samples: %w", len(good), err)
	}
	c.metrics.accepted.Add(float64(len(good)))
	return len(good), nil
}

// Emit is Accept for sources: it logs refusals, and while the spool cannot be
// written (a full disk) it tries again until ctx ends.
func (c *Collector) Emit(ctx context.Context, samples []timeseries.Sample) error {
	pause := newBackoff(c.opts.MinBackoff, c.opts.MaxBackoff)
	for {
		refused, example := 0, ""
		_, err := c.Accept(ctx, samples, func(_ int, reason string) {
			if refused++; refused == 1 {
				example = reason
			}
		})
		switch {
		case err == nil && refused > 0:
			c.opts.Logger.Warn("refused samples of a source", "refused", refused, "of", len(samples), "first", example)
			return nil
		case err == nil || errors.Is(err, ErrClosed) || ctx.Err() != nil:
			return err
		}
		wait := pause.next()
		c.opts.Logger.Error("spool cannot be written; the source waits", "error", err, "retry_in", wait)
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// EmitPaced is Emit that first waits until the spool is less than half full. It
// is for sources that can wait without losing anything, such as a trace.
func (c *Collector) EmitPaced(ctx context.Context, samples []timeseries.Sample) error {
	roomy := func() bool { return c.spool.log.Bytes() < c.opts.MaxBytes/2 }
	if !roomy() {
		if err := c.spool.waitUntil(ctx, roomy); err != nil {
			return err
		}
	}
	return c.Emit(ctx, samples)
}

// Drain returns when the store has every sample accepted so far, which takes a
// Run under way, or with ctx's error.
func (c *Collector) Drain(ctx context.Context) error {
	end := c.spool.log.End()
	return c.spool.waitUntil(ctx, func() bool { return c.spool.delivered() >= end })
}

// Depth returns how many accepted samples wait for the store.
func (c *Collector) Depth() int64 { return c.spool.depth() }

// Close closes the spool, once Run has returned. What is in it stays for the next
// Open.
func (c *Collector) Close() error { return c.spool.close() }
