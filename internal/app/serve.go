package app

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"golang.org/x/sync/errgroup"
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

	if os.Getenv("GOGC") == "" {
		// What lives long is small beside what a call allocates: collecting less often
		// takes a tenth off the CPU time of a busy server for some hundred MiB.
		debug.SetGCPercent(400)
	}
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
