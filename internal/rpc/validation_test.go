package rpc

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
)

// wantViolation wants a BadRequest that names field and rule.
func wantViolation(t *testing.T, err error, field, rule string) {
	t.Helper()
	var got []string
	for _, d := range status.Convert(err).Details() {
		if bad, ok := d.(*errdetails.BadRequest); ok {
			for _, v := range bad.FieldViolations {
				if v.Description == "" {
					t.Errorf("violation of %s has no description", v.Field)
				}
				got = append(got, v.Field+" "+v.Reason)
			}
		}
	}
	if !slices.Contains(got, field+" "+rule) {
		t.Errorf("error %v with violations %q, want %q", err, got, field+" "+rule)
	}
}

func place(change func(*auspexv1.PlaceRequest)) *auspexv1.PlaceRequest {
	r := placeRequest()
	change(r)
	return r
}

func placeWorkload(change func(*auspexv1.Workload)) *auspexv1.PlaceRequest {
	return place(func(r *auspexv1.PlaceRequest) { change(r.Workload) })
}

func register(change func(*auspexv1.Node)) *auspexv1.RegisterNodeRequest {
	n := wireNode("n-1")
	change(n)
	return &auspexv1.RegisterNodeRequest{Node: n}
}

func TestMalformedRequests(t *testing.T) {
	long := strings.Repeat("x", 2000)
	r := start(t, (&scripted{}).options())
	for _, c := range []struct {
		name    string
		method  string
		request proto.Message
		field   string
		rule    string
	}{
		{"no request id", placements + "Place", place(func(r *auspexv1.PlaceRequest) { r.RequestId = "" }), "request_id", "string.min_len"},
		{"request id too long", placements + "Place", place(func(r *auspexv1.PlaceRequest) { r.RequestId = long }), "request_id", "string.max_len"},
		{"no workload", placements + "Place", place(func(r *auspexv1.PlaceRequest) { r.Workload = nil }), "workload", "required"},
		{"too many alternatives", placements + "Place", place(func(r *auspexv1.PlaceRequest) { r.Alternatives = 101 }), "alternatives", "uint32.lte"},
		{"reserve for nothing", placements + "Place", place(func(r *auspexv1.PlaceRequest) { r.ReserveFor = durationpb.New(0) }), "reserve_for", "duration.gt_lte"},
		{"reserve for too long", placements + "Place", place(func(r *auspexv1.PlaceRequest) { r.ReserveFor = &durationpb.Duration{Seconds: 86401} }), "reserve_for", "duration.gt_lte"},
		{"no id", placements + "Place", placeWorkload(func(w *auspexv1.Workload) { w.Id = "" }), "workload.id", "string.min_len"},
		{"no requests", placements + "Place", placeWorkload(func(w *auspexv1.Workload) { w.Requests = nil }), "workload.requests", "required"},
		{"negative amount", placements + "Place", placeWorkload(func(w *auspexv1.Workload) { w.Requests.Amounts["cpu"] = -1 }), `workload.requests.amounts["cpu"]`, "double.gte_lte"},
		{"NaN", placements + "Place", placeWorkload(func(w *auspexv1.Workload) { w.Requests.Amounts["cpu"] = math.NaN() }), `workload.requests.amounts["cpu"]`, "double.finite"},
		{"infinite", placements + "Place", placeWorkload(func(w *auspexv1.Workload) { w.Requests.Amounts["cpu"] = math.Inf(1) }), `workload.requests.amounts["cpu"]`, "double.finite"},
		{"resource name", placements + "Place", placeWorkload(func(w *auspexv1.Workload) { w.Requests.Amounts["No Such"] = 1 }), `workload.requests.amounts["No Such"]`, "string.pattern"},
		{"label too long", placements + "Place", placeWorkload(func(w *auspexv1.Workload) { w.Labels = map[string]string{"a": long} }), `workload.labels["a"]`, "string.max_len"},
		{"share above one", placements + "Place", placeWorkload(func(w *auspexv1.Workload) { w.Accelerator = &auspexv1.Accelerator{Devices: 1, Share: 1.5} }), "workload.accelerator.share", "double.gte_lte"},
		{"share of two devices", placements + "Place", placeWorkload(func(w *auspexv1.Workload) { w.Accelerator = &auspexv1.Accelerator{Devices: 2, Share: .5} }), "workload.accelerator", "accelerator.share_needs_one_device"},
		{"data set without name", placements + "Place", placeWorkload(func(w *auspexv1.Workload) { w.Data = []*auspexv1.DataSet{{Bytes: 1}} }), "workload.data[0].name", "string.min_len"},
		{"empty place", placements + "Place", placeWorkload(func(w *auspexv1.Workload) {
			w.Locality = &auspexv1.Locality{Required: &auspexv1.Places{Zones: []string{"a", ""}}}
		}), "workload.locality.required.zones[1]", "string.min_len"},
		{"confirm nothing", placements + "Confirm", &auspexv1.ConfirmRequest{}, "decision_id", "string.min_len"},
		{"release nothing", placements + "Release", &auspexv1.ReleaseRequest{}, "target", "required"},
		{"release no decision", placements + "Release", &auspexv1.ReleaseRequest{Target: &auspexv1.ReleaseRequest_DecisionId{}}, "decision_id", "string.min_len"},
		{"explain nothing", placements + "Explain", &auspexv1.ExplainRequest{}, "decision_id", "string.min_len"},
		{"no node", nodes + "RegisterNode", &auspexv1.RegisterNodeRequest{}, "node", "required"},
		{"no capacity", nodes + "RegisterNode", register(func(n *auspexv1.Node) { n.Capacity = nil }), "node.capacity", "required"},
		{"three watts", nodes + "RegisterNode", register(func(n *auspexv1.Node) { n.Power = &auspexv1.Power{Watts: []float64{1, 2, 3}} }), "node.power", "power.watts_points"},
		{"negative watts", nodes + "RegisterNode", register(func(n *auspexv1.Node) { n.Power = &auspexv1.Power{Watts: []float64{1, -2}} }), "node.power.watts[1]", "double.gte"},
		{"gpus without devices", nodes + "RegisterNode", register(func(n *auspexv1.Node) { n.Capacity.Amounts["gpu"] = 2 }), "node", "node.invalid"},
		{"nobody's heartbeat", nodes + "Heartbeat", &auspexv1.HeartbeatRequest{}, "node", "string.min_len"},
		{"page too large", nodes + "ListNodes", &auspexv1.ListNodesRequest{PageSize: 1001}, "page_size", "uint32.lte"},
		{"drain nothing", nodes + "Drain", &auspexv1.DrainRequest{}, "node", "string.min_len"},
		{"remove nothing", nodes + "RemoveNode", &auspexv1.RemoveNodeRequest{}, "node", "string.min_len"},
		{"predict nothing", forecasts + "Predict", &auspexv1.PredictRequest{}, "subject", "required"},
		{"certain risk", forecasts + "Predict", &auspexv1.PredictRequest{Subject: &auspexv1.PredictRequest_Node{Node: "n"}, Risk: 1}, "risk", "double.gte_lt"},
		{"description over its limit", forecasts + "Predict", &auspexv1.PredictRequest{Subject: &auspexv1.PredictRequest_Description{Description: &auspexv1.Workload{
			Id: "w", Requests: &auspexv1.Resources{Amounts: map[string]float64{"cpu": 2}}, Limits: &auspexv1.Resources{Amounts: map[string]float64{"cpu": 1}},
		}}}, "description.limits", "workload.invalid"},
		{"absurd amount", placements + "Place", placeWorkload(func(w *auspexv1.Workload) { w.Requests.Amounts["cpu"] = 1e308 }), `workload.requests.amounts["cpu"]`, "double.gte_lte"},
		{"idle over full", nodes + "RegisterNode", register(func(n *auspexv1.Node) { n.Power = &auspexv1.Power{Watts: []float64{300, 100}} }), "node.power", "power.idle_not_over_full"},
		{"control in request id", placements + "Place", place(func(r *auspexv1.PlaceRequest) { r.RequestId = "n\nn" }), "request_id", "string.pattern"},
		{"control in id", placements + "Place", placeWorkload(func(w *auspexv1.Workload) { w.Id = "a\x00b\x1b[31m" }), "workload.id", "string.pattern"},
		{"control in app", placements + "Place", placeWorkload(func(w *auspexv1.Workload) { w.App = "a\n" }), "workload.app", "string.pattern"},
		{"control in class", placements + "Place", placeWorkload(func(w *auspexv1.Workload) { w.Class = "a\t" }), "workload.class", "string.pattern"},
		{"control in queue", placements + "Place", placeWorkload(func(w *auspexv1.Workload) { w.Queue = "\r" }), "workload.queue", "string.pattern"},
		{"line separator in owner", placements + "Place", placeWorkload(func(w *auspexv1.Workload) { w.Owner = "a\u2028b" }), "workload.owner", "string.pattern"},
		{"control in label", placements + "Place", placeWorkload(func(w *auspexv1.Workload) { w.Labels = map[string]string{"a": "\x7f"} }), `workload.labels["a"]`, "string.pattern"},
		{"control in label key", placements + "Place", placeWorkload(func(w *auspexv1.Workload) { w.Selector = map[string]string{"a\nb": "c"} }), `workload.selector["a\nb"]`, "string.pattern"},
		{"control in compartment", placements + "Place", placeWorkload(func(w *auspexv1.Workload) { w.Security = &auspexv1.Security{Compartments: []string{"a\x01"}} }), "workload.security.compartments[0]", "string.pattern"},
		{"control in toleration", placements + "Place", placeWorkload(func(w *auspexv1.Workload) { w.Tolerations = []*auspexv1.Toleration{{Key: "a\n"}} }), "workload.tolerations[0].key", "string.pattern"},
		{"control in node name", nodes + "RegisterNode", register(func(n *auspexv1.Node) { n.Name = "n\nn" }), "node.name", "string.pattern"},
		{"control in node label", nodes + "RegisterNode", register(func(n *auspexv1.Node) { n.Labels = map[string]string{"a": "b\n"} }), `node.labels["a"]`, "string.pattern"},
		{"control in rack", nodes + "RegisterNode", register(func(n *auspexv1.Node) { n.Rack = "r\u202e" }), "node.rack", "string.pattern"},
		{"control in device model", nodes + "RegisterNode", register(func(n *auspexv1.Node) { n.Devices = []*auspexv1.Device{{Model: "\x1b"}} }), "node.devices[0].model", "string.pattern"},
		{"control in heartbeat", nodes + "Heartbeat", &auspexv1.HeartbeatRequest{Node: "n\n"}, "node", "string.pattern"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := r.Invoke(t.Context(), c.method, c.request, &emptypb.Empty{})
			wantStatus(t, err, codes.InvalidArgument, "INVALID_REQUEST")
			wantViolation(t, err, c.field, c.rule)
		})
	}
}

