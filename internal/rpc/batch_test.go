package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/workload"
)

func registerNodes(t *testing.T, r *running, n int) {
	t.Helper()
	for i := range n {
		node := &auspexv1.Node{Name: fmt.Sprintf("n-%d", i), Rack: fmt.Sprintf("k-%d", i/2), Capacity: &auspexv1.Resources{Amounts: map[string]float64{"cpu": 4, "memory": 16 << 30}}}
		if _, err := auspexv1.NewFleetServiceClient(r).RegisterNode(t.Context(), &auspexv1.RegisterNodeRequest{Node: node}); err != nil {
			t.Fatal(err)
		}
	}
}

func item(id string, change ...func(*auspexv1.PlaceRequest)) *auspexv1.PlaceRequest {
	r := &auspexv1.PlaceRequest{RequestId: id, Workload: wireWorkload("w-" + id)}
	for _, c := range change {
		c(r)
	}
	return r
}

// mixed is a batch whose items fare in every way; wantMixed is how.
func mixed() []*auspexv1.PlaceRequest {
	return []*auspexv1.PlaceRequest{
		item("a"),
		item("b", func(r *auspexv1.PlaceRequest) { r.RequestId = "" }),
		item("c", func(r *auspexv1.PlaceRequest) { r.Workload.Requests.Amounts["cpu"] = -1 }),
		item("d", func(r *auspexv1.PlaceRequest) { r.Workload.Class = "bogus" }),
		item("e", func(r *auspexv1.PlaceRequest) { r.Workload.Id = "w-a" }),
		item("f", func(r *auspexv1.PlaceRequest) { r.Workload.Requests.Amounts["cpu"] = 99 }),
		item("g", func(r *auspexv1.PlaceRequest) { r.Brief = true }),
		item("h", func(r *auspexv1.PlaceRequest) { r.Workload = nil }),
		item("i"),
	}
}

func wantMixed(t *testing.T, results []*auspexv1.PlaceResult) {
	t.Helper()
	want := []string{
		"placed", "INVALID_REQUEST request_id", "INVALID_REQUEST workload.requests.amounts[\"cpu\"]", "INVALID_REQUEST workload.class",
		"WORKLOAD_ALREADY_PLACED ", "refused", "placed", "INVALID_REQUEST workload", "placed",
	}
	if len(results) != len(want) {
		t.Fatalf("%d results, want %d", len(results), len(want))
	}
	for i, r := range results {
		got := "refused"
		if f := r.GetFailure(); f != nil {
			got = f.GetReason() + " " + strings.Join(f.GetFields(), ",")
			if f.GetMessage() == "" || codes.Code(f.GetCode()) == codes.OK {
				t.Errorf("item %d: failure %v", i, f)
			}
		} else if r.GetDecision().GetNode() != "" {
			got = "placed"
		}
		if got != want[i] || r.GetRequestId() != mixed()[i].GetRequestId() {
			t.Errorf("item %d, %q: %q, want %q", i, r.GetRequestId(), got, want[i])
		}
	}
	if full, brief := results[0].GetDecision(), results[6].GetDecision(); len(full.GetScores()) == 0 || len(brief.GetScores())+len(brief.GetRejections()) > 0 || brief.GetScore() == 0 {
		t.Errorf("full has %d scores, brief %v", len(full.GetScores()), brief)
	}
}

func TestPlaceBatch(t *testing.T) {
	r := startReal(t, t.TempDir())
	registerNodes(t, r, 3)
	client := auspexv1.NewPlacementServiceClient(r)
	response, err := client.PlaceBatch(t.Context(), &auspexv1.PlaceBatchRequest{Requests: mixed()})
	if err != nil {
		t.Fatal(err)
	}
	wantMixed(t, response.GetResults())

	// Confirmed and released as they were placed.
	ids := []string{response.Results[0].GetDecision().GetDecisionId(), "nobody", response.Results[8].GetDecision().GetDecisionId()}
	confirmed, err := client.ConfirmBatch(t.Context(), &auspexv1.ConfirmBatchRequest{DecisionIds: ids})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", "UNKNOWN_DECISION", ""} {
		if c := confirmed.GetResults()[i]; c.GetFailure().GetReason() != want || (c.GetWorkloads() == 1) != (want == "") {
			t.Errorf("confirm %d: %v", i, c)
		}
	}
	released, err := client.ReleaseBatch(t.Context(), &auspexv1.ReleaseBatchRequest{DecisionIds: ids})
	if err != nil || !slices.Equal(released.GetWorkloads(), []uint32{1, 0, 1}) {
		t.Errorf("released %v, %v", released, err)
	}
}

