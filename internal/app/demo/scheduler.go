package demo

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/datasets"
	"github.com/auspex-project/auspex/internal/client"
	"github.com/auspex-project/auspex/internal/rpc"
	"github.com/auspex-project/auspex/workload"
)

// Place plays the trace to the server at address: it registers the fleet, places what
// runs on it, then what arrives, and tells of each.
func Place(ctx context.Context, address string, t *Trace, tell *Story) error {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	d := newScheduler(conn, t)
	if err := d.register(ctx); err != nil {
		return err
	}
	running, err := d.placeAll(ctx, t.Running)
	if err != nil {
		return err
	}
	before, err := d.status(ctx)
	if err != nil {
		return err
	}
	tell.fleet(t, len(running.placed), len(running.refused), before)
	arrived, err := d.placeAll(ctx, t.Arriving)
	if err != nil {
		return err
	}
	tell.arrivals(arrived)
	if err := d.explainOne(ctx, arrived, tell); err != nil {
		return err
	}
	after, err := d.status(ctx)
	if err != nil {
		return err
	}
	tell.after(before, after)
	return nil
}

// scheduler plays the nodes' agents and a scheduler, over gRPC.
type scheduler struct {
	trace      *Trace
	nodes      auspexv1.FleetServiceClient
	placement  auspexv1.PlacementServiceClient
	departures []departure
}

func newScheduler(conn *grpc.ClientConn, t *Trace) *scheduler {
	return &scheduler{trace: t, nodes: auspexv1.NewFleetServiceClient(conn), placement: auspexv1.NewPlacementServiceClient(conn)}
}

func (d *scheduler) register(ctx context.Context) error {
	for i := range d.trace.Nodes {
		if _, err := d.nodes.RegisterNode(ctx, &auspexv1.RegisterNodeRequest{Node: rpc.NodeToWire(&d.trace.Nodes[i])}); err != nil {
			return fmt.Errorf("register %s: %w", d.trace.Nodes[i].Name, err)
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
func (d *scheduler) placeAll(ctx context.Context, arrivals []datasets.Arrival) (placements, error) {
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

func (d *scheduler) releaseDeparted(ctx context.Context, now time.Time, p *placements) error {
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

func (d *scheduler) status(ctx context.Context) ([]*auspexv1.NodeStatus, error) {
	return client.AllNodes(ctx, d.nodes)
}

// explainOne asks why the placement with the most to tell came out as it did.
func (d *scheduler) explainOne(ctx context.Context, p placements, tell *Story) error {
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
