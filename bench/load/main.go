package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"runtime/pprof"
	"time"
)

// plan is what the command line asks for.
type plan struct {
	server      string
	nodes       int           // to register first
	placed      int           // workloads to place and confirm first
	rate        float64       // placements a second
	batch       int           // requests of one message; 0 = each by a Place of its own
	streams     int           // that carry the batches; 0 = a call for each
	brief       bool          // ask for answers without scores
	duration    time.Duration // of the measured run
	warmup      time.Duration // at the same rate, not measured
	hold        time.Duration // between a placement and its release
	together    int           // placements released by one call
	timeout     time.Duration // of each call
	connections int
	lean        bool // without grpc-go
	mix         string
	dryRun      bool
	seed        uint64
	output      string
	profile     string // file for the client's own profile; "" = none
}

func main() {
	// The server shares the processors: what garbage costs here it would lack. Some MB
	// are live, so that a collection is due every few seconds.
	debug.SetGCPercent(5000)
	debug.SetMemoryLimit(1 << 30)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(0)
	case errors.As(err, new(misuse)):
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// profile writes where CPU time goes to a file until stop is called.
func profile(path string) (stop func() error, err error) {
	if path == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, fmt.Errorf("profile: %w", errors.Join(err, f.Close()))
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

// misuse is an error in the command line.
type misuse struct{ error }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	p, err := parse(args, stderr)
	if err != nil {
		return err
	}
	c, err := connect(p.server, p.connections)
	if err != nil {
		return err
	}
	defer c.close()
	shapes, err := newMix(p.mix, p.seed)
	if err != nil {
		return misuse{err}
	}

	fill := filler{clients: c, shapes: shapes, log: stderr}
	if err := fill.register(ctx, p.nodes); err != nil {
		return err
	}
	if err := fill.place(ctx, p.placed); err != nil {
		return err
	}
	if !p.lean { // which has them in its own loop
		beats, stopBeats := context.WithCancel(ctx)
		beating := make(chan struct{})
		go func() { defer close(beating); fill.beat(beats, p.nodes) }()
		defer func() { stopBeats(); <-beating }()
	}

	stop, err := profile(p.profile)
	if err != nil {
		return err
	}
	report, err := measure(ctx, p, c, shapes)
	if err := errors.Join(err, stop()); err != nil {
		return err
	}
	return report.print(stdout, p.output)
}

func parse(args []string, stderr io.Writer) (plan, error) {
	var p plan
	f := flag.NewFlagSet("load", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&p.server, "server", "127.0.0.1:7070", "gRPC address of the server")
	f.IntVar(&p.nodes, "nodes", 0, "nodes to register first")
	f.IntVar(&p.placed, "placed", 0, "workloads to place and confirm first")
	f.Float64Var(&p.rate, "rate", 2000, "placements a second")
	f.IntVar(&p.batch, "batch", 0, "placements asked for by one PlaceBatch; 0 uses Place")
	f.IntVar(&p.streams, "streams", 0, "send batches over so many PlaceStreams, one under way on each")
	f.BoolVar(&p.brief, "brief", false, "ask for answers without scores, alternatives and rejections")
	f.DurationVar(&p.duration, "duration", 30*time.Second, "how long to measure")
	f.DurationVar(&p.warmup, "warmup", 3*time.Second, "how long to run before measuring")
	f.DurationVar(&p.hold, "hold", time.Second, "time between a placement and its release")
	f.IntVar(&p.together, "release", 1, "placements given back by one call: 1 uses Release, more ReleaseBatch")
	f.DurationVar(&p.timeout, "timeout", 5*time.Second, "of each call")
	f.IntVar(&p.connections, "connections", 2, "connections to spread the calls over")
	f.BoolVar(&p.lean, "lean", false, "measure with a client that costs a fraction of grpc-go's")
	f.StringVar(&p.mix, "mix", "fifty", "request shapes: alike, fifty or different")
	f.BoolVar(&p.dryRun, "dry-run", false, "ask for decisions that reserve nothing")
	f.Uint64Var(&p.seed, "seed", 1, "of the shapes")
	f.StringVar(&p.output, "o", "table", "table or json")
	f.StringVar(&p.profile, "cpuprofile", "", "write a profile of the client's own CPU time to this file")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return plan{}, err
		}
		return plan{}, misuse{err}
	}
	switch {
	case f.NArg() > 0:
		return plan{}, misuse{fmt.Errorf("unexpected argument %q", f.Arg(0))}
	case !(p.rate > 0) || p.rate > 1e6:
		return plan{}, misuse{fmt.Errorf("rate %g is not between 0 and 1,000,000 a second", p.rate)}
	case p.nodes < 0 || p.placed < 0 || p.connections < 1:
		return plan{}, misuse{errors.New("nodes and placed may not be negative, connections must be positive")}
	case p.batch < 0 || p.batch > 10_000 || p.streams < 0 || p.streams > 0 && p.batch == 0:
		return plan{}, misuse{errors.New("batch must be 0 to 10,000, and streams carry batches")}
	case p.lean && p.batch > 0:
		return plan{}, misuse{errors.New("lean is for Place alone, not for batches")}
	case p.together < 1 || p.together > 10_000:
		return plan{}, misuse{errors.New("release must be 1 to 10,000")}
	case p.duration <= 0 || p.warmup < 0 || p.hold < 0 || p.timeout <= 0:
		return plan{}, misuse{errors.New("duration and timeout must be positive, warmup and hold may not be negative")}
	case p.output != "table" && p.output != "json":
		return plan{}, misuse{fmt.Errorf("output %q is neither table nor json", p.output)}
	}
	return p, nil
}
