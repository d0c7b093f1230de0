package collector

import (
	"context"
	"io"
	"time"

	"github.com/auspex-project/auspex/timeseries"
)

// Run ships the spool to the store until ctx ends, and then returns nil with
// what is left still in the spool.
func (c *Collector) Run(ctx context.Context) error {
	pause := newBackoff(c.opts.MinBackoff, c.opts.MaxBackoff)
	var reuse []timeseries.Sample
	c.spool.rewind() // an earlier Run may have ended with a batch under way
	for ctx.Err() == nil {
		b, err := c.spool.next(c.opts.BatchSamples, reuse)
		switch {
		case err == io.EOF:
			c.spool.acknowledge(b) // what could not be read back
			err = c.spool.reader.Wait(ctx)
		case err != nil:
			wait := pause.next()
			c.opts.Logger.Error("spool cannot be read", "error", err, "retry_in", wait)
			err = sleep(ctx, wait)
		default:
			pause.reset()
			if err = c.deliver(ctx, b.samples); err == nil {
				c.spool.acknowledge(b)
				reuse = b.samples
			}
		}
		if err != nil {
			return nil // ctx has ended
		}
	}
	return nil
}

// deliver brings samples to the store, leaving out those it refuses for good.
// The only error is that of ctx.
func (c *Collector) deliver(ctx context.Context, samples []timeseries.Sample) error {
	refusal, err := c.write(ctx, samples)
	switch {
	case err != nil:
		return err
	case refusal == nil:
		return nil
	case len(samples) == 1:
		s := samples[0]
		c.metrics.rejected.Inc()
		c.opts.Logger.Error("the store refuses a sample for good; it is lost", "error", refusal,
			"workload", s.Key.Workload, "source", s.Key.Source, "time", s.Time, "usage", s.Usage.String())
		return nil
	}
	half := len(samples) / 2
	if err := c.deliver(ctx, samples[:half]); err != nil {
		return err
	}
	return c.deliver(ctx, samples[half:])
}

// write tries until the store takes the samples or refuses them for good. The
// error is that of ctx.
func (c *Collector) write(ctx context.Context, samples []timeseries.Sample) (refusal, err error) {
	pause := newBackoff(c.opts.MinBackoff, c.opts.MaxBackoff)
	for {
		began := time.Now()
		err := c.store.Write(ctx, samples)
		if err == nil {
			c.metrics.shipped.Add(float64(len(samples)))
			c.metrics.shipSeconds.Observe(time.Since(began).Seconds())
			if pause.failures > 0 {
				c.opts.Logger.Info("the store takes samples again", "failures", pause.failures, "waiting", c.Depth())
			}
			return nil, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		c.metrics.storeErrors.Inc()
		if c.opts.IsRefusal(err) {
			return err, nil
		}
		wait := pause.next()
		c.opts.Logger.Warn("the store does not take samples; they wait in the spool", "error", err,
			"failures", pause.failures, "waiting", c.Depth(), "retry_in", wait)
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}
