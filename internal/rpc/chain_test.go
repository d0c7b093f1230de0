package rpc

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/timeseries"
)

// Deny by default needs a table that is complete, and no longer than the API.
func TestEveryRPCHasAPolicy(t *testing.T) {
	s, err := New((&scripted{}).options())
	if err != nil {
		t.Fatal(err)
	}
	var served []string
	for service, described := range s.grpc.GetServiceInfo() {
		for _, m := range described.Methods {
			served = append(served, "/"+service+"/"+m.Name)
		}
	}
	slices.Sort(served)
	if len(served) < 12 {
		t.Fatalf("only %v are served", served)
	}
	for _, method := range served {
		if _, ok := policies[method]; !ok {
			t.Errorf("%s is served and has no policy: add it to the table in policy.go", method)
		}
	}
	for _, method := range slices.Sorted(maps.Keys(policies)) {
		p := policies[method]
		if !slices.Contains(served, method) {
			t.Errorf("%s has a policy and is not served", method)
		}
		if p.deadline <= 0 || inFlight[p.class] <= 0 {
			t.Errorf("%s: deadline %v, class %q with %d in flight: want all positive", method, p.deadline, p.class, inFlight[p.class])
		}
		if p.open && !strings.HasPrefix(method, health) {
			t.Errorf("%s is answered without a principal", method)
		}
	}
}

func from(a net.Addr) context.Context {
	return peer.NewContext(context.Background(), &peer.Peer{Addr: a})
}

func TestIdentity(t *testing.T) {
	loopback := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}
	foreign := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}
	for _, c := range []struct {
		name, method string
		peer         net.Addr // nil = none
		code         codes.Code
		reason       string
		principal    string
	}{
		{name: "loopback", method: placements + "Place", peer: loopback, principal: "anonymous"},
		{name: "loopback, IPv6", method: placements + "Place", peer: &net.TCPAddr{IP: net.IPv6loopback}, principal: "anonymous"},
		{name: "Unix socket", method: placements + "Place", peer: &net.UnixAddr{Net: "unix"}, principal: "anonymous"},
		{name: "another machine", method: placements + "Place", peer: foreign, code: codes.Unauthenticated, reason: "NO_PRINCIPAL"},
		{name: "nobody", method: placements + "Place", code: codes.Unauthenticated, reason: "NO_PRINCIPAL"},
		{name: "open to another machine", method: health + "Check", peer: foreign},
		{name: "not in the table", method: placements + "Guess", peer: loopback, code: codes.PermissionDenied, reason: "NO_POLICY"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, reached := t.Context(), false
			if c.peer != nil {
				ctx = from(c.peer)
			}
			err := identity(ctx, newCall(c.method, nil), func(ctx context.Context) error {
				reached = true
				if p := principalOf(ctx); p.Name != c.principal {
					t.Errorf("principal %q, want %q", p.Name, c.principal)
				}
				return nil
			})
			wantStatus(t, err, c.code, c.reason)
			if reached != (c.code == codes.OK) {
				t.Errorf("handler reached: %v", reached)
			}
		})
	}
}

