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
	l.mu.placed = make(map[*tally][]string)
	places, releases := newTally(), newTally()

	l.idle, l.wait, l.sleep = func() {}, l.calls.Wait, sleepUntil
	send, finish, err := l.sender(ctx)
	if err != nil {
		return nil, err
	}
	if l.lean != nil {
		defer l.lean.close()
	}
	pace, step := &pacer{start: time.Now(), rate: p.rate, idle: l.idle, sleep: l.sleep}, max(1, p.batch)
	var sent int
	for n := 0; n < total && ctx.Err() == nil; n += step {
		due := pace.wait(n)
		g := group{first: n, n: min(step, total-n), due: due}
		if n >= warm {
			g.places, g.releases = places, releases
			sent += g.n
		}
		if l.inFlight.Load() >= maxInFlight {
			g.places.fail("client_overflow", g.n)
			continue
		}
		l.inFlight.Add(int64(g.n))
		send(g)
	}
	ended := time.Now()
	finish()
	l.wait()
	l.release("", 0, nil) // what is left over
	l.release("", 0, releases)
	l.wait()
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

	lean  *lean  // nil = grpc-go is used
	idle  func() // called while nothing is due
	sleep func(until time.Time)
	wait  func() // returns once all is answered

	mu struct {
		sync.Mutex
		placed map[*tally][]string // decisions to release together, by where that counts
	}
}

// group is requests sent together; tallies are nil while warming up.
type group struct {
	first, n         int
	due              time.Time
	places, releases *tally
}

// sender returns how the plan sends a group, and what to call after the last.
func (l *loop) sender(ctx context.Context) (send func(group), finish func(), err error) {
	each := l.one
	switch {
	case l.plan.lean:
		if l.lean, err = newLean(ctx, l); err != nil {
			return nil, nil, err
		}
		l.idle, l.wait, l.sleep = l.lean.poll, func() { l.lean.drain(ctx) }, nap
		return l.lean.place, func() {}, nil
	case l.plan.streams > 0:
		return l.overStreams(ctx)
	case l.plan.batch > 0:
		each = l.many
	}
	// Whoever is done waits for the next: stacks need not grow anew for each call.
	idle := make(chan group)
	send = func(g group) {
		select {
		case idle <- g:
			return
		default:
		}
		l.calls.Go(func() {
			for ok := true; ok; g, ok = <-idle {
				each(ctx, g)
				l.inFlight.Add(-int64(g.n))
			}
		})
	}
	return send, func() { close(idle) }, nil
}

// one asks for one placement.
func (l *loop) one(ctx context.Context, g group) {
	ctx, cancel := context.WithTimeout(ctx, l.plan.timeout)
	defer cancel()
	p, err := l.clients.place(g.first).Place(ctx, l.request(g.first))
	if err != nil {
		g.places.fail(status.Code(err).String(), 1)
		return
	}
	l.answered(g, p)
}

// request returns the n-th request.
func (l *loop) request(n int) *auspexv1.PlaceRequest {
	id := fmt.Sprintf("%s-%d", l.run, n)
	return &auspexv1.PlaceRequest{RequestId: id, Workload: l.shapes.workload(n, id), DryRun: l.plan.dryRun, Brief: l.plan.brief}
}

// answered counts an answer, and sees to its release.
func (l *loop) answered(g group, p *auspexv1.PlaceResponse) {
	g.places.answer(time.Since(g.due), p.GetNode() == "")
	if p.GetNode() != "" && !l.plan.dryRun {
		l.release(p.GetDecisionId(), l.plan.hold, g.releases)
	}
}

// release gives a placement back after a time, with those it waits for; "" waits
// for no more.
func (l *loop) release(decision string, after time.Duration, releases *tally) {
	l.mu.Lock()
	ids := l.mu.placed[releases]
	if decision != "" {
		ids = append(ids, decision)
	}
	if len(ids) == 0 || decision != "" && len(ids) < l.plan.together {
		l.mu.placed[releases] = ids
		l.mu.Unlock()
		return
	}
	delete(l.mu.placed, releases)
	l.mu.Unlock()
	due := time.Now().Add(after)
	if l.lean != nil {
		l.lean.releases = append(l.lean.releases, giveback{due, ids, releases})
		return
	}
	l.calls.Go(func() {
		time.Sleep(time.Until(due))
		ctx, cancel := context.WithTimeout(context.Background(), l.plan.timeout)
		defer cancel()
		if err := l.giveBack(ctx, ids); err != nil {
			releases.fail(status.Code(err).String(), len(ids))
			return
		}
		for range ids {
			releases.answer(time.Since(due), false)
		}
	})
}

func (l *loop) giveBack(ctx context.Context, ids []string) error {
	client := l.clients.place(len(ids[0]) + int(ids[0][len(ids[0])-1])) // any
	if l.plan.together > 1 {
		_, err := client.ReleaseBatch(ctx, &auspexv1.ReleaseBatchRequest{DecisionIds: ids})
		return err
	}
	_, err := client.Release(ctx, &auspexv1.ReleaseRequest{Target: &auspexv1.ReleaseRequest_DecisionId{DecisionId: ids[0]}})
	return err
}

// pacer says when each request is due.
type pacer struct {
	start time.Time
	rate  float64
	idle  func()    // called before it waits, and in place of that
	last  time.Time // that it was called
	sleep func(until time.Time)
}

func (p *pacer) due(n int) time.Time {
	return p.start.Add(time.Duration(float64(n) / p.rate * float64(time.Second)))
}

// grain is how long the pacer sleeps at least: what comes due meanwhile is sent
// together, late by less than that, which its latency counts. Sleeping for each
// would cost a tenth of a processor.
const grain = 500 * time.Microsecond

// wait returns when request n is due, once it is: at once for one that is late.
func (p *pacer) wait(n int) time.Time {
	due, now := p.due(n), time.Now()
	if due.After(now) || now.Sub(p.last) > grain {
		p.idle()
		p.last = now
	}
	if due.After(now) {
		p.sleep(now.Add(max(due.Sub(now), grain)))
	}
	return due
}
