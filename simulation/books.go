package simulation

import (
	"fmt"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/packing"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// books are kept beside the engine, from its answers alone: what is free where. A
// decision that could not be carried out does not go unseen.
type books struct {
	nodes    map[string]*account
	order    []*account
	models   packing.Vocabulary
	capacity resource.Vector
	taken    resource.Vector
	typical  []packing.Target // the mix fragmentation is measured by
}

// account is one node.
type account struct {
	node   *fleet.Node
	cores  float64
	memory float64
	state  packing.State
}

// fragmentedBy is the part of the mix that FGD calls typical.
const fragmentedBy = .95

func newBooks(t *Trace) *books {
	b := &books{nodes: make(map[string]*account, len(t.Nodes))}
	for i := range t.Nodes {
		n := &t.Nodes[i]
		a := &account{node: n, cores: n.Capacity.Get(resource.CPU), memory: n.Capacity.Get(resource.Memory)}
		for _, d := range n.Devices {
			a.state.Free = append(a.state.Free, packing.Whole)
			a.state.Models = append(a.state.Models, b.models.Bit(d.Model))
		}
		b.nodes[n.Name] = a
		b.order = append(b.order, a)
		b.capacity = b.capacity.Add(capacityOf(n))
	}
	b.typical = packing.Commonest(t.mix(&b.models), fragmentedBy)
	return b
}

// nowhere stands for all models that pods name and no node has, since a vocabulary tells
// only a few apart. Devices of nodes always have a name.
const nowhere = ""

// mix returns the mix of the whole trace.
func (t *Trace) mix(models *packing.Vocabulary) []packing.Target {
	listed := make(map[string]bool)
	for i := range t.Nodes {
		for _, d := range t.Nodes[i].Devices {
			listed[d.Model] = true
		}
	}
	var m packing.Mix
	for i := range t.Pods {
		w := &t.Pods[i].Workload
		task := packing.Task{
			Class:     packing.Class{Cores: w.Requests.Get(resource.CPU), Devices: int32(w.Accelerator.Devices)},
			NeedCores: w.Limit(resource.CPU), NeedMemory: w.Requests.Get(resource.Memory),
		}
		if task.Devices > 0 {
			task.Share = share(w)
			for _, model := range w.Accelerator.Models {
				if listed[model] {
					task.Models |= models.Bit(model)
				}
			}
			if task.Models == 0 && len(w.Accelerator.Models) > 0 {
				task.Models = models.Bit(nowhere)
			}
		}
		m.Add(task)
	}
	return m.Targets()
}

func share(w *workload.Workload) int32 {
	return max(int32(w.Accelerator.PerDevice()*packing.Whole+1e-6), 1)
}

// place enters a decision.
func (b *books) place(w *workload.Workload, node string, devices []int) error {
	return b.enter(w, node, devices, 1)
}

// release takes one back.
func (b *books) release(w *workload.Workload, node string, devices []int) error {
	return b.enter(w, node, devices, -1)
}

func (b *books) enter(w *workload.Workload, node string, devices []int, sign float64) error {
	a := b.nodes[node]
	if a == nil {
		return fmt.Errorf("workload %s is on node %q, which is not in the trace", w.ID, node)
	}
	if len(devices) != w.Accelerator.Devices {
		return fmt.Errorf("workload %s on %s: %d devices, it asked for %d", w.ID, node, len(devices), w.Accelerator.Devices)
	}
	for _, k := range devices {
		if k >= len(a.state.Free) {
			return fmt.Errorf("workload %s on %s: device %d is not there", w.ID, node, k)
		}
		a.state.Free[k] -= int32(sign) * share(w)
		if a.state.Free[k] < 0 {
			return fmt.Errorf("workload %s on %s: device %d is given away %d parts over a whole", w.ID, node, k, -a.state.Free[k])
		}
	}
	const rounding = 1e-3 // the engine sums up in float32, which shows with very many tiny pods on a node
	a.cores -= sign * w.Requests.Get(resource.CPU)
	a.memory -= sign * w.Requests.Get(resource.Memory)
	if a.cores < -rounding*a.node.Capacity.Get(resource.CPU) || a.memory < -rounding*a.node.Capacity.Get(resource.Memory) {
		return fmt.Errorf("workload %s on %s: more is given away than there is: %g cores and %g bytes are left", w.ID, node, a.cores, a.memory)
	}
	if d := demand(w); sign > 0 {
		b.taken = b.taken.Add(d)
	} else {
		b.taken = b.taken.Sub(d)
	}
	return nil
}

// allocated returns the share of all there is of a resource that is taken, 0 where
// there is none.
func (b *books) allocated(n resource.Name) float64 {
	if has := b.capacity.Get(n); has > 0 {
		return b.taken.Get(n) / has
	}
	return 0
}

// fragmented returns the share of the free devices that a workload of the mix could
// not use (the ratio of ATC'23, section 2).
func (b *books) fragmented() float64 {
	sum, free := 0.0, 0.0
	for _, a := range b.order {
		if len(a.state.Free) == 0 {
			continue
		}
		a.state.Cores = a.cores
		sum += packing.Fragment(a.state, b.typical)
		for _, r := range a.state.Free {
			free += float64(r) / packing.Whole
		}
	}
	if free == 0 {
		return 0
	}
	return sum / free
}
