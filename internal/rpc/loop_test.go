package rpc

import (
	"context"
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/auspex-project/auspex/allocator"
	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/internal/store/journal"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/filter"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/score"
	"github.com/auspex-project/auspex/resource"
)

// startReal serves the real placement service with its journal in dir.
func startReal(t *testing.T, dir string, queues ...allocator.Queue) *running {
	t.Helper()
	j, err := journal.Open(dir, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := allocator.NewTree(queues)
	if err != nil {
		t.Fatal(err)
	}
	service, err := ledger.Open(t.Context(), ledger.Options{
		Settings: placement.Settings{Queues: tree}, Filters: filter.All(), Scorers: score.All(), Journal: j, Metrics: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- service.Run(ctx) }()
	t.Cleanup(func() { // after the server has stopped
		stop()
		if err := <-ended; err != nil {
			t.Errorf("placement: %v", err)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	o := (&scripted{}).options()
	o.Placer, o.Fleet, o.NodeSums, o.Shares = service, service, service, service
	return start(t, o)
}

// Place and Predict refuse the same descriptions, and name the field at fault.
func TestBadWorkloads(t *testing.T) {
	r := startReal(t, t.TempDir())
	for _, c := range []struct {
		name   string
		change func(*auspexv1.Workload)
		field  string
	}{
		{"unknown class", func(w *auspexv1.Workload) { w.Class = "bogus" }, "class"},
		{"nothing asked for", func(w *auspexv1.Workload) { w.Requests = &auspexv1.Resources{} }, "requests"},
		{"zeros", func(w *auspexv1.Workload) { w.Requests.Amounts = map[string]float64{"cpu": 0} }, "requests"},
		{"next to nothing", func(w *auspexv1.Workload) { w.Requests.Amounts = map[string]float64{"cpu": 5e-324} }, "requests"},
		{"over its limit", func(w *auspexv1.Workload) {
			w.Limits = &auspexv1.Resources{Amounts: map[string]float64{"cpu": .1}}
		}, "limits"},
	} {
		t.Run(c.name, func(t *testing.T) {
			request := placeWorkload(c.change)
			_, err := auspexv1.NewPlacementServiceClient(r).Place(t.Context(), request)
			wantStatus(t, err, codes.InvalidArgument, "INVALID_REQUEST")
			wantViolation(t, err, "workload."+c.field, "workload.invalid")
			_, err = auspexv1.NewForecastServiceClient(r).Predict(t.Context(), &auspexv1.PredictRequest{
				Subject: &auspexv1.PredictRequest_Description{Description: request.Workload},
			})
			wantStatus(t, err, codes.InvalidArgument, "INVALID_REQUEST")
			wantViolation(t, err, "description."+c.field, "workload.invalid")
		})
	}
}

// A scheduler's day against the real service: register, place, repeat, confirm,
// explain, restart, release, drain, remove.
func TestTheLoop(t *testing.T) {
	dir := t.TempDir()
	limited := allocator.Queue{Name: "small", Limit: resource.Vector{}.With(resource.CPU, 1)}
	var placed *auspexv1.PlaceResponse

	t.Run("first life", func(t *testing.T) {
		r := startReal(t, dir, limited)
		fleet, client := auspexv1.NewFleetServiceClient(r), auspexv1.NewPlacementServiceClient(r)
		for i := range 3 {
			n := wireNode(fmt.Sprintf("n-%d", i))
			if _, err := fleet.RegisterNode(t.Context(), &auspexv1.RegisterNodeRequest{Node: n}); err != nil {
				t.Fatal(err)
			}
		}
		request := placeRequest()
		request.Alternatives = 2
		var err error
		if placed, err = client.Place(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		if placed.Node == "" || placed.Expires == nil || len(placed.Scores) == 0 || len(placed.Alternatives) != 2 || placed.NodesConsidered != 3 {
			t.Errorf("placed %v", placed)
		}
		again, err := client.Place(t.Context(), request)
		if err != nil || again.DecisionId != placed.DecisionId {
			t.Errorf("the same request again: %v, %v", again.GetDecisionId(), err)
		}
		other := proto.CloneOf(request)
		other.Workload.Id = "w-2"
		_, err = client.Place(t.Context(), other)
		wantStatus(t, err, codes.AlreadyExists, "REQUEST_ID_REUSED")
		twice := proto.CloneOf(request)
		twice.RequestId = "r-2"
		_, err = client.Place(t.Context(), twice)
		wantStatus(t, err, codes.AlreadyExists, "WORKLOAD_ALREADY_PLACED")

		huge := &auspexv1.PlaceRequest{RequestId: "r-3", Workload: wireWorkload("w-3")}
		huge.Workload.Requests.Amounts["cpu"] = 1000
		nothing, err := client.Place(t.Context(), huge)
		if err != nil || nothing.Node != "" || len(nothing.Rejections) == 0 || nothing.Reason == "" {
			t.Errorf("nothing fits: %v, %v", nothing, err)
		}
		over := &auspexv1.PlaceRequest{RequestId: "r-4", Workload: wireWorkload("w-4")}
		over.Workload.Queue, over.Workload.Requests.Amounts["cpu"] = "small", 2
		denied, err := client.Place(t.Context(), over)
		if err != nil || !denied.DeniedByShare || len(denied.Denials) == 0 || denied.Denials[0].Cause != "limit" {
			t.Errorf("over a limit: %v, %v", denied, err)
		}
		crooked := &auspexv1.PlaceRequest{RequestId: "r-5", Workload: wireWorkload("w-5")}
		crooked.Workload.Limits = &auspexv1.Resources{Amounts: map[string]float64{"cpu": .5}}
		_, err = client.Place(t.Context(), crooked)
		wantStatus(t, err, codes.InvalidArgument, "INVALID_REQUEST")
		wantViolation(t, err, "workload.limits", "workload.invalid")

		confirmed, err := client.Confirm(t.Context(), &auspexv1.ConfirmRequest{DecisionId: placed.DecisionId})
		if err != nil || confirmed.Node != placed.Node || confirmed.Workload != "w-1" {
			t.Errorf("confirmed %v, %v", confirmed, err)
		}
		why, err := client.Explain(t.Context(), &auspexv1.ExplainRequest{DecisionId: placed.DecisionId, Node: placed.Alternatives[0].Node})
		if err != nil || why.State != "confirmed" || why.Outcome.Node != placed.Node || !why.GetVerdict().GetFeasible() || len(why.Filters) < len(placed.Rejections) {
			t.Errorf("explained %v, %v", why, err)
		}
		_, err = client.Explain(t.Context(), &auspexv1.ExplainRequest{DecisionId: "none"})
		wantStatus(t, err, codes.NotFound, "UNKNOWN_DECISION")
		_, err = client.Explain(t.Context(), &auspexv1.ExplainRequest{DecisionId: placed.DecisionId, Node: "nowhere"})
		wantStatus(t, err, codes.NotFound, "UNKNOWN_NODE")
	})

	t.Run("after a restart", func(t *testing.T) {
		r := startReal(t, dir, limited)
		fleet, client := auspexv1.NewFleetServiceClient(r), auspexv1.NewPlacementServiceClient(r)
		shares, err := auspexv1.NewShareServiceClient(r).ListShares(t.Context(), &auspexv1.ListSharesRequest{})
		if err != nil || len(shares.Queues) != 2 || shares.Queues[0].Used.GetAmounts()["cpu"] != 1 || shares.Capacity.GetAmounts()["cpu"] != 48 {
			t.Errorf("shares %v, %v", shares, err)
		}
		sum, err := auspexv1.NewForecastServiceClient(r).Predict(t.Context(), &auspexv1.PredictRequest{Subject: &auspexv1.PredictRequest_Node{Node: placed.Node}})
		if err != nil || len(sum.Forecast.Demands) == 0 {
			t.Errorf("forecast of the node: %v, %v", sum, err)
		}
		drained, err := fleet.Drain(t.Context(), &auspexv1.DrainRequest{Node: placed.Node})
		if err != nil || drained.Workloads != 1 {
			t.Errorf("drained %v, %v", drained, err)
		}
		list, err := fleet.ListNodes(t.Context(), &auspexv1.ListNodesRequest{})
		if err != nil || len(list.Nodes) != 3 {
			t.Fatalf("nodes %v, %v", list, err)
		}
		for _, n := range list.Nodes {
			if (n.State == "draining") != (n.Node.Name == placed.Node) {
				t.Errorf("node %s is %s", n.Node.Name, n.State)
			}
		}
		_, err = fleet.RemoveNode(t.Context(), &auspexv1.RemoveNodeRequest{Node: placed.Node})
		wantStatus(t, err, codes.FailedPrecondition, "NODE_IN_USE")
		released, err := client.Release(t.Context(), &auspexv1.ReleaseRequest{Target: &auspexv1.ReleaseRequest_Workload{Workload: "w-1"}})
		if err != nil || !released.Released {
			t.Errorf("released %v, %v", released, err)
		}
		if _, err = fleet.RemoveNode(t.Context(), &auspexv1.RemoveNodeRequest{Node: placed.Node}); err != nil {
			t.Error(err)
		}
		_, err = fleet.Heartbeat(t.Context(), &auspexv1.HeartbeatRequest{Node: placed.Node})
		wantStatus(t, err, codes.NotFound, "UNKNOWN_NODE")
	})
}
