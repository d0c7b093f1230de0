package app

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/auspex-project/auspex/collector"
	"github.com/auspex-project/auspex/collector/host"
	"github.com/auspex-project/auspex/collector/replay"
	"github.com/auspex-project/auspex/internal/app/demo"
	"github.com/auspex-project/auspex/internal/config"
	"github.com/auspex-project/auspex/training"
)

// DemoRequest is what the demo subcommand was asked.
type DemoRequest struct {
	Trace   string // FORMAT:PATH
	DataDir string // "" is a temporary folder, removed at the end
	Serve   bool   // stay up afterwards
}

// Demo runs the whole loop once, every stage real, and tells what happened.
func Demo(ctx context.Context, stdio IO, r DemoRequest) (err error) {
	trace, err := demo.OpenTrace(ctx, r.Trace)
	if err != nil {
		return err
	}
	dir, remove, err := demoDir(r.DataDir)
	if err != nil {
		return err
	}
	defer closing(&err, "demo", remove)
	c := demoConfig(dir, trace)
	s, err := openStack(ctx, c, newLog(stdio, c.Log))
	if err != nil {
		return err
	}
	defer closing(&err, "server", s.close)
	tell := demo.Story{Out: stdio.Out}
	tell.Opening(trace, dir)

	// 1. Collect: the trace and this machine, through the spool into the store.
	if err := demoCollect(ctx, s, trace, &tell); err != nil {
		return err
	}

	// 2. Learn: one night, now.
	o := trainingOptions(c)
	o.OnProgress = phases(stdio.Err)
	report, err := training.Run(ctx, s.history, s.registry, o)
	if err != nil {
		return err
	}
	if err := tell.Learned(&report); err != nil {
		return err
	}

	// 3. Serve, and 4. place through a real connection.
	if err := s.table.Refresh(ctx); err != nil {
		return err
	}
	l, err := listen(c.Server)
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(ctx)
	defer stop()
	group, serving := errgroup.WithContext(serving)
	group.Go(func() error { return s.run(serving, l) })
	group.Go(func() error {
		if err := demo.Place(serving, l.grpc.Addr().String(), trace, &tell); err != nil {
			return err
		}
		if r.Serve {
			tell.Staying(l.grpc.Addr().String(), l.http.Addr().String())
			<-serving.Done()
			return nil
		}
		tell.Closing()
		stop()
		return nil
	})
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return ctx.Err()
}

func demoDir(dir string) (_ string, remove func() error, err error) {
	if dir != "" {
		return dir, func() error { return nil }, nil
	}
	if dir, err = os.MkdirTemp("", "auspex-demo-"); err != nil {
		return "", nil, err
	}
	return dir, func() error { return os.RemoveAll(dir) }, nil
}

// demoConfig is the default configuration on free ports, with the trace's racks
// and queues.
func demoConfig(dir string, t *demo.Trace) *config.Config {
	c := config.Default()
	c.UseDataDir(dir)
	c.Server.GRPCAddress, c.Server.HTTPAddress = "127.0.0.1:0", "127.0.0.1:0"
	c.Log.Level = "warn"
	c.Collector.Host.Interval = demoHostInterval
	c.Placement.HeartbeatTimeout = -1 // nobody plays the nodes' agents
	c.Power.Racks = t.RackCaps
	for i := range t.Nodes { // what the trace says of its machines is vouched for
		e := t.Nodes[i].Entry()
		c.Registry[t.Nodes[i].Name] = config.Machine{
			Level: e.Level, Compartments: e.Compartments, Attested: e.Attested,
			DedicatedTenant: e.Dedicated.Tenant, DedicatedQueue: e.Dedicated.Queue,
		}
	}
	for _, q := range t.Queues {
		c.Queues[q] = config.Queue{Weight: demoWeights[q]}
	}
	return c
}

// demoWeights are those of the synthetic trace's queues; others weigh 1.
var demoWeights = map[string]float64{"prod": 4, "analytics": 2, "research": 2, "ops": 1}

const (
	demoHostInterval = time.Second
	demoHostFor      = 5 * time.Second
)

// demoCollect plays the trace and measures this machine meanwhile.
func demoCollect(ctx context.Context, s *stack, t *demo.Trace, tell *demo.Story) error {
	player, err := replay.New(t.Usage.Samples(ctx), replay.Options{EndNow: !t.Usage.Synthetic(), Logger: s.log})
	if err != nil {
		return err
	}
	machine, err := host.New(host.Options{Interval: demoHostInterval, Logger: s.log})
	if err != nil {
		return err
	}
	started := time.Now()
	if err := s.play(ctx, both{player, machine}); err != nil {
		return err
	}
	return tell.Collected(ctx, s.history, s.config.Store.Driver, t, time.Since(started))
}

// both runs a trace to its end, and a machine's measurement beside it for a few
// seconds at least.
type both struct {
	trace   collector.Source
	machine collector.Source
}

func (b both) Run(ctx context.Context, emit collector.Emit) error {
	group, ctx := errgroup.WithContext(ctx)
	measuring, stop := context.WithCancel(ctx)
	group.Go(func() error {
		defer stop()
		if err := b.trace.Run(ctx, emit); err != nil {
			return err
		}
		pause(ctx, demoHostFor)
		return nil
	})
	group.Go(func() error {
		if err := b.machine.Run(measuring, emit); err != nil && measuring.Err() == nil {
			return err
		}
		return nil
	})
	return group.Wait()
}
