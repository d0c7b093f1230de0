package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/status"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
)

// maxInFlight bounds what a server that answers nothing can make the client
// hold; requests beyond it are counted as overflow, never sent later.
const maxInFlight = 50_000

// measure runs the open loop and returns what it saw.
func measure(ctx context.Context, p plan, c *clients, shapes mix) (*report, error) {
	l := &loop{plan: p, clients: c, shapes: shapes, run: fmt.Sprintf("load-%x", time.Now().UnixNano())}
	warm, total := int(p.rate*p.warmup.Seconds()), int(p.rate*(p.warmup+p.duration).Seconds())
	places, releases := newTally(), newTally()

	pace := pacer{start: time.Now(), rate: p.rate}
	var sent int
	for n := 0; n < total && ctx.Err() == nil; n++ {
		due := pace.wait(n)
		toPlaces, toReleases := places, releases
		if n < warm {
			toPlaces, toReleases = nil, nil
		} else {
			sent++
		}
		if l.inFlight.Load() >= maxInFlight {
			toPlaces.fail("client_overflow")
			continue
		}
		l.inFlight.Add(1)
		l.calls.Go(func() {
			defer l.inFlight.Add(-1)
			l.one(ctx, n, due, toPlaces, toReleases)
		})
	}
	ended := time.Now()
	l.calls.Wait()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("stopped: %w", err)
	}
	measured := ended.Sub(pace.due(warm))
	return newReport(p, sent, measured, places, releases), nil
}

// loop is one run.
type loop struct {
	plan     plan
	clients  *clients
	shapes   mix
	run      string // makes ids unique to the run
	calls    sync.WaitGroup
	inFlight atomic.Int64
}

// one asks for one placement and later gives it back.
func (l *loop) one(ctx context.Context, n int, due time.Time, places, releases *tally) {
	id := fmt.Sprintf("%s-%d", l.run, n)
	p, err := l.place(ctx, n, id)
	switch {
	case err != nil:
		places.fail(status.Code(err).String())
		return
	case p.Node == "":
		places.answer(time.Since(due), true)
		return
	}
	places.answer(time.Since(due), false)
	if l.plan.dryRun {
		return
	}
	due = time.Now().Add(l.plan.hold)
	select {
	case <-ctx.Done():
		return
	case <-time.After(l.plan.hold):
	}
	ctx, cancel := context.WithTimeout(ctx, l.plan.timeout)
	defer cancel()
	target := &auspexv1.ReleaseRequest_DecisionId{DecisionId: p.DecisionId}
	if _, err := l.clients.place(n).Release(ctx, &auspexv1.ReleaseRequest{Target: target}); err != nil {
		releases.fail(status.Code(err).String())
		return
	}
	releases.answer(time.Since(due), false)
}

func (l *loop) place(ctx context.Context, n int, id string) (*auspexv1.PlaceResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, l.plan.timeout)
	defer cancel()
	return l.clients.place(n).Place(ctx, &auspexv1.PlaceRequest{
		RequestId: id, Workload: l.shapes.workload(n, id), DryRun: l.plan.dryRun,
	})
}

// pacer says when each request is due.
type pacer struct {
	start time.Time
	rate  float64
}

func (p pacer) due(n int) time.Time {
	return p.start.Add(time.Duration(float64(n) / p.rate * float64(time.Second)))
}

// wait returns when request n is due, once it is: at once for one that is late.
func (p pacer) wait(n int) time.Time {
	due := p.due(n)
	sleepUntil(due)
	return due
}
