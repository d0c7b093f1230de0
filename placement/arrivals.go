package placement

import (
	"context"
	"hash/maphash"
	"math/bits"
	"sync"

	"github.com/auspex-project/auspex/packing"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// arrivals learns the mix of workloads that are asked for, which decides what is
// worth keeping free of devices. A workload asked for again soon counts once, so
// that what waits for a place does not outweigh what got one.
type arrivals struct {
	seed maphash.Seed
	due  chan struct{} // holds one when a plan is due

	mu struct {
		sync.Mutex
		mix    packing.Mix
		models packing.Vocabulary
		recent [1 << 12]uint64 // hashes of ids, by their low bits
		seen   uint64          // workloads
	}
}

const (
	firstPlan  = 16      // workloads seen; from then on whenever their number doubles,
	planEvery  = 1 << 15 // at the latest after so many
	firstRound = 256     // workloads from which on a plan is refined
	planRounds = 8
)

func newArrivals() *arrivals { return &arrivals{seed: maphash.MakeSeed(), due: make(chan struct{}, 1)} }

// count counts the workload of a request, where the fleet has devices.
func (a *arrivals) count(r *Request, q *Query) {
	if !r.DryRun && q.State.Catalogue.MostDevices > 0 {
		a.add(q.Workload, q.Accelerator, q.Needs)
	}
}

func (a *arrivals) add(w *workload.Workload, need Accelerator, needs []Need) {
	id := maphash.String(a.seed, w.ID)
	a.mu.Lock()
	defer a.mu.Unlock()
	recent := &a.mu.recent[id%uint64(len(a.mu.recent))]
	if *recent == id {
		return
	}
	*recent = id
	t := packing.Task{
		Class:      packing.Class{Cores: w.Requests.Get(resource.CPU), Devices: int32(need.Devices)},
		NeedMemory: w.Requests.Get(resource.Memory),
	}
	if need.Devices > 0 {
		t.Share = max(need.Share/(WholeDevice/packing.Whole), 1)
		t.Models = a.mu.models.Set(w.Accelerator.Models)
	}
	for i := range needs {
		if needs[i].Resource == resource.CPU {
			t.NeedCores = float64(needs[i].Peak)
		}
	}
	a.mu.mix.Add(t)
	a.mu.seen++
	if n := a.mu.seen; n >= firstPlan && bits.OnesCount64(n) == 1 || n%planEvery == 0 {
		select {
		case a.due <- struct{}{}:
		default: // one is due already
		}
	}
}

// PackingDue returns what to plan when enough has arrived since that was last
// asked: the nodes without what is on them, and the mix of what arrived. Run plans
// by itself; where it is not running the caller solves the problem and adopts what
// comes of it.
func (s *Service) PackingDue() (p packing.Problem, due bool) {
	select {
	case <-s.arrivals.due:
		return s.packingProblem(), true
	default:
		return packing.Problem{}, false
	}
}

// AdoptWorth makes w what devices are valued by; nil forgets it.
func (s *Service) AdoptWorth(w *packing.Worth) {
	s.ledger.value(w)
	s.metrics.plans.Inc()
}

func (l *ledger) value(w *packing.Worth) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := *l.mu.state.Catalogue
	c.Worth = w
	l.change().Catalogue = &c
}

// planPacking plans whenever that is due until ctx ends.
func (s *Service) planPacking(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.arrivals.due:
		}
		w, err := s.packingProblem().Solve(ctx)
		if err != nil {
			return // ctx ended
		}
		s.AdoptWorth(w)
		s.log.Debug("planned what free devices are worth", "classes", len(w.Targets))
	}
}

func (s *Service) packingProblem() packing.Problem {
	state := s.ledger.latest()
	defer state.done()
	a := s.arrivals
	a.mu.Lock()
	defer a.mu.Unlock()
	p := packing.Problem{Targets: a.mu.mix.Targets(), Seed: state.Policy.Seed}
	if a.mu.seen >= firstRound {
		p.Rounds = planRounds
	}
	for _, b := range state.Blocks {
		for m := b.Live & b.Accelerated; m != 0; m &= m - 1 {
			i := bits.TrailingZeros64(m)
			n := b.Node[i]
			machine := packing.Machine{Cores: n.Capacity.Get(resource.CPU), Memory: n.Capacity.Get(resource.Memory)}
			for _, d := range n.Devices[:min(len(n.Devices), packing.MostDevices)] {
				machine.Devices = append(machine.Devices, a.mu.models.Bit(d.Model))
			}
			p.Machines = append(p.Machines, machine)
		}
	}
	p.Models = a.mu.models.Names()
	return p
}