// A gang as large as the wire allows is no more than a server takes as it is.
func TestLargestGang(t *testing.T) {
	validate, err := newValidator()
	if err != nil {
		t.Fatal(err)
	}
	r := &auspexv1.PlaceGangRequest{RequestId: "g"}
	for i := range (Options{}).withDefaults().MaxBatch + 1 {
		w := item(fmt.Sprint(i)).Workload
		r.Members = append(r.Members, w)
	}
	wantViolation(t, validate(r), "members", "repeated.max_items")
}

func TestBatchLimits(t *testing.T) {
	o := (&scripted{place: func(context.Context, ledger.Request) (ledger.Decision, error) {
		d := someDecision()
		for range 100 {
			d.Alternatives = append(d.Alternatives, d.Alternatives[0])
		}
		return d, nil
	}}).options()
	o.MaxBatch, o.MaxMessageBytes = 50, 64<<10
	client := auspexv1.NewPlacementServiceClient(start(t, o))
	_, err := client.PlaceBatch(t.Context(), &auspexv1.PlaceBatchRequest{})
	wantStatus(t, err, codes.InvalidArgument, "INVALID_REQUEST")
	wantViolation(t, err, "requests", "repeated.min_items")
	var batch []*auspexv1.PlaceRequest
	for i := range 51 {
		batch = append(batch, item(fmt.Sprint(i)))
	}
	_, err = client.PlaceBatch(t.Context(), &auspexv1.PlaceBatchRequest{Requests: batch})
	wantViolation(t, err, "requests", "repeated.max_items")

	// Answers that would not fit one message come without their details: what is
	// reserved must be told.
	response, err := client.PlaceBatch(t.Context(), &auspexv1.PlaceBatchRequest{Requests: batch[:50]})
	if err != nil {
		t.Fatal(err)
	}
	first, last := response.Results[0].GetDecision(), response.Results[49].GetDecision()
	if len(first.GetAlternatives()) != 101 || len(last.GetAlternatives()) != 0 || last.GetNode() != "n-1" {
		t.Errorf("first has %d alternatives, last %d", len(first.GetAlternatives()), len(last.GetAlternatives()))
	}
}

// Each message of a stream is answered by one, however it fares; a client that
// closes its side gets all that is owed.
func TestPlaceStream(t *testing.T) {
	r := startReal(t, t.TempDir())
	registerNodes(t, r, 3)
	stream, err := auspexv1.NewPlacementServiceClient(r).PlaceStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, requests := range [][]*auspexv1.PlaceRequest{mixed(), {item("z")}, mixed()} {
		if err := stream.Send(&auspexv1.PlaceStreamRequest{Requests: requests}); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	for i, check := range []func(*auspexv1.PlaceStreamResponse){
		func(r *auspexv1.PlaceStreamResponse) { wantMixed(t, r.GetResults()) },
		func(r *auspexv1.PlaceStreamResponse) {
			if len(r.GetResults()) != 1 || r.GetResults()[0].GetRequestId() != "z" {
				t.Errorf("second message: %v", r)
			}
		},
		func(r *auspexv1.PlaceStreamResponse) { wantMixed(t, r.GetResults()) }, // the first answers again
	} {
		response, err := stream.Recv()
		if err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		check(response)
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last: %v", err)
	}

	// A message that breaks a rule ends the stream.
	stream, err = auspexv1.NewPlacementServiceClient(r).PlaceStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&auspexv1.PlaceStreamRequest{}); err != nil {
		t.Fatal(err)
	}
	_, err = stream.Recv()
	wantStatus(t, err, codes.InvalidArgument, "INVALID_REQUEST")
}

