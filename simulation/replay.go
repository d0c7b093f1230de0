package simulation

import (
	"container/heap"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/auspex-project/auspex/datasets"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/packing"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/filter"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/rival"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// replay is one policy at work on one sequence of arrivals.
type replay struct {
	trace   *Trace
	policy  policy
	service *ledger.Service
	books   *books
	leaving leaving
	planner planner

	result outcome
}

// outcome is what came of a replay.
type outcome struct {
	arrived  float64 // asked for, as a multiple of what the fleet has
	refused  float64 // of that, what failed asked for
	placed   int
	failed   int
	deciding time.Duration // within Place alone
	planning time.Duration
	points   []Point
	now      Point // as it is, or with departures the mean over time
}

// class is the one class of replayed workloads: what they ask for is what they get.
const class workload.Class = "replayed"

// planFor is how many arrivals pass between the start of a plan and its adoption: a
// fixed number, so that a replay is the same on machines of any speed.
const planFor = 32

func newReplay(ctx context.Context, t *Trace, p policy, seed uint64) (*replay, error) {
	if t.unit.of != resource.GPU && p.plain != nil {
		p.scorers = p.plain
	}
	weights := make(map[string]float64)
	for _, s := range p.scorers {
		if weights[s.Name()] = s.DefaultWeight(); len(p.scorers) == 1 {
			weights[s.Name()] = 1 // it may be off by default
		}
	}
	service, err := ledger.Open(ctx, ledger.Options{
		Settings: placement.Settings{
			Classes: []workload.ClassPolicy{{Class: class, Tier: workload.Revocable, Weight: 1, Horizon: 24 * time.Hour, Risk: .01}},
			Weights: placement.Weights{Default: weights}, ColdStart: placement.AtRequest, Seed: seed,
			HeartbeatTimeout: -1, WaitFor: -1, KeepDecisions: 1,
		},
		Filters: filter.All(), Scorers: p.scorers,
		Grid: forecast.Grid{Slot: 24 * time.Hour, Slots: 1}, // nothing is forecast
	})
	if err != nil {
		return nil, err
	}
	for i := range t.Nodes {
		if err := service.RegisterNode(ctx, t.Nodes[i]); err != nil {
			return nil, err
		}
	}
	r := &replay{trace: t, policy: p, service: service, books: newBooks(t)}
	if p.told {
		var models packing.Vocabulary
		targets := t.mix(&models)
		service.AdoptWorth(packing.Unplanned(targets, models.Names()))
	}
	return r, nil
}

// run replays arrivals, given as positions in the trace's pods, in order. With
// departures, what has departed by the time of an arrival is released before it.
func (r *replay) run(ctx context.Context, arrivals []int32, departures bool, c *curve) error {
	defer r.planner.stop()
	for n, pod := range arrivals {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		a := &r.trace.Pods[pod]
		if departures {
			if err := r.release(ctx, a.Arrive, c); err != nil {
				return err
			}
			c.elapse(r, a.Arrive)
		}
		if err := r.plan(ctx, n); err != nil {
			return err
		}
		if err := r.place(ctx, a, n, departures); err != nil {
			return err
		}
		r.result.arrived += r.trace.unit.share(&a.Workload)
		c.arrive(r)
	}
	c.end(r, departures)
	return nil
}

// place asks the engine for a place, and enters the answer into the books.
func (r *replay) place(ctx context.Context, a *datasets.Arrival, n int, departures bool) error {
	w := a.Workload
	w.ID += "#" + strconv.Itoa(n) // a pod may come more than once
	w.Class, w.Labels, w.Queue, w.Owner = class, nil, "", ""
	if r.policy.draws {
		w.Labels = map[string]string{rival.DrawLabel: strconv.Itoa(n)}
	}
	started := time.Now()
	d, err := r.service.Place(ctx, ledger.Request{ID: w.ID, Workload: &w})
	r.result.deciding += time.Since(started)
	if err != nil {
		return err
	}
	if d.Node == "" {
		r.result.failed++
		r.result.refused += r.trace.unit.share(&a.Workload)
		return nil
	}
	r.result.placed++
	if departures && !a.Depart.IsZero() {
		heap.Push(&r.leaving, departure{a.Depart, d.ID, &w, d.Node, d.Devices})
	}
	return r.books.place(&w, d.Node, d.Devices)
}

// release lets go of what has departed by now.
func (r *replay) release(ctx context.Context, now time.Time, c *curve) error {
	for len(r.leaving) > 0 && !r.leaving[0].at.After(now) {
		d := heap.Pop(&r.leaving).(departure)
		c.elapse(r, d.at)
		if held, err := r.service.Release(ctx, d.decision); err != nil || !held {
			return fmt.Errorf("release %s: held %v: %w", d.workload.ID, held, err)
		}
		if err := r.books.release(d.workload, d.node, d.devices); err != nil {
			return err
		}
	}
	return nil
}

// plan adopts a plan that was started planFor arrivals before n, and starts one that
// has become due.
func (r *replay) plan(ctx context.Context, n int) error {
	if !r.policy.learns {
		return nil
	}
	if r.planner.pending != nil && n >= r.planner.until {
		w, took, err := r.planner.wait()
		if err != nil {
			return err
		}
		r.result.planning += took
		r.service.AdoptWorth(w)
	}
	if r.planner.pending == nil {
		if problem, due := r.service.PackingDue(); due {
			r.planner.start(ctx, problem, n+planFor)
		}
	}
	return nil
}

// planner solves one problem at a time beside the replay.
type planner struct {
	pending chan plan // nil: none
	until   int       // arrival before which the plan is adopted
	cancel  context.CancelFunc
}

type plan struct {
	worth *packing.Worth
	took  time.Duration
	err   error
}

func (p *planner) start(ctx context.Context, problem packing.Problem, until int) {
	ctx, p.cancel = context.WithCancel(ctx)
	pending := make(chan plan, 1)
	p.pending, p.until = pending, until
	go func() {
		started := time.Now()
		w, err := problem.Solve(ctx)
		pending <- plan{w, time.Since(started), err}
	}()
}

// wait blocks until the pending plan is done and returns it.
func (p *planner) wait() (*packing.Worth, time.Duration, error) {
	done := <-p.pending
	p.cancel()
	p.pending = nil
	return done.worth, done.took, done.err
}

// stop cancels the pending plan, if any, and waits for it to end.
func (p *planner) stop() {
	if p.pending != nil {
		p.cancel()
		<-p.pending
		p.pending = nil
	}
}

// leaving orders what is placed by its departure; of the same instant, in any order, but
// always the same.
type leaving []departure

type departure struct {
	at       time.Time
	decision string
	workload *workload.Workload
	node     string
	devices  []int
}

func (l leaving) Len() int           { return len(l) }
func (l leaving) Less(i, j int) bool { return l[i].at.Before(l[j].at) }
func (l leaving) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }
func (l *leaving) Push(x any)        { *l = append(*l, x.(departure)) }

func (l *leaving) Pop() any {
	last := len(*l) - 1
	d := (*l)[last]
	(*l)[last] = departure{}
	*l = (*l)[:last]
	return d
}

// Point is the fleet at a moment, or the mean over many. Shares are of what there
// is; Fragmented is of what is free of devices.
type Point struct {
	Arrived    float64 `json:"arrived_ratio"` // asked for so far, as a multiple of what the fleet has
	GPU        float64 `json:"gpu_allocated_ratio"`
	CPU        float64 `json:"cpu_allocated_ratio"`
	Memory     float64 `json:"memory_allocated_ratio"`
	Fragmented float64 `json:"gpu_fragmented_ratio"`
	Failed     float64 `json:"failed_ratio"` // of the arrivals so far
}

func (r *replay) point() Point {
	b, o := r.books, &r.result
	return Point{
		Arrived: o.arrived, GPU: b.allocated(resource.GPU), CPU: b.allocated(resource.CPU), Memory: b.allocated(resource.Memory),
		Fragmented: b.fragmented(), Failed: float64(o.failed) / float64(max(1, o.failed+o.placed)),
	}
}
