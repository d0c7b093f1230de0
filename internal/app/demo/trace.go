package demo

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/auspex-project/auspex/datasets"
	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/internal/app/misuse"
	"github.com/auspex-project/auspex/resource"
)

// Trace is what a demo plays: usage, the machines, what runs on them when
// the history ends, and what arrives afterwards.
type Trace struct {
	Usage    *datasets.Usage
	Nodes    []fleet.Node
	RackCaps map[string]float64 // watts
	Queues   []string
	Running  []datasets.Arrival
	Arriving []datasets.Arrival // in the order of their arrival

	invented bool // the machines are ours: the trace has none
}

// OpenTrace opens FORMAT:PATH with its own machines where it has some, else
// with machines made for it.
func OpenTrace(ctx context.Context, name string) (*Trace, error) {
	ref, err := misuse.Trace(name)
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	t := &Trace{RackCaps: map[string]float64{}}
	if t.Usage, err = datasets.OpenUsage(ref, datasets.Options{End: now}); err != nil {
		return nil, err
	}
	if t.Usage.Synthetic() {
		err = t.readFleet(ctx, ref, now)
	} else {
		err = t.makeFleet(ctx)
	}
	if err != nil {
		return nil, err
	}
	for _, a := range slices.Concat(t.Running, t.Arriving) {
		if q := a.Workload.Queue; q != "" && !slices.Contains(t.Queues, q) {
			t.Queues = append(t.Queues, q)
		}
	}
	return t, nil
}

func (t *Trace) readFleet(ctx context.Context, ref datasets.Ref, now time.Time) error {
	f, err := datasets.OpenFleet(ref, datasets.Options{End: now})
	if err != nil {
		return err
	}
	if t.Nodes, err = f.Nodes(ctx); err != nil {
		return err
	}
	t.RackCaps = f.RackCaps()
	for a, err := range f.Arrivals(ctx) {
		switch {
		case err != nil:
			return err
		case a.Arrive.After(now):
			t.Arriving = append(t.Arriving, a)
		default:
			t.Running = append(t.Running, a)
		}
	}
	return nil
}

const (
	// provisioned is how much of an invented fleet's CPU its workloads' limits add
	// up to: more than there is, as is usual where machines are overcommitted.
	provisioned = 2.0
	perNode     = 24 // workloads on an invented node, about

	// arrivingOf: every so manieth workload of a trace without arrivals arrives.
	arrivingOf = 5
)

// makeFleet gives a trace without machines equal ones, and lets some of its
// workloads arrive.
func (t *Trace) makeFleet(ctx context.Context) error {
	all, err := t.Usage.Workloads(ctx)
	if err != nil {
		return err
	}
	t.invented = true
	var limits resource.Vector
	for i, a := range all {
		limits = limits.Add(a.Workload.Limits)
		if i%arrivingOf == arrivingOf-1 {
			t.Arriving = append(t.Arriving, datasets.Arrival{Workload: a.Workload})
		} else {
			t.Running = append(t.Running, datasets.Arrival{Workload: a.Workload})
		}
	}
	n := max(2, int(math.Ceil(float64(len(all))/perNode)))
	cores := math.Ceil(limits.Get(resource.CPU) / provisioned / float64(n))
	curve, err := fleet.NewPowerCurve(4*cores, 12*cores)
	if err != nil {
		return err
	}
	// Memory is not overcommitted by default, so there has to be enough of it.
	memory := math.Ceil(1.2*limits.Get(resource.Memory)/float64(n)/(1<<30)) * (1 << 30)
	for i := range n {
		t.Nodes = append(t.Nodes, fleet.Node{
			Name: fmt.Sprintf("node-%02d", i+1), Capacity: resource.Of(cores, memory),
			Provider: "bare-metal", Region: "demo", Zone: fmt.Sprintf("zone-%d", i%2+1), Power: curve, CostPerHour: 1,
		})
	}
	return nil
}
