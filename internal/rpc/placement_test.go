package rpc

import (
	"context"
	"reflect"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/auspex-project/auspex/allocator"
	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

var decided = time.Date(2026, 3, 1, 13, 20, 0, 0, time.UTC)

func someForecast() *forecast.Forecast {
	f := forecast.Flat("w-1", decided, forecast.Grid{Slot: time.Hour, Slots: 2}, forecast.Learned, resource.Vector{}.With(resource.CPU, 2))
	f.Model, f.History, f.Stale = "01J", 48*time.Hour, time.Minute
	f.Demands[0].Profile = []float32{1, 2} // slots 0, 2, ... and 1, 3, ...
	f.Demands[0].Quantiles = []forecast.Quantile{{P: .99, Value: 1.5}}
	return &f
}

func someDecision() ledger.Decision {
	return ledger.Decision{
		ID: "d-1", RequestID: "r-1", Decided: decided, Phase: ledger.Reserved,
		Workload: &workload.Workload{ID: "w-1", Requests: resource.Of(1, 2)}, Class: workload.Service, Forecast: someForecast(),
		Node: "n-1", Devices: []int{0, 3}, Expires: decided.Add(time.Minute),
		Score:        81.5,
		Scores:       []placement.ScoreLine{{Scorer: "fit", Raw: .5, Unit: "share", Value: 50, Weight: 2, Points: 25}},
		Alternatives: []placement.Candidate{{Node: "n-2", Score: 80, Scores: []placement.ScoreLine{{Scorer: "fit"}}}},
		Rejections:   []placement.Rejection{{Filter: "taints", Reason: "taint not tolerated", Nodes: 2}, {Filter: "power", Reason: "over the rack's cap"}},
		Considered:   10, Feasible: 8,
		Reason: "n-1 fits best",
	}
}

func TestPlace(t *testing.T) {
	var asked ledger.Request
	client := auspexv1.NewPlacementServiceClient(start(t, (&scripted{place: func(_ context.Context, r ledger.Request) (ledger.Decision, error) {
		asked = r
		return someDecision(), nil
	}}).options()))
	request := placeRequest()
	request.Alternatives, request.DryRun, request.ReserveFor = 2, true, durationpb.New(time.Minute)
	got, err := client.Place(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	wantAsked := ledger.Request{
		ID: "r-1", Workload: &workload.Workload{ID: "w-1", Class: workload.Service, Requests: resource.Of(1, 1<<30)},
		Alternatives: 2, DryRun: true, ReserveFor: time.Minute, Principal: "anonymous",
	}
	if !reflect.DeepEqual(asked, wantAsked) {
		t.Errorf("asked %+v of %+v, want %+v of %+v", asked, asked.Workload, wantAsked, wantAsked.Workload)
	}
	want := &auspexv1.PlaceResponse{
		DecisionId: "d-1", Node: "n-1", Devices: []uint32{0, 3}, Expires: timestamppb.New(decided.Add(time.Minute)), Score: 81.5,
		Scores:       []*auspexv1.ScoreLine{{Scorer: "fit", Raw: .5, Unit: "share", Value: 50, Weight: 2, Points: 25}},
		Alternatives: []*auspexv1.Candidate{{Node: "n-2", Score: 80, Scores: []*auspexv1.ScoreLine{{Scorer: "fit"}}}},
		Rejections:   []*auspexv1.Rejection{{Filter: "taints", Reason: "taint not tolerated", Nodes: 2}},
		Reason:       "n-1 fits best", ForecastBasis: "learned", ForecastModel: "01J", Class: "service", NodesConsidered: 10, NodesFeasible: 8,
	}
	if !proto.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestNothingFitsIsAnAnswer(t *testing.T) {
	client := auspexv1.NewPlacementServiceClient(start(t, (&scripted{place: func(context.Context, ledger.Request) (ledger.Decision, error) {
		return ledger.Decision{
			ID: "d-2", Phase: ledger.Denied, Reason: "queue web is over its limit",
			Denial: []allocator.Reason{{Cause: allocator.OverLimit, Queue: "web", Resource: resource.CPU, Text: "queue web holds 9 cpu"}},
		}, nil
	}}).options()))
	got, err := client.Place(t.Context(), placeRequest())
	if err != nil {
		t.Fatal(err)
	}
	want := &auspexv1.PlaceResponse{
		DecisionId: "d-2", DeniedByShare: true, Reason: "queue web is over its limit",
		Denials: []*auspexv1.Denial{{Cause: "limit", Queue: "web", Resource: "cpu", Text: "queue web holds 9 cpu"}},
	}
	if !proto.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestConfirmAndRelease(t *testing.T) {
	var released []string
	client := auspexv1.NewPlacementServiceClient(start(t, (&scripted{
		confirm: func(d string) (string, string, error) {
			if d != "d-1" {
				return "", "", ledger.ErrUnknownDecision
			}
			return "w-1", "n-1", nil
		},
		release: func(what string) (bool, error) {
			released = append(released, what)
			return what == "d-1", nil
		},
	}).options()))
	c, err := client.Confirm(t.Context(), &auspexv1.ConfirmRequest{DecisionId: "d-1"})
	if err != nil || c.Workload != "w-1" || c.Node != "n-1" {
		t.Errorf("confirm: %v, %v", c, err)
	}
	_, err = client.Confirm(t.Context(), &auspexv1.ConfirmRequest{DecisionId: "d-9"})
	wantStatus(t, err, codes.NotFound, "UNKNOWN_DECISION")

	byID, err := client.Release(t.Context(), &auspexv1.ReleaseRequest{Target: &auspexv1.ReleaseRequest_DecisionId{DecisionId: "d-1"}})
	if err != nil || !byID.Released {
		t.Errorf("release: %v, %v", byID, err)
	}
	byName, err := client.Release(t.Context(), &auspexv1.ReleaseRequest{Target: &auspexv1.ReleaseRequest_Workload{Workload: "w-1"}})
	if err != nil || byName.Released {
		t.Errorf("release of a workload: %v, %v", byName, err)
	}
	if !reflect.DeepEqual(released, []string{"d-1", "workload w-1"}) {
		t.Errorf("released %q", released)
	}
}

func TestExplain(t *testing.T) {
	client := auspexv1.NewPlacementServiceClient(start(t, (&scripted{explain: func(decision, node string) (ledger.Explanation, error) {
		if node != "n-3" {
			return ledger.Explanation{}, ledger.ErrUnknownNode
		}
		return ledger.Explanation{
			Decision: someDecision(), Phase: ledger.Confirmed, Formula: placement.Formula,
			Difference: []placement.ScoreDifference{{Scorer: "fit", Chosen: 25, RunnerUp: 20}},
			Verdict:    &ledger.Verdict{Node: node, Rejections: []placement.Rejection{{Filter: "drain", Reason: "draining", Nodes: 1}}},
		}, nil
	}}).options()))
	got, err := client.Explain(t.Context(), &auspexv1.ExplainRequest{DecisionId: "d-1", Node: "n-3"})
	if err != nil {
		t.Fatal(err)
	}
	d := someDecision()
	want := &auspexv1.ExplainResponse{
		DecisionId: "d-1", Decided: timestamppb.New(decided), State: "confirmed", Formula: placement.Formula,
		Workload: &auspexv1.Workload{Id: "w-1", Requests: &auspexv1.Resources{Amounts: map[string]float64{"cpu": 1, "memory": 2}}},
		Outcome:  decisionToWire(&d, false),
		Filters: []*auspexv1.Rejection{
			{Filter: "taints", Reason: "taint not tolerated", Nodes: 2},
			{Filter: "power", Reason: "over the rack's cap"},
		},
		Difference: []*auspexv1.ScoreDifference{{Scorer: "fit", ChosenPoints: 25, RunnerUpPoints: 20}},
		Forecast: &auspexv1.Forecast{
			Issued: timestamppb.New(decided), Start: timestamppb.New(decided.Truncate(time.Hour)), Slot: durationpb.New(time.Hour),
			Basis: "learned", Model: "01J", History: durationpb.New(48 * time.Hour), Stale: durationpb.New(time.Minute),
			// 13:20 is in the odd slot: the profile starts there.
			Demands: []*auspexv1.Demand{{
				Resource: "cpu", Profile: []float32{2, 1}, Peak: 2, Limit: 2, Mean: 2,
				Quantiles: []*auspexv1.Quantile{{Probability: .99, Value: 1.5}},
			}},
		},
		Verdict: &auspexv1.NodeVerdict{Node: "n-3", Rejections: []*auspexv1.Rejection{{Filter: "drain", Reason: "draining", Nodes: 1}}, JudgedNow: true},
	}
	if !proto.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	_, err = client.Explain(t.Context(), &auspexv1.ExplainRequest{DecisionId: "d-1", Node: "n-9"})
	wantStatus(t, err, codes.NotFound, "UNKNOWN_NODE")
}
