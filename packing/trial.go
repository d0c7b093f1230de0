package packing

import (
	"context"
	"math/bits"
	"math/rand/v2"
	"sort"
)

// trial packs a fleet by a worth, from empty. For each class it keeps what a task
// of it would add to the waste of each machine in a tournament tree, and brings that
// up to date from the list of machines that changed.
type trial struct {
	worth    *Worth
	targets  []Target
	machines []trialMachine
	trees    []tree // by target
	changed  []int32
	leaves   int // a power of two
}

type trialMachine struct {
	cores, memory float64
	free          []int32 // by device
	models        []Models
	sum           int32   // of free
	lacking       float32 // now
	path          [][]int32
}

// tree holds the added waste of each machine as leaves, the least of two in their
// parent, the root at 1.
type tree struct {
	least []float32
	upTo  int // changes that are in
}

// newTrial returns machines in an order drawn from rng, by which ties go.
func newTrial(machines []Machine, targets []Target, w *Worth, rng *rand.Rand) *trial {
	t := &trial{worth: w, targets: targets, trees: make([]tree, len(targets)), leaves: 1}
	for _, i := range rng.Perm(len(machines)) {
		d := len(machines[i].Devices)
		m := trialMachine{
			cores: machines[i].Cores, memory: machines[i].Memory, models: machines[i].Devices,
			free: make([]int32, d), path: make([][]int32, d), sum: int32(d) * Whole,
		}
		for k := range m.free {
			m.free[k] = Whole
		}
		m.lacking = w.Lacking(m.sum, m.cores, m.memory)
		t.machines = append(t.machines, m)
	}
	for t.leaves < len(machines) {
		t.leaves *= 2
	}
	return t
}

// mostTasks is how many tasks are drawn at most: where next to none needs a device, they
// would not fill a fleet in hours.
const mostTasks = 1 << 22

// fill draws tasks from the mix until their demand reaches arrived x devices, all
// there are, or there are mostTasks of them.
func (t *trial) fill(ctx context.Context, devices float64, rng *rand.Rand) (packed, error) {
	upTo := make([]float64, len(t.targets))
	sum := 0.0
	for i := range t.targets {
		sum += t.targets[i].Part
		upTo[i] = sum
	}
	var p packed
	looked, demand := 0, 0.0
	for n := 0; demand < arrived*devices && n < mostTasks; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return packed{}, ctx.Err()
		}
		k := min(sort.SearchFloat64s(upTo, rng.Float64()*sum), len(upTo)-1)
		demand += t.targets[k].Demand()
		t.place(k)
		for ; looked < len(onTheWay) && demand >= onTheWay[looked]*devices; looked++ {
			p.refused[looked] = demand - (devices - t.left())
		}
	}
	p.left = t.left()
	return p, nil
}

// left returns how much is free, in devices.
func (t *trial) left() float64 {
	sum := 0.0
	for i := range t.machines {
		sum += float64(t.machines[i].sum) / Whole
	}
	return sum
}

// place puts a task of target k where it adds the least waste.
func (t *trial) place(k int) {
	tr, c := &t.trees[k], &t.targets[k]
	switch {
	case tr.least == nil || len(t.changed)-tr.upTo > len(t.machines)/4:
		t.grow(tr, c)
	default:
		for _, m := range t.changed[tr.upTo:] {
			added, _ := t.added(&t.machines[m], c)
			tr.set(t.leaves+int(m), added)
		}
	}
	tr.upTo = len(t.changed)
	if tr.least[1] == never {
		return
	}
	at := 1
	for at < t.leaves {
		if at *= 2; tr.least[at] > tr.least[at+1] {
			at++
		}
	}
	t.put(&t.machines[at-t.leaves], c)
	t.changed = append(t.changed, int32(at-t.leaves))
}

// grow computes a tree anew.
func (t *trial) grow(tr *tree, c *Target) {
	if tr.least == nil {
		tr.least = make([]float32, 2*t.leaves)
	}
	for i := range t.leaves {
		tr.least[t.leaves+i] = never
		if i < len(t.machines) {
			tr.least[t.leaves+i], _ = t.added(&t.machines[i], c)
		}
	}
	for i := t.leaves - 1; i > 0; i-- {
		tr.least[i] = min(tr.least[2*i], tr.least[2*i+1])
	}
}

func (tr *tree) set(at int, x float32) {
	tr.least[at] = x
	for at > 1 {
		at /= 2
		least := min(tr.least[2*at], tr.least[2*at+1])
		if tr.least[at] == least {
			return
		}
		tr.least[at] = least
	}
}

// added returns the waste a task would add to a machine, never where it does not
// fit, and the devices it would get, one bit each.
func (t *trial) added(m *trialMachine, c *Target) (waste float32, devices uint64) {
	demand := c.Devices * c.Share
	if m.cores < c.NeedCores || m.memory < c.NeedMemory || m.sum < demand {
		return never, 0
	}
	waste = t.worth.Lacking(m.sum-demand, m.cores-c.NeedCores, m.memory-c.NeedMemory) - m.lacking
	if c.Devices == 0 {
		return waste + Idle*float32(m.sum)/Whole, 0
	}
	suitable := uint64(1)<<len(m.free) - 1
	if c.Models != 0 {
		for k, model := range m.models {
			if !c.Models.Has(model) {
				suitable &^= 1 << k
			}
		}
	}
	devices, added, ok := t.worth.Choose(m.free, suitable, c.Devices, c.Share)
	if !ok {
		return never, 0
	}
	return waste + added, devices
}

// put places a task on a machine where it fits.
func (t *trial) put(m *trialMachine, c *Target) {
	_, devices := t.added(m, c)
	m.cores -= c.NeedCores
	m.memory -= c.NeedMemory
	m.sum -= c.Devices * c.Share
	for ; devices != 0; devices &= devices - 1 {
		k := bits.TrailingZeros64(devices)
		m.path[k] = append(m.path[k], m.free[k])
		m.free[k] -= c.Share
	}
	m.lacking = t.worth.Lacking(m.sum, m.cores, m.memory)
}
