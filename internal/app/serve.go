package app

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/auspex-project/auspex/internal/garbage"
)

// Serve collects, retrains and answers until ctx ends.
func Serve(ctx context.Context, stdio IO, configPath string) (err error) {
	c, err := LoadConfig(configPath)
	if err != nil {
		return err
	}
	log := newLog(stdio, c.Log)
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGHUP)
	defer signal.Stop(again)

	garbage.Adjust()
	s, err := openStack(ctx, c, log)
	if err != nil {
		return err
	}
	defer closing(&err, "server", s.close)
	l, err := listen(c.Server)
	if err != nil {
		return err
	}
	log.Info("serving", "grpc", l.grpc.Addr(), "http", c.Server.HTTPAddress, "store", c.Store.Driver, "data_dir", c.DataDir)

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return garbage.Run(ctx) })
	group.Go(func() error { return s.run(ctx, l) })
	group.Go(func() error {
		return watchConfig(ctx, ConfigPath(configPath), c, again, log, s.reload)
	})
	context.AfterFunc(ctx, func() { log.Info("stopping") })
	if err := group.Wait(); err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}
