package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/auspex-project/auspex/collector"
	"github.com/auspex-project/auspex/collector/host"
	"github.com/auspex-project/auspex/collector/replay"
	"github.com/auspex-project/auspex/internal/app/output"
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
	trace, err := openDemoTrace(ctx, r.Trace)
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
	tell := demoTeller{out: stdio.Out}
	tell.opening(trace, dir)

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
	if err := tell.learned(&report); err != nil {
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
		if err := demoPlace(serving, l.grpc.Addr().String(), trace, &tell); err != nil {
			return err
		}
		if r.Serve {
			tell.staying(l)
			<-serving.Done()
			return nil
		}
		tell.closing()
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
func demoConfig(dir string, t *demoTrace) *config.Config {
	c := config.Default()
	c.UseDataDir(dir)
	c.Server.GRPCAddress, c.Server.HTTPAddress = "127.0.0.1:0", "127.0.0.1:0"
	c.Log.Level = "warn"
	c.Collector.Host.Interval = demoHostInterval
	c.Placement.HeartbeatTimeout = -1 // nobody plays the nodes' agents
	c.Power.Racks = t.rackCaps
	for i := range t.nodes { // what the trace says of its machines is vouched for
		e := t.nodes[i].Entry()
		c.Registry[t.nodes[i].Name] = config.Machine{
			Level: e.Level, Compartments: e.Compartments, Attested: e.Attested,
			DedicatedTenant: e.Dedicated.Tenant, DedicatedQueue: e.Dedicated.Queue,
		}
	}
	for _, q := range t.queues {
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
func demoCollect(ctx context.Context, s *stack, t *demoTrace, tell *demoTeller) error {
	player, err := replay.New(t.usage.Samples(ctx), replay.Options{EndNow: !t.usage.Synthetic(), Logger: s.log})
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
	return tell.collected(ctx, s, t, time.Since(started))
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

// demoPlace registers the fleet, places what runs on it, then what arrives.
func demoPlace(ctx context.Context, address string, t *demoTrace, tell *demoTeller) error {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	d := newDemoFleet(conn, t)
	if err := d.register(ctx); err != nil {
		return err
	}
	running, err := d.placeAll(ctx, t.running)
	if err != nil {
		return err
	}
	before, err := d.status(ctx)
	if err != nil {
		return err
	}
	tell.fleet(t, len(running.placed), len(running.refused), before)
	arrived, err := d.placeAll(ctx, t.arriving)
	if err != nil {
		return err
	}
	tell.arrivals(arrived)
	if err := d.explainOne(ctx, arrived, tell); err != nil {
		return err
	}
	after, err := d.status(ctx)
	if err != nil {
		return err
	}
	tell.after(before, after)
	return nil
}

// demoTeller prints the story, section by section.
type demoTeller struct {
	out     io.Writer
	section int
}

func (t *demoTeller) head(format string, args ...any) {
	t.section++
	fmt.Fprintf(t.out, "\n%d. %s\n\n", t.section, fmt.Sprintf(format, args...))
}

func (t *demoTeller) line(format string, args ...any) { fmt.Fprintf(t.out, format+"\n", args...) }

func (t *demoTeller) table(g *output.Grid) { g.WriteTable(t.out) }
