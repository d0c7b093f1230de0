package engine

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/auspex-project/auspex/allocator"
	"github.com/auspex-project/auspex/internal/garbage"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/filter"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/score"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// Case is a fleet and what is asked of it.
type Case struct {
	Nodes int
	Full  float64 // share of all cores and bytes that is requested by what is placed
	Mix   Mix
}

func (c Case) String() string {
	return fmt.Sprintf("nodes=%d/full=%.0f%%/mix=%s", c.Nodes, 100*c.Full, c.Mix)
}

// Mix says how many shapes of request there are.
type Mix string

const (
	Alike     Mix = "alike"
	Fifty     Mix = "fifty"
	Different Mix = "different"
)

// manyShapes is how many requests of the mix Different come before one comes
// again: far more than the engine remembers.
const manyShapes = 1 << 15

// shapes returns the requests of a mix, without their ids.
func (m Mix) shapes() ([]*workload.Workload, error) {
	n := map[Mix]int{Alike: 1, Fifty: 50, Different: manyShapes}[m]
	if n == 0 {
		return nil, fmt.Errorf("mix %q is neither %s, %s nor %s", m, Alike, Fifty, Different)
	}
	list := make([]*workload.Workload, n)
	for k := range list {
		list[k] = newWorkload(k, m == Different)
	}
	return list, nil
}

// Bench is an open service with a filled fleet.
type Bench struct {
	Case
	Service *ledger.Service
	Placed  int // workloads on the fleet, which stay as many

	shapes []*workload.Workload
	held   []string // decisions
	random *rand.Rand
	asked  int
}

// Open fills a fleet.
func Open(c Case) (*Bench, error) {
	shapes, err := c.Mix.shapes()
	if err != nil {
		return nil, err
	}
	b := &Bench{Case: c, shapes: shapes, random: rand.New(rand.NewPCG(1, 2))}
	told := make(forecaster)
	for _, w := range shapes {
		told[w.App] = newForecast(w, b.random)
	}
	queues := make([]allocator.Queue, 4)
	for i := range queues {
		queues[i] = allocator.Queue{
			Name: fmt.Sprintf("team%d", i), Guarantee: resource.Of(float64(c.Nodes), float64(4*c.Nodes)*gib),
			Limit: resource.Of(float64(100*c.Nodes), float64(400*c.Nodes)*gib),
		}
	}
	tree, err := allocator.NewTree(queues)
	if err != nil {
		return nil, fmt.Errorf("open engine benchmark: %w", err)
	}
	settings := placement.Settings{HeartbeatTimeout: -1, Queues: tree, Geography: geography()}
	capPower(&settings, c.Nodes, c.Full)
	b.Service, err = ledger.Open(context.Background(), ledger.Options{
		Settings: settings, Filters: filter.All(), Scorers: score.All(), Forecaster: told, Journal: &past{b, told},
	})
	if err != nil {
		return nil, fmt.Errorf("open engine benchmark: %w", err)
	}
	b.Placed = len(b.held)
	return b, nil
}

// past is the journal the fleet starts from; it keeps nothing.
type past struct {
	bench *Bench
	told  forecaster
}

func (p *past) Append(...ledger.Record) error           { return nil }
func (p *past) Compact(func() ledger.Snapshot) error    { return nil }
func (p *past) Replay() iter.Seq2[ledger.Record, error] { return p.records }

