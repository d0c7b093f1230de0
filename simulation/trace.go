package simulation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/auspex-project/auspex/datasets"
	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// Trace is a fleet and what may arrive at it.
type Trace struct {
	Name  string
	Nodes []fleet.Node
	Pods  []datasets.Arrival // by the names of their workloads

	// LeftOut are the resources that pods ask for and no node lists, such as rdma on
	// a fleet of which only cores and memory are told: they are taken off the pods.
	LeftOut []resource.Name

	unit unit
}

// NewTrace checks that nodes and pods make a trace that can be replayed.
func NewTrace(name string, nodes []fleet.Node, pods []datasets.Arrival) (*Trace, error) {
	switch {
	case len(nodes) == 0:
		return nil, fmt.Errorf("trace %s: no nodes", name)
	case len(pods) == 0:
		return nil, fmt.Errorf("trace %s: no pods", name)
	}
	seen := make(map[string]bool, len(nodes))
	for i := range nodes {
		if err := nodes[i].Validate(); err != nil {
			return nil, fmt.Errorf("trace %s: %w", name, err)
		}
		if seen[nodes[i].Name] {
			return nil, fmt.Errorf("trace %s: node %s is listed twice (give each node a name of its own)", name, nodes[i].Name)
		}
		seen[nodes[i].Name] = true
	}
	t := &Trace{Name: name, Nodes: nodes, Pods: slices.Clone(pods)}
	slices.SortStableFunc(t.Pods, func(a, b datasets.Arrival) int { return cmp.Compare(a.Workload.ID, b.Workload.ID) })
	t.leaveOut()
	for i := range t.Pods {
		if id := t.Pods[i].Workload.ID; i > 0 && id == t.Pods[i-1].Workload.ID {
			return nil, fmt.Errorf("trace %s: pod %s is listed twice (give each pod a name of its own)", name, id)
		}
		if demanded := demand(&t.Pods[i].Workload); demanded.IsZero() {
			return nil, fmt.Errorf("trace %s: pod %s asks for nothing", name, t.Pods[i].Workload.ID)
		}
	}
	var err error
	if t.unit, err = unitOf(t); err != nil {
		return nil, fmt.Errorf("trace %s: %w", name, err)
	}
	return t, nil
}

// leaveOut takes off the pods what no node lists, cores and memory apart.
func (t *Trace) leaveOut() {
	listed := map[resource.Name]bool{resource.CPU: true, resource.Memory: true}
	for i := range t.Nodes {
		for n := range t.Nodes[i].Capacity.All() {
			listed[n] = true
		}
	}
	for i := range t.Pods {
		w := &t.Pods[i].Workload
		for n := range w.Requests.All() {
			if listed[n] {
				continue
			}
			w.Requests, w.Limits = w.Requests.Without(n), w.Limits.Without(n)
			if !slices.Contains(t.LeftOut, n) {
				t.LeftOut = append(t.LeftOut, n)
			}
		}
	}
	slices.Sort(t.LeftOut)
}

// ReadTrace reads nodes and pods to the end. A row that cannot be read ends it: a
// fleet with holes would prove nothing.
func ReadTrace(ctx context.Context, name string, nodes, pods *datasets.Fleet) (*Trace, error) {
	machines, err := nodes.Nodes(ctx)
	if err != nil {
		return nil, fmt.Errorf("read nodes: %w", err)
	}
	if len(machines) == 0 {
		return nil, fmt.Errorf("%s lists no nodes (want one a line, below the header)", nodes)
	}
	var arrivals []datasets.Arrival
	for a, err := range pods.Arrivals(ctx) {
		if err != nil {
			return nil, fmt.Errorf("read pods: %w", err)
		}
		arrivals = append(arrivals, a)
	}
	if len(arrivals) == 0 {
		return nil, fmt.Errorf("%s lists no pods (want one a line, below the header)", pods)
	}
	return NewTrace(name, machines, arrivals)
}

// Misfits returns how many pods fit on no node, even an empty one, and the first of
// them: they fail under every policy.
func (t *Trace) Misfits() (n int, first string) {
	misfits := make(map[string]bool) // by what is asked for
	for i := range t.Pods {
		w := &t.Pods[i].Workload
		s := fmt.Sprint(w.Accelerator.Devices, w.Accelerator.Models)
		for r, asked := range w.Requests.All() {
			s += fmt.Sprint(" ", r, asked)
		}
		misfit, known := misfits[s]
		if !known {
			misfit = !slices.ContainsFunc(t.Nodes, func(n fleet.Node) bool { return bears(&n, w) })
			misfits[s] = misfit
		}
		if !misfit {
			continue
		}
		if n++; n == 1 {
			first = w.ID
		}
	}
	return n, first
}

// bears reports whether n has enough for w when nothing else is on it.
func bears(n *fleet.Node, w *workload.Workload) bool {
	devices := 0
	for _, d := range n.Devices {
		if models := w.Accelerator.Models; len(models) == 0 || slices.Contains(models, d.Model) {
			devices++
		}
	}
	_, fits := w.Requests.Fits(n.Capacity)
	return fits && devices >= w.Accelerator.Devices
}

// unit counts how much of a fleet is asked for: in devices, or in shares of all its
// cores or memory, whichever is asked for more.
type unit struct {
	of       resource.Name
	capacity float64
}

func unitOf(t *Trace) (unit, error) {
	var capacity, asked resource.Vector
	for i := range t.Nodes {
		capacity = capacity.Add(capacityOf(&t.Nodes[i]))
	}
	for i := range t.Pods {
		asked = asked.Add(demand(&t.Pods[i].Workload))
	}
	if capacity.Get(resource.GPU) > 0 && asked.Get(resource.GPU) > 0 {
		return unit{resource.GPU, capacity.Get(resource.GPU)}, nil
	}
	best, scarcest := unit{}, 0.0
	for _, n := range []resource.Name{resource.CPU, resource.Memory} {
		if has := capacity.Get(n); has > 0 && asked.Get(n)/has > scarcest {
			best, scarcest = unit{n, has}, asked.Get(n)/has
		}
	}
	if scarcest == 0 {
		return unit{}, errors.New("the nodes have no capacity that the pods ask for (are the columns of cpu, memory and gpu all zero?)")
	}
	return best, nil
}

// share returns what w asks for as a share of the fleet.
func (u unit) share(w *workload.Workload) float64 {
	asked := demand(w)
	return asked.Get(u.of) / u.capacity
}

// capacityOf returns what n has, devices included.
func capacityOf(n *fleet.Node) resource.Vector {
	return n.Capacity.With(resource.GPU, float64(len(n.Devices)))
}

// demand returns what w asks for, devices included.
func demand(w *workload.Workload) resource.Vector {
	if a := w.Accelerator; a.Devices > 0 {
		return w.Requests.With(resource.GPU, float64(a.Devices)*a.PerDevice())
	}
	return w.Requests
}
