package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
)

// filler brings the fleet into the state the run is measured in.
type filler struct {
	clients *clients
	shapes  mix
	log     io.Writer
}

// width is how many calls prepare the fleet at once.
const width = 32

func (f filler) register(ctx context.Context, nodes int) error {
	return f.each(ctx, "register", nodes, func(ctx context.Context, i int) error {
		_, err := f.clients.fleet(i).RegisterNode(ctx, &auspexv1.RegisterNodeRequest{Node: node(i)})
		return err
	})
}

func (f filler) place(ctx context.Context, workloads int) error {
	run := time.Now().UnixNano()
	return f.each(ctx, "place", workloads, func(ctx context.Context, i int) error {
		id := fmt.Sprintf("fill-%x-%d", run, i)
		p, err := f.clients.place(i).Place(ctx, &auspexv1.PlaceRequest{RequestId: id, Workload: f.shapes.workload(i, id)})
		if err != nil {
			return err
		}
		if p.Node == "" {
			return fmt.Errorf("the fleet is full: %s", p.Reason)
		}
		_, err = f.clients.place(i).Confirm(ctx, &auspexv1.ConfirmRequest{DecisionId: p.DecisionId})
		return err
	})
}

// each calls f for 0 to n-1, some at a time, and stops at the first error.
func (f filler) each(ctx context.Context, what string, n int, call func(context.Context, int) error) error {
	if n == 0 {
		return nil
	}
	start := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(width)
	for i := range n {
		group.Go(func() error {
			if err := call(ctx, i); err != nil {
				return fmt.Errorf("%s %d of %d: %w", what, i+1, n, err)
			}
			return nil
		})
		if ctx.Err() != nil {
			break
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	fmt.Fprintf(f.log, "%s: %d in %v\n", what, n, time.Since(start).Round(time.Millisecond))
	return nil
}

// beatEvery is how often each node is heard.
const beatEvery = 15 * time.Second

// beat keeps the registered nodes alive until ctx ends, a few at a time.
func (f filler) beat(ctx context.Context, nodes int) {
	if nodes == 0 {
		return
	}
	ticker := time.NewTicker(beatEvery / time.Duration(nodes))
	defer ticker.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if _, err := f.clients.fleet(i).Heartbeat(ctx, &auspexv1.HeartbeatRequest{Node: nodeName(i % nodes)}); err != nil && ctx.Err() == nil {
			fmt.Fprintf(f.log, "heartbeat of %s: %v\n", nodeName(i%nodes), err)
		}
	}
}
