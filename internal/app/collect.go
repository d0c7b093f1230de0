package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/auspex-project/auspex/collector"
	"github.com/auspex-project/auspex/collector/host"
	prometheussource "github.com/auspex-project/auspex/collector/prometheus"
	"github.com/auspex-project/auspex/collector/replay"
	"github.com/auspex-project/auspex/datasets"
	"github.com/auspex-project/auspex/internal/app/output"
	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/resource"
)

// CollectRequest is what the collect subcommand was asked. Without a trace it
// collects from the configured sources until interrupted.
type CollectRequest struct {
	Trace  string  // FORMAT:PATH to play instead
	Speed  float64 // seconds of the trace a second; 0 is as fast as possible
	EndNow bool    // shift the trace so that it ends now
}

// collected is what came of playing a trace.
type collected struct {
	Trace         string  `json:"trace"`
	Source        string  `json:"source"`
	Seconds       float64 `json:"seconds"`
	SpooledNow    int64   `json:"samples_still_spooled"`
	SamplesStored int64   `json:"samples_in_store"`
}

// Collect moves samples from sources through the spool to the store.
func Collect(ctx context.Context, stdio IO, configPath string, r CollectRequest, format output.Format) (err error) {
	c, err := LoadConfig(configPath)
	if err != nil {
		return err
	}
	var trace *datasets.Usage
	if r.Trace != "" {
		if trace, err = openTrace(r.Trace); err != nil {
			return err
		}
	}
	log := newLog(stdio, c.Log)
	history, err := openHistory(ctx, c.Store)
	if err != nil {
		return err
	}
	defer closing(&err, "history store", history.Close)
	s := &stack{config: c, log: log, metrics: prometheus.NewRegistry(), history: history}
	if s.collector, err = openCollector(c, history, s.metrics, log); err != nil {
		return err
	}
	defer closing(&err, "spool", s.collector.Close)
	if trace != nil {
		return s.playTrace(ctx, stdio, trace, r, format)
	}

	sources, err := s.sources()
	if err != nil {
		return err
	}
	if len(sources) == 0 {
		return errors.New("nothing to collect: enable collector.host or set collector.prometheus.url")
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.collector.Run(ctx) })
	if c.Server.HTTPAddress != "" {
		l, err := net.Listen("tcp", c.Server.HTTPAddress)
		if err != nil {
			return fmt.Errorf("listen for HTTP: %w (server.http_address sets another address, empty none)", err)
		}
		group.Go(func() error { return s.serveHTTP(ctx, l) })
	}
	for _, source := range sources {
		group.Go(func() error { return source.Run(ctx, s.collector.Emit) })
	}
	log.Info("collecting", "sources", len(sources), "store", c.Store.Driver)
	if err := group.Wait(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// playTrace plays a trace to its end and waits until the store has it.
func (s *stack) playTrace(ctx context.Context, stdio IO, usage *datasets.Usage, r CollectRequest, format output.Format) error {
	samples := usage.Samples(ctx)
	if r.Speed > 0 { // a pace needs samples in the order of time
		samples = usage.ByTime(ctx, "")
	}
	source, err := replay.New(samples, replay.Options{Speed: r.Speed, EndNow: r.EndNow, Logger: s.log})
	if err != nil {
		return err
	}
	started := time.Now()
	if err := s.play(ctx, source); err != nil {
		return err
	}
	result := collected{Trace: r.Trace, Source: usage.Label(), Seconds: time.Since(started).Seconds(), SpooledNow: s.collector.Depth()}
	if result.SamplesStored, err = s.history.Count(ctx, store.Query{Sources: []string{usage.Label()}}); err != nil {
		return err
	}
	if err := output.Write(stdio.Out, format, result, output.Text(fmt.Sprintf("%s played in %.1f s; store holds %d samples of source %q\n",
		r.Trace, result.Seconds, result.SamplesStored, result.Source))); err != nil {
		return err
	}
	if result.SamplesStored == 0 {
		return fmt.Errorf("collect %s: no row could be used", r.Trace)
	}
	return nil
}

// play runs a source that ends, and ships what it emitted to the store.
func (s *stack) play(ctx context.Context, source collector.Source) error {
	group, shipping := errgroup.WithContext(ctx)
	shipping, stop := context.WithCancel(shipping)
	group.Go(func() error {
		if err := s.collector.Run(shipping); err != nil && shipping.Err() == nil {
			return err
		}
		return nil
	})
	group.Go(func() error {
		defer stop()
		if err := source.Run(shipping, s.collector.EmitPaced); err != nil {
			return err
		}
		return s.collector.Drain(shipping)
	})
	return group.Wait()
}

// sources opens what the configuration says to collect from.
func (s *stack) sources() ([]collector.Source, error) {
	c := s.config.Collector
	var sources []collector.Source
	if c.Host.Enabled {
		source, err := host.New(host.Options{Interval: c.Host.Interval, Node: c.Host.Node, Logger: s.log})
		if err != nil {
			return nil, fmt.Errorf("%w (collector.host.enabled: false turns it off)", err)
		}
		sources = append(sources, source)
	}
	if c.Prometheus.URL != "" {
		source, err := s.newPrometheus()
		if err != nil {
			return nil, err
		}
		sources = append(sources, source)
	}
	return sources, nil
}

// newPrometheus opens the Prometheus source. How far it has come is kept beside
// the spool.
func (s *stack) newPrometheus() (collector.Source, error) {
	c := s.config.Collector.Prometheus
	o := prometheussource.Options{
		URL: c.URL, Interval: c.Interval, Step: c.Step, Backfill: c.Backfill,
		State: filepath.Join(s.config.Collector.Spool.Dir, "prometheus.json"), Logger: s.log,
	}
	for _, q := range c.Queries {
		o.Queries = append(o.Queries, prometheussource.Query{Resource: resource.Name(q.Resource), Limit: q.Limit, Expr: q.Expr, Labels: q.Labels})
	}
	return prometheussource.New(o)
}