func TestPlaceGang(t *testing.T) {
	r := startReal(t, t.TempDir())
	registerNodes(t, r, 4)
	client := auspexv1.NewPlacementServiceClient(r)
	gang := func(id string, cores float64, n int) *auspexv1.PlaceGangRequest {
		g := &auspexv1.PlaceGangRequest{RequestId: id}
		for i := range n {
			w := wireWorkload(fmt.Sprintf("%s-%d", id, i))
			w.Requests.Amounts["cpu"] = cores
			g.Members = append(g.Members, w)
		}
		return g
	}
	request := gang("g", 2, 4)
	request.Together, request.Brief = "rack", true
	placed, err := client.PlaceGang(t.Context(), request)
	if err != nil || !placed.GetPlaced() || placed.GetExpires() == nil || len(placed.GetMembers()) != 4 {
		t.Fatalf("%v, %v", placed, err)
	}
	if m := placed.GetMembers()[2]; m.GetGang() != placed.GetDecisionId() || m.GetNode() == "" || !strings.HasPrefix(placed.GetTogether(), "k-") {
		t.Errorf("member %v together in %q", m, placed.GetTogether())
	}
	explained, err := client.Explain(t.Context(), &auspexv1.ExplainRequest{DecisionId: placed.GetDecisionId()})
	if err != nil || len(explained.GetMembers()) != 4 || explained.GetMembers()[3].GetState() != "reserved" || explained.GetMembers()[3].GetWorkload() != "g-3" {
		t.Errorf("explained %v, %v", explained, err)
	}
	if c, err := client.Confirm(t.Context(), &auspexv1.ConfirmRequest{DecisionId: placed.GetDecisionId()}); err != nil || c.GetWorkloads() != 4 {
		t.Errorf("confirm: %v, %v", c, err)
	}
	if r, err := client.Release(t.Context(), &auspexv1.ReleaseRequest{Target: &auspexv1.ReleaseRequest_DecisionId{DecisionId: placed.GetDecisionId()}}); err != nil || !r.GetReleased() {
		t.Errorf("release: %v, %v", r, err)
	}

	refused, err := client.PlaceGang(t.Context(), gang("h", 3, 5))
	if err != nil || refused.GetPlaced() || refused.GetExpires() != nil || refused.GetMembers()[refused.GetBlocking()].GetNodesFeasible() != 0 {
		t.Errorf("%v, %v", refused, err)
	}
	request = gang("i", 1, 3)
	request.Members[1].Class = "bogus"
	_, err = client.PlaceGang(t.Context(), request)
	wantViolation(t, err, "members[1].class", "workload.invalid")
	_, err = client.PlaceGang(t.Context(), gang("j", 1, 1025))
	wantStatus(t, err, codes.InvalidArgument, "INVALID_REQUEST")
}

// What a client asks for reaches the service as it was meant.
func TestGangRequestFromWire(t *testing.T) {
	var asked ledger.GangRequest
	client := auspexv1.NewPlacementServiceClient(start(t, (&scripted{gang: func(r ledger.GangRequest) (ledger.GangDecision, error) {
		asked = r
		return ledger.GangDecision{Blocking: -1}, nil
	}}).options()))
	_, err := client.PlaceGang(t.Context(), &auspexv1.PlaceGangRequest{
		RequestId: "g", Members: []*auspexv1.Workload{wireWorkload("w-1")}, Together: "zone", OrApart: true, DryRun: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if asked.ID != "g" || asked.Together != "zone" || !asked.OrApart || !asked.DryRun || asked.Principal != "anonymous" ||
		len(asked.Members) != 1 || asked.Members[0].ID != "w-1" || asked.Members[0].Class != workload.Service {
		t.Errorf("asked %+v", asked)
	}
}