// Letters of any script are welcome, and a refusal says what is wrong in words.
func TestControlCharacters(t *testing.T) {
	check, err := newChecker()
	if err != nil {
		t.Fatal(err)
	}
	if err := check(placeWorkload(func(w *auspexv1.Workload) {
		w.Id, w.Labels = "söke 漢字 🚀", map[string]string{"größe": "e\u0301"}
	})); err != nil {
		t.Error(err)
	}
	err = check(placeWorkload(func(w *auspexv1.Workload) { w.Id = "n\nn" }))
	if got := status.Convert(err).Message(); got != "workload.id: must not hold control characters" {
		t.Errorf("message %q", got)
	}
}

func TestManyViolationsAreBounded(t *testing.T) {
	check, err := newChecker()
	if err != nil {
		t.Fatal(err)
	}
	err = check(placeWorkload(func(w *auspexv1.Workload) { w.Data = make([]*auspexv1.DataSet, 60) }))
	var listed int
	for _, d := range status.Convert(err).Details() {
		if bad, ok := d.(*errdetails.BadRequest); ok {
			listed = len(bad.FieldViolations)
		}
	}
	if listed != maxViolations {
		t.Errorf("%d violations listed, want %d of 60", listed, maxViolations)
	}
}

func TestOtherAPIsAreNotChecked(t *testing.T) {
	check, err := newChecker()
	if err != nil {
		t.Fatal(err)
	}
	if err := check(&emptypb.Empty{}); err != nil {
		t.Error(err)
	}
	if err := validation(check)(t.Context(), &call{}, func(context.Context) error { return nil }); err != nil {
		t.Error(err)
	}
}

func BenchmarkValidatePlace(b *testing.B) {
	check, err := newChecker()
	if err != nil {
		b.Fatal(err)
	}
	r := placeRequest()
	if err := check(r); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		check(r)
	}
}
