package ledger

import (
	"context"
	"hash/maphash"
	"math"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/auspex-project/auspex/packing"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// arrivals learns the mix of workloads that are asked for, which decides what is
// worth keeping free of devices, and of cores and memory where the scorer RoomScorer
// counts. A workload asked for again soon counts once, so that what waits for a place
// does not outweigh what got one.
type arrivals struct {
	seed   maphash.Seed
	due    chan struct{} // holds one when a plan is due
	placed *atomic.Int64 // workloads in the fleet

	counting atomic.Bool // whether the last workload that came counted

	mu struct {
		sync.Mutex
		mix    packing.Mix // where the fleet has devices
		plain  packing.Mix // of workloads without devices, by cores and memory
		models packing.Vocabulary
		recent [1 << 12]uint64 // hashes of ids, by their low bits
		seen   uint64          // workloads

		came, left float64 // workloads, those before the last plans counting less and less
		leaving    float64 // workloads for each that came, at most 1, at the last plan

		refused packing.Refused
		large   [packing.MostDevices + 1]bool    // jobs of so many devices were asked for
		kept    [packing.MostDevices + 1]float64 // of them, what refused last said
		shut    packing.Shut
		level   int // of shut, at the last plan
	}
}

const (
	firstPlan  = 16      // workloads seen; from then on whenever their number doubles,
	planEvery  = 1 << 15 // at the latest after so many
	firstRound = 256     // workloads from which on a plan is refined
	planRounds = 8

	weighEvery  = 32 // workloads between looks at what is refused
	residences  = 4  // refusals are remembered for as many workloads as this times what is placed,
	leastMemory = 64 // at least so many,
	plainMemory = .1 // and those of work without devices as this times what is placed
)

// newArrivals returns arrivals at a fleet in which placed says how many workloads there are.
func newArrivals(placed *atomic.Int64) *arrivals {
	return &arrivals{seed: maphash.MakeSeed(), due: make(chan struct{}, 1), placed: placed}
}

// count counts the workload of a request, and reports whether it did.
func (a *arrivals) count(r *Request, q *placement.Query) bool {
	return !r.DryRun && a.add(q.Workload, q.Accelerator, q.Models, q.Needs, q.State.Catalogue.MostDevices > 0, q.State.Policy.Roomy(q.Policy.Class))
}

// add counts w in the mix for devices, in that for room, in both or in none. numbers
// are those that the fleet has for the models w names. Models that no node has are left
// out, and with them a workload that names no others: names come from callers and must
// not use up the vocabulary. It reports whether it counted w.
func (a *arrivals) add(w *workload.Workload, need placement.Accelerator, numbers []uint32, needs []placement.Need, devices, room bool) bool {
	room = room && need.Devices == 0
	if counts := devices || room; a.counting.Load() != counts {
		a.counting.Store(counts)
	}
	if !devices && !room {
		return false
	}
	nowhere := len(numbers) > 0 && slices.Max(numbers) == 0
	if need.Devices > 0 && nowhere {
		return false
	}
	id := maphash.String(a.seed, w.ID)
	a.mu.Lock()
	defer a.mu.Unlock()
	recent := &a.mu.recent[id%uint64(len(a.mu.recent))]
	if *recent == id {
		return false
	}
	*recent = id
	t := packing.Task{
		Class:      packing.Class{Cores: w.Requests.Get(resource.CPU), Devices: int32(need.Devices)},
		NeedMemory: w.Requests.Get(resource.Memory),
	}
	if need.Devices > 0 {
		t.Share = max(need.Share/(placement.WholeDevice/packing.Whole), 1)
		for i, n := range numbers {
			if n != 0 {
				t.Models |= a.mu.models.Bit(w.Accelerator.Models[i])
			}
		}
	}
	for i := range needs {
		if needs[i].Resource == resource.CPU {
			t.NeedCores = float64(needs[i].Peak)
		}
	}
	if devices {
		a.mu.mix.Add(t)
	}
	if room {
		t.Memory = t.NeedMemory
		a.mu.plain.Add(t)
	}
	a.mu.seen++
	a.mu.came++
	if need.Devices > 1 {
		a.mu.large[min(need.Devices, packing.MostDevices)] = true
	}
	n := a.mu.seen
	if n >= firstPlan && bits.OnesCount64(n) == 1 || n%planEvery == 0 {
		a.mu.leaving = min(a.mu.left/a.mu.came, 1)
		a.mu.came, a.mu.left = a.mu.came/2, a.mu.left/2
		a.planDue()
	}
	if n%weighEvery == 0 {
		a.weigh()
	}
	return true
}

// planDue has a plan made. The caller holds the lock.
func (a *arrivals) planDue() {
	select {
	case a.due <- struct{}{}:
	default: // one is due already
	}
}

// weigh lets what was refused count for less, and has a plan made when places for large
// jobs have become worth more or less. The caller holds the lock.
func (a *arrivals) weigh() {
	placed := float64(a.placed.Load() + 1) // with the one that has just come
	a.mu.refused.Fade(math.Exp(-weighEvery / max(residences*placed, leastMemory)))
	level := packing.Level(a.mu.shut.Fade(math.Exp(-weighEvery / max(plainMemory*placed, leastMemory))))
	changed := level != a.mu.level
	a.mu.level = level
	for d, asked := range a.mu.large {
		if kept := a.mu.refused.Kept(int32(d)); asked && kept != a.mu.kept[d] {
			a.mu.kept[d], changed = kept, true
		}
	}
	if changed && a.mu.leaving > packing.FewLeave {
		a.planDue()
	}
}

// refuse counts that a workload which was counted got no place for want of room.
func (a *arrivals) refuse(q *placement.Query) {
	a.mu.Lock()
	defer a.mu.Unlock()
	need := q.Accelerator
	if need.Devices == 0 {
		a.mu.shut.Add(q.Workload.Requests.Get(resource.CPU), q.Workload.Requests.Get(resource.Memory))
		return
	}
	a.mu.refused.Add(packing.Class{Devices: int32(need.Devices), Share: max(need.Share/(placement.WholeDevice/packing.Whole), 1)})
}

// leave counts a workload that was let go, where what comes is counted too. When it is
// asked for again it comes anew.
func (a *arrivals) leave(workload string) {
	if !a.counting.Load() {
		return
	}
	id := maphash.String(a.seed, workload)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mu.left++
	if recent := &a.mu.recent[id%uint64(len(a.mu.recent))]; *recent == id {
		*recent = 0
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
	defer state.Done()
	a := s.arrivals
	a.mu.Lock()
	defer a.mu.Unlock()
	p := packing.Problem{Targets: a.mu.mix.Targets(), Plain: a.mu.plain.Targets(), Leaving: a.mu.leaving, Refused: a.mu.refused, Shut: slices.Clone(a.mu.shut), Seed: state.Policy.Seed}
	if len(p.Plain) > 0 {
		p.Sizes = sizes(state)
	}
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

// sizes returns the sizes of the nodes, in the order in which they first come.
func sizes(s *placement.State) []packing.Size {
	type size struct{ cores, memory float64 }
	at := make(map[size]int)
	var sizes []packing.Size
	for _, b := range s.Blocks {
		for m := b.Live; m != 0; m &= m - 1 {
			n := b.Node[bits.TrailingZeros64(m)]
			of := size{n.Capacity.Get(resource.CPU), n.Capacity.Get(resource.Memory)}
			k, known := at[of]
			if !known {
				k = len(sizes)
				at[of] = k
				sizes = append(sizes, packing.Size{Cores: of.cores, Memory: of.memory})
			}
			sizes[k].Machines++
		}
	}
	return sizes
}