// records yields the nodes and what fills them, forecast by forecast like what is
// asked for later.
func (p *past) records(yield func(ledger.Record, error) bool) {
	b, seq := p.bench, uint64(0)
	next := func(r ledger.Record) bool {
		seq++
		r.Seq = seq
		return yield(r, nil)
	}
	const fillers = 40
	var plain []*workload.Workload
	for k := range fillers {
		w := newWorkload(5*k, false)
		cores := [...]float64{2, 4, 4, 8, 12}[k%5]
		w = &workload.Workload{App: fmt.Sprintf("filler%d", k), Class: w.Class, Queue: w.Queue, Requests: resource.Of(cores, cores*4*gib)}
		w.Limits = w.Requests.Scale(1.5)
		p.told[w.App] = newForecast(w, b.random)
		plain = append(plain, w)
	}
	for i := range b.Nodes {
		n := newNode(i)
		if !next(ledger.Record{Kind: ledger.NodeRegistered, Node: &n}) {
			return
		}
		// Evenly between empty and full, or as near to that as leaves it as full.
		spread := min(b.Full, 1-b.Full)
		room := (b.Full + spread*(2*b.random.Float64()-1)) * n.Capacity.Get(resource.CPU)
		for device := 0; ; device++ {
			w := *plain[b.random.IntN(fillers)]
			cores := w.Requests.Get(resource.CPU)
			if cores/2 > room {
				break
			}
			room -= cores
			if device == 0 && i%100 == 5 {
				w.Labels = cache
			}
			w.ID = fmt.Sprintf("fill%d", len(b.held))
			if b.Mix == Different {
				w.Owner = "owner-of-" + w.ID // no two are alike
			}
			held := &ledger.Reservation{Decision: w.ID, Request: w.ID, Workload: &w, Class: w.Class, Node: n.Name, Confirmed: true}
			if device < len(n.Devices) && b.random.Float64() < b.Full {
				w.Accelerator = workload.Accelerator{Devices: 1, Share: 1}
				held.Devices = []int{device}
			}
			b.held = append(b.held, w.ID)
			if !next(ledger.Record{Kind: ledger.WorkloadReserved, Reserved: held}) {
				return
			}
		}
	}
}

// Step asks for one place and gives back one that was given earlier, so that the
// fleet stays as full as it was. It returns how long the decision took, and
// whether there was a place.
func (b *Bench) Step() (took time.Duration, placed bool, err error) {
	w := *b.shapes[b.asked%len(b.shapes)]
	w.ID = fmt.Sprintf("w%d", b.asked)
	b.asked++
	start := time.Now()
	d, err := b.Service.Place(context.Background(), ledger.Request{ID: w.ID, Workload: &w})
	took = time.Since(start)
	switch {
	case err != nil:
		return took, false, err
	case d.Considered != b.Nodes || len(d.Rejections) == 0:
		return took, false, fmt.Errorf("%s: considered %d of %d nodes by %d rules", w.ID, d.Considered, b.Nodes, len(d.Rejections))
	case d.Node == "":
		return took, false, nil
	case d.Feasible == 0 || len(d.Scores) == 0:
		return took, false, fmt.Errorf("%s: on %s, with %d feasible nodes and %d scores", w.ID, d.Node, d.Feasible, len(d.Scores))
	}
	at := b.random.IntN(len(b.held))
	released, err := b.Service.Release(context.Background(), b.held[at])
	if !released && err == nil {
		err = fmt.Errorf("decision %s held nothing", b.held[at])
	}
	b.held[at] = d.ID
	return took, true, err
}

// Result is what a number of steps cost.
type Result struct {
	Decisions int
	Refused   int     // found no place
	PerCPU    float64 // decisions a second of CPU time, user and system, garbage collection and releases included
	P50, P99  time.Duration
	Allocated float64 // bytes a decision
}

// Measure takes steps after warming up, and fails unless nearly all found a place. As much
// garbage piles up meanwhile as a server lets, unless the environment says GOGC.
func (b *Bench) Measure(warmUp, steps int) (Result, error) {
	for range warmUp {
		if _, _, err := b.Step(); err != nil {
			return Result{}, fmt.Errorf("%s: %w", b.Case, err)
		}
	}
	runtime.GC()
	garbage.Adjust()
	took := make([]time.Duration, 0, steps)
	r := Result{Decisions: steps}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu := cpuSeconds()
	for range steps {
		t, placed, err := b.Step()
		if err != nil {
			return Result{}, fmt.Errorf("%s: %w", b.Case, err)
		}
		if !placed {
			r.Refused++
		}
		took = append(took, t)
	}
	r.PerCPU = float64(steps) / (cpuSeconds() - cpu)
	runtime.ReadMemStats(&after)
	r.Allocated = float64(after.TotalAlloc-before.TotalAlloc) / float64(steps)
	slices.Sort(took)
	r.P50, r.P99 = took[len(took)/2], took[len(took)*99/100]
	if r.Refused > steps/12 { // what is left on full fleets is small
		return r, fmt.Errorf("%s: %d of %d found no place", b.Case, r.Refused, steps)
	}
	return r, nil
}

// cpuSeconds returns the CPU time this process has used: on a machine that is
// shared, the one clock that says what a decision costs.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it has no way to fail
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