func TestPanicIsContained(t *testing.T) {
	var log buffer
	o := (&scripted{place: func(context.Context, ledger.Request) (ledger.Decision, error) { panic("out of cheese") }}).options()
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	o.Usage = usageFunc(func(context.Context, []timeseries.Sample, func(int, string)) (int, error) { panic("in a stream") })
	reg := prometheus.NewRegistry()
	o.Metrics = reg
	r := start(t, o)

	_, err := auspexv1.NewPlacementServiceClient(r).Place(t.Context(), placeRequest())
	wantStatus(t, err, codes.Internal, "PANIC")
	if strings.Contains(err.Error(), "cheese") {
		t.Errorf("the client is told %v", err)
	}
	_, err = report(t, r, []*auspexv1.UsageSample{goodSample(1)})
	wantStatus(t, err, codes.Internal, "PANIC")

	for _, want := range []string{"out of cheese", "in a stream", "placement.go", "method=" + placements + "Place"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, log.String())
		}
	}
	want := `
# HELP auspex_grpc_panics_total Calls that ended in a panic, each logged with its stack.
# TYPE auspex_grpc_panics_total counter
auspex_grpc_panics_total 2
# HELP auspex_grpc_requests_in_flight Calls being served, by rate class.
# TYPE auspex_grpc_requests_in_flight gauge
auspex_grpc_requests_in_flight{class="deciding"} 0
auspex_grpc_requests_in_flight{class="reporting"} 0
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "auspex_grpc_panics_total", "auspex_grpc_requests_in_flight"); err != nil {
		t.Error(err)
	}
}

func TestCallsAreTimedByCode(t *testing.T) {
	answers := []error{nil, ledger.ErrConflict, nil}
	o := (&scripted{place: func(context.Context, ledger.Request) (ledger.Decision, error) {
		err := answers[0]
		answers = answers[1:]
		return ledger.Decision{ID: "d"}, err
	}}).options()
	reg := prometheus.NewRegistry()
	o.Metrics = reg
	client := auspexv1.NewPlacementServiceClient(start(t, o))
	for range 3 {
		client.Place(t.Context(), placeRequest())
	}
	client.Place(t.Context(), &auspexv1.PlaceRequest{})

	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]uint64{}
	for _, f := range families {
		if f.GetName() != "auspex_grpc_request_seconds" {
			continue
		}
		for _, m := range f.GetMetric() {
			got[m.GetLabel()[0].GetValue()+m.GetLabel()[1].GetValue()] = m.GetHistogram().GetSampleCount()
		}
	}
	want := map[string]uint64{"OK" + placements + "Place": 2, "Aborted" + placements + "Place": 1, "InvalidArgument" + placements + "Place": 1}
	if !maps.Equal(got, want) {
		t.Errorf("calls timed: %v, want %v", got, want)
	}
}

func TestLogging(t *testing.T) {
	for _, c := range []struct {
		level slog.Level
		err   error
		want  string
	}{
		{slog.LevelDebug, nil, "level=DEBUG msg=rpc method=/m code=OK"},
		{slog.LevelDebug, newStatus(codes.NotFound, "X", "no such node").Err(), `level=DEBUG msg=rpc method=/m code=NotFound`},
		{slog.LevelInfo, newStatus(codes.NotFound, "X", "no such node").Err(), ""},
		{slog.LevelInfo, newStatus(codes.Internal, "X", "disk gone").Err(), `level=ERROR msg=rpc method=/m code=Internal`},
	} {
		var log buffer
		handler := slog.NewTextHandler(&log, &slog.HandlerOptions{Level: c.level})
		got := logging(slog.New(handler))(from(&net.UnixAddr{Name: "sock"}), &call{method: "/m"}, func(context.Context) error { return c.err })
		if got != c.err {
			t.Errorf("error %v, want %v passed on", got, c.err)
		}
		if line := log.String(); !strings.Contains(line, c.want) || c.want == "" && line != "" {
			t.Errorf("at %v, %v is logged as %q, want %q in it", c.level, c.err, line, c.want)
		}
	}
}

func TestDeadline(t *testing.T) {
	five := &call{policy: policy{deadline: 5 * time.Second}, request: placeRequest()}
	stream := &call{policy: policy{deadline: time.Hour}}
	for _, c := range []struct {
		name     string
		call     *call
		clients  time.Duration // 0 = none
		longest  time.Duration
		expected time.Duration
	}{
		{"the policy's", five, 0, 0, 5 * time.Second},
		{"the client's is shorter", five, time.Second, 0, time.Second},
		{"the client's is longer", five, time.Minute, 0, 5 * time.Second},
		{"the operator's is shorter", five, 0, 2 * time.Second, 2 * time.Second},
		{"streams keep their policy", stream, 0, 2 * time.Second, time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, start := t.Context(), time.Now()
				if c.clients > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.clients)
					defer cancel()
				}
				err := deadline(c.longest)(ctx, c.call, func(ctx context.Context) error {
					<-ctx.Done()
					return ctx.Err()
				})
				if status.Code(err) != codes.DeadlineExceeded {
					t.Errorf("error %v, want DEADLINE_EXCEEDED", err)
				}
				if took := time.Since(start); took != c.expected {
					t.Errorf("ended after %v, want %v", took, c.expected)
				}
			})
		})
	}
}

func TestDeadlineKeepsOtherErrors(t *testing.T) {
	want := newStatus(codes.NotFound, "X", "gone").Err()
	err := deadline(0)(t.Context(), &call{policy: policy{deadline: time.Nanosecond}}, func(ctx context.Context) error {
		<-ctx.Done()
		return want
	})
	if err != want {
		t.Errorf("error %v, want %v", err, want)
	}
}

func TestLimit(t *testing.T) {
	narrow := limit(map[rateClass]int64{deciding: 1, operating: 1})
	place, list := &call{policy: policy{class: deciding}}, &call{policy: policy{class: operating}}
	nothing := func(context.Context) error { return nil }
	err := narrow(t.Context(), place, func(ctx context.Context) error {
		refused := narrow(ctx, place, nothing)
		wantStatus(t, refused, codes.ResourceExhausted, "TOO_MANY_CALLS")
		if retryOf(refused) <= 0 {
			t.Errorf("no RetryInfo in %v", refused)
		}
		return narrow(ctx, list, nothing) // other classes are not affected
	})
	if err != nil {
		t.Error(err)
	}
	if err := narrow(t.Context(), place, nothing); err != nil {
		t.Errorf("after the first has ended: %v", err)
	}
}

func TestClientsDeadlineReachesTheHandler(t *testing.T) {
	var left time.Duration
	client := auspexv1.NewPlacementServiceClient(start(t, (&scripted{place: func(ctx context.Context, _ ledger.Request) (ledger.Decision, error) {
		end, _ := ctx.Deadline()
		left = time.Until(end)
		return ledger.Decision{}, context.DeadlineExceeded
	}}).options()))
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if _, err := client.Place(ctx, placeRequest()); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("error %v, want DEADLINE_EXCEEDED", err)
	}
	if left <= 0 || left > 3*time.Second {
		t.Errorf("the handler has %v left, want the client's 3s at most", left)
	}
}

func TestClientsCancelReachesTheHandler(t *testing.T) {
	entered, never := make(chan struct{}, 1), make(chan struct{})
	client := auspexv1.NewPlacementServiceClient(start(t, blocking(entered, never).options()))
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-entered; cancel() }()
	if _, err := client.Place(ctx, placeRequest()); status.Code(err) != codes.Canceled {
		t.Errorf("error %v, want CANCELED", err)
	}
}

// usageFunc is Usage as a function.
type usageFunc func(context.Context, []timeseries.Sample, func(int, string)) (int, error)

func (f usageFunc) Accept(ctx context.Context, s []timeseries.Sample, refuse func(int, string)) (int, error) {
	return f(ctx, s, refuse)
}

// report sends each batch as one message.
func report(t *testing.T, r *running, batches ...[]*auspexv1.UsageSample) (*auspexv1.ReportUsageResponse, error) {
	t.Helper()
	stream, err := auspexv1.NewFleetServiceClient(r).ReportUsage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		if err := stream.Send(&auspexv1.ReportUsageRequest{Samples: b}); err == io.EOF {
			break // the server has answered already
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return stream.CloseAndRecv()
}
