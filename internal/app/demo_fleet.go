package app

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"google.golang.org/grpc"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/datasets"
	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/internal/app/misuse"
	"github.com/auspex-project/auspex/internal/client"
	"github.com/auspex-project/auspex/internal/rpc"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// demoTrace is what a demo plays: usage, the machines, what runs on them when
// the history ends, and what arrives afterwards.
type demoTrace struct {
	usage    *datasets.Usage
	nodes    []fleet.Node
	rackCaps map[string]float64
	queues   []string
	running  []datasets.Arrival
	arriving []datasets.Arrival // in the order of their arrival
	invented bool               // the machines are ours: the trace has none
}

// openDemoTrace opens FORMAT:PATH with its own machines where it has some, else
// with machines made for it.
func openDemoTrace(ctx context.Context, name string) (*demoTrace, error) {
	ref, err := datasets.ParseRef(name)
	if err != nil {
		return nil, misuse.Error{Reason: err.Error()}
	}
	now := time.Now().UTC()
	t := &demoTrace{rackCaps: map[string]float64{}}
	if t.usage, err = datasets.OpenUsage(ref, datasets.Options{End: now}); err != nil {
		return nil, err
	}
	if t.usage.Synthetic() {
		err = t.readFleet(ctx, ref, now)
	} else {
		err = t.makeFleet(ctx)
	}
	if err != nil {
		return nil, err
	}
	for _, a := range slices.Concat(t.running, t.arriving) {
		if q := a.Workload.Queue; q != "" && !slices.Contains(t.queues, q) {
			t.queues = append(t.queues, q)
		}
	}
	return t, nil
}

func (t *demoTrace) readFleet(ctx context.Context, ref datasets.Ref, now time.Time) error {
	f, err := datasets.OpenFleet(ref, datasets.Options{End: now})
	if err != nil {
		return err
	}
	if t.nodes, err = f.Nodes(ctx); err != nil {
		return err
	}
	t.rackCaps = f.RackCaps()
	for a, err := range f.Arrivals(ctx) {
		switch {
		case err != nil:
			return err
		case a.Arrive.After(now):
			t.arriving = append(t.arriving, a)
		default:
			t.running = append(t.running, a)
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
func (t *demoTrace) makeFleet(ctx context.Context) error {
	all, err := t.usage.Workloads(ctx)
	if err != nil {
		return err
	}
	t.invented = true
	var limits resource.Vector
	for i, a := range all {
		limits = limits.Add(a.Workload.Limits)
		if i%arrivingOf == arrivingOf-1 {
			t.arriving = append(t.arriving, datasets.Arrival{Workload: a.Workload})
		} else {
			t.running = append(t.running, datasets.Arrival{Workload: a.Workload})
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
		t.nodes = append(t.nodes, fleet.Node{
			Name: fmt.Sprintf("node-%02d", i+1), Capacity: resource.Of(cores, memory),
			Provider: "bare-metal", Region: "demo", Zone: fmt.Sprintf("zone-%d", i%2+1), Power: curve, CostPerHour: 1,
		})
	}
	return nil
}

// demoFleet plays the nodes' agents and a scheduler, over gRPC.
type demoFleet struct {
	trace      *demoTrace
	nodes      auspexv1.FleetServiceClient
	placement  auspexv1.PlacementServiceClient
	departures []departure
}

func newDemoFleet(conn *grpc.ClientConn, t *demoTrace) *demoFleet {
	return &demoFleet{trace: t, nodes: auspexv1.NewFleetServiceClient(conn), placement: auspexv1.NewPlacementServiceClient(conn)}
}

func (d *demoFleet) register(ctx context.Context) error {
	for i := range d.trace.nodes {
		if _, err := d.nodes.RegisterNode(ctx, &auspexv1.RegisterNodeRequest{Node: rpc.NodeToWire(&d.trace.nodes[i])}); err != nil {
			return fmt.Errorf("register %s: %w", d.trace.nodes[i].Name, err)
		}
	}
	return nil
}

// placements are the answers to a stream of requests.
type placements struct {
	placed, refused []placed
	departed        int
	took            time.Duration
}

type placed struct {
	workload *workload.Workload
	answer   *auspexv1.PlaceResponse
}

// placeAll asks for a place for each arrival in turn and confirms what it gets.
// Workloads that depart before the next one arrives are released.
func (d *demoFleet) placeAll(ctx context.Context, arrivals []datasets.Arrival) (placements, error) {
	var p placements
	for i := range arrivals {
		a := &arrivals[i]
		if err := d.releaseDeparted(ctx, a.Arrive, &p); err != nil {
			return p, err
		}
		started := time.Now()
		answer, err := d.placement.Place(ctx, &auspexv1.PlaceRequest{RequestId: "demo-" + a.Workload.ID, Workload: rpc.WorkloadToWire(&a.Workload), Alternatives: 2})
		if err != nil {
			return p, fmt.Errorf("place %s: %w", a.Workload.ID, err)
		}
		p.took += time.Since(started)
		if answer.Node == "" {
			p.refused = append(p.refused, placed{&a.Workload, answer})
			continue
		}
		p.placed = append(p.placed, placed{&a.Workload, answer})
		if !a.Depart.IsZero() {
			d.departures = append(d.departures, departure{a.Depart, a.Workload.ID})
		}
		if _, err := d.placement.Confirm(ctx, &auspexv1.ConfirmRequest{DecisionId: answer.DecisionId}); err != nil {
			return p, fmt.Errorf("confirm %s: %w", a.Workload.ID, err)
		}
	}
	return p, nil
}

// departure is when a placed workload ends.
type departure struct {
	at time.Time
	id string
}

func (d *demoFleet) releaseDeparted(ctx context.Context, now time.Time, p *placements) error {
	var stay []departure
	for _, x := range d.departures {
		if !x.at.Before(now) {
			stay = append(stay, x)
			continue
		}
		if _, err := d.placement.Release(ctx, &auspexv1.ReleaseRequest{Target: &auspexv1.ReleaseRequest_Workload{Workload: x.id}}); err != nil {
			return fmt.Errorf("release %s: %w", x.id, err)
		}
		p.departed++
	}
	d.departures = stay
	return nil
}

func (d *demoFleet) status(ctx context.Context) ([]*auspexv1.NodeStatus, error) {
	return client.AllNodes(ctx, d.nodes)
}

// explainOne asks why the placement with the most to tell came out as it did.
func (d *demoFleet) explainOne(ctx context.Context, p placements, tell *demoTeller) error {
	var best *placed
	for i := range p.placed {
		if q := &p.placed[i]; best == nil || interest(q) > interest(best) {
			best = q
		}
	}
	if best == nil {
		return nil
	}
	e, err := d.placement.Explain(ctx, &auspexv1.ExplainRequest{DecisionId: best.answer.DecisionId})
	if err != nil {
		return fmt.Errorf("explain %s: %w", best.answer.DecisionId, err)
	}
	return tell.explanation(e)
}

// interest is how clearly a decision was won: by how many points, over how many
// others, past how many rules.
func interest(p *placed) float64 {
	if len(p.answer.Alternatives) == 0 {
		return 0
	}
	lead := p.answer.Score - p.answer.Alternatives[0].Score
	return lead * float64(len(p.answer.Rejections))
}
