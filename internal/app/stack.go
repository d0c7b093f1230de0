package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"github.com/auspex-project/auspex/collector"
	"github.com/auspex-project/auspex/internal/config"
	"github.com/auspex-project/auspex/internal/rpc"
	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/internal/store/journal"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/models/serving"
	"github.com/auspex-project/auspex/placement/filter"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/score"
)

// stack is everything a server runs, opened and connected.
type stack struct {
	config    *config.Config
	log       *slog.Logger
	metrics   *prometheus.Registry
	history   store.History
	collector *collector.Collector
	registry  *registry.Registry
	table     *serving.Table
	journal   *journal.Journal
	placement *ledger.Service
	rpc       *rpc.Server

	closers []func() error // in the order of opening
}

// openStack opens the parts in the order of the loop: what is collected, stored,
// learned from, predicted, placed, served.
func openStack(ctx context.Context, c *config.Config, log *slog.Logger) (*stack, error) {
	s := &stack{config: c, log: log, metrics: prometheus.NewRegistry()}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *stack) open(ctx context.Context) (err error) {
	c, log := s.config, s.log
	s.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	if s.history, err = openHistory(ctx, c.Store); err != nil {
		return err
	}
	s.closers = append(s.closers, s.history.Close)
	if s.collector, err = openCollector(c, s.history, s.metrics, log); err != nil {
		return err
	}
	s.closers = append(s.closers, s.collector.Close)
	if s.registry, err = registry.Open(c.Models.Dir); err != nil {
		return err
	}
	if s.table, err = s.newTable(); err != nil {
		return err
	}
	if s.journal, err = journal.Open(c.Placement.JournalDir, journal.Options{Log: log}); err != nil {
		return inUse(err)
	}
	s.closers = append(s.closers, s.journal.Close)
	if s.placement, err = s.newPlacement(ctx); err != nil {
		return err
	}
	if s.rpc, err = s.newRPC(); err != nil {
		return err
	}
	return nil
}

func (s *stack) newTable() (*serving.Table, error) {
	f := s.config.Forecast
	return serving.New(serving.Options{
		History: s.history, Registry: s.registry, Grid: s.config.Grid(), Every: f.Refresh, Late: f.Late,
		Shadow: s.config.Training.Shadow.Duration, ShadowCases: s.config.Training.Shadow.Cases,
		Metrics: s.metrics, Log: s.log,
	})
}

func (s *stack) newPlacement(ctx context.Context) (*ledger.Service, error) {
	settings, err := s.config.Settings()
	if err != nil {
		return nil, err
	}
	return ledger.Open(ctx, ledger.Options{
		Settings: settings, Filters: filter.All(), Scorers: score.All(), Grid: s.config.Grid(),
		Forecaster: s.table, Classifier: s.table, Journal: s.journal, Archive: s.journal.Explanations(),
		Metrics: s.metrics, Log: s.log,
	})
}

func (s *stack) newRPC() (*rpc.Server, error) {
	c := s.config.Server
	return rpc.New(rpc.Options{
		Placer: s.placement, Fleet: s.placement, NodeSums: s.placement, Shares: s.placement,
		Predictions: s.table, Usage: s.collector, Grid: s.config.Grid(),
		HeartbeatInterval: heartbeatInterval(s.config.Placement.HeartbeatTimeout),
		MaxMessageBytes:   int(c.MaxMessageBytes), MaxBatch: c.MaxBatch, MaxStreams: uint32(c.MaxStreams), MaxDeadline: c.MaxDeadline, DrainTimeout: c.DrainTimeout,
		Metrics: s.metrics, Log: s.log,
	})
}

// listeners are where a stack is reached.
type listeners struct {
	grpc net.Listener
	http net.Listener // nil: no metrics
}

func listen(c config.Server) (l listeners, err error) {
	if l.grpc, err = net.Listen("tcp", c.GRPCAddress); err != nil {
		return l, fmt.Errorf("listen for gRPC: %w (server.grpc_address sets another address)", err)
	}
	if c.HTTPAddress == "" {
		return l, nil
	}
	if l.http, err = net.Listen("tcp", c.HTTPAddress); err != nil {
		return l, errors.Join(fmt.Errorf("listen for HTTP: %w (server.http_address sets another address)", err), l.grpc.Close())
	}
	return l, nil
}

// run serves until ctx ends or a part fails, and returns when all parts have
// ended.
func (s *stack) run(ctx context.Context, l listeners) error {
	sources, err := s.sources()
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	parts := []func(context.Context) error{
		s.collector.Run, s.table.Run, s.placement.Run, s.trainNightly, s.retain,
		func(ctx context.Context) error { return s.rpc.Run(ctx, l.grpc) },
	}
	if l.http != nil {
		parts = append(parts, func(ctx context.Context) error { return s.serveHTTP(ctx, l.http) })
	}
	for _, source := range sources {
		parts = append(parts, func(ctx context.Context) error { return source.Run(ctx, s.collector.Emit) })
	}
	for _, part := range parts {
		group.Go(func() error {
			if err := part(ctx); err != nil && ctx.Err() == nil {
				return err
			}
			return nil
		})
	}
	return group.Wait()
}

// serveHTTP serves metrics and liveness until ctx ends.
func (s *stack) serveHTTP(ctx context.Context, l net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve metrics: %w", err)
	}
	return nil
}

// retain deletes what is older than the retention, now and once a day.
func (s *stack) retain(ctx context.Context) error {
	if s.config.Store.Retention == 0 {
		return nil
	}
	for {
		deleted, err := s.history.DeleteBefore(ctx, time.Now().Add(-s.config.Store.Retention))
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			s.log.Error("old samples not deleted, tried again tomorrow", "error", err)
		case deleted > 0:
			s.log.Info("old samples deleted", "samples", deleted, "older_than", s.config.Store.Retention)
		}
		if !pause(ctx, 24*time.Hour) {
			return nil
		}
	}
}

// reload takes over what may change while the server runs.
func (s *stack) reload(next *config.Config) error {
	settings, err := next.Settings()
	if err != nil {
		return err
	}
	return s.placement.Reload(settings)
}

// close closes the parts, last opened first.
func (s *stack) close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(errs...)
}

// backgroundWorkers leaves half of the cores to the calls being served.
func backgroundWorkers() int { return max(1, runtime.GOMAXPROCS(0)/2) }

// pause waits for d and reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// heartbeatInterval is what nodes are told: three heartbeats fit into the
// timeout; where there is none, none is expected.
func heartbeatInterval(timeout time.Duration) time.Duration {
	if timeout < 0 {
		return -1
	}
	return max(time.Second, timeout/3)
}
