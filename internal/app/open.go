package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/auspex-project/auspex/collector"
	"github.com/auspex-project/auspex/internal/config"
	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/internal/store/influx"
	"github.com/auspex-project/auspex/internal/store/sqlite"
	"github.com/auspex-project/auspex/internal/wal"
	"github.com/auspex-project/auspex/resource"
)

// openHistory opens the store the configuration names.
func openHistory(ctx context.Context, c config.Store) (store.History, error) {
	if c.Driver == "influx" {
		return influx.Open(ctx, influx.Options{URL: c.Influx.URL, Org: c.Influx.Org, Bucket: c.Influx.Bucket, Token: string(c.Influx.Token)})
	}
	return sqlite.Open(c.Path, sqlite.Options{})
}

// openHistoryReadOnly opens the store for a command that only looks.
func openHistoryReadOnly(ctx context.Context, c config.Store) (store.History, error) {
	if c.Driver == "sqlite" {
		return sqlite.Open(c.Path, sqlite.Options{ReadOnly: true})
	}
	return openHistory(ctx, c)
}

// openCollector opens the spool in front of a store.
func openCollector(cfg *config.Config, to collector.Store, metrics prometheus.Registerer, log *slog.Logger) (*collector.Collector, error) {
	c := cfg.Collector
	var custom []resource.Name
	for _, name := range cfg.Resources.Custom {
		custom = append(custom, resource.Name(name))
	}
	skew := c.MaxClockSkew
	if skew == 0 {
		skew = -1 // none; the collector's own zero is its default
	}
	opened, err := collector.Open(to, collector.Options{
		Dir: c.Spool.Dir, MaxBytes: int64(c.Spool.MaxBytes), MaxClockSkew: skew,
		Custom:     custom,
		IsRefusal:  func(err error) bool { return errors.Is(err, store.ErrRefused) },
		Registerer: metrics, Logger: log,
	})
	return opened, inUse(err)
}

// inUse adds a hint to the error of a folder that another process holds.
func inUse(err error) error {
	if errors.Is(err, wal.ErrLocked) {
		return fmt.Errorf("%w (is 'auspex serve' or 'collect' running on it? data_dir sets another folder)", err)
	}
	return err
}

// closing runs close when a command ends and keeps its error if there was no
// other.
func closing(err *error, what string, close func() error) {
	if closeErr := close(); closeErr != nil && *err == nil {
		*err = fmt.Errorf("close %s: %w", what, closeErr)
	}
}
