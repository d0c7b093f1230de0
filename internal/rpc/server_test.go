package rpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	reflectv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/auspex-project/auspex/allocator"
	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// scripted stands in for the placement service where a test needs an answer the
// real one does not give at will. What is not scripted fails the call.
type scripted struct {
	gang    func(ledger.GangRequest) (ledger.GangDecision, error)
	place   func(context.Context, ledger.Request) (ledger.Decision, error)
	confirm func(string) (string, string, error)
	release func(string) (bool, error)
	explain func(string, string) (ledger.Explanation, error)
	fleet   func(operation, node string) error
	nodes   func(string, int) []ledger.NodeStatus
	sum     func(string, float64) (forecast.Forecast, error)
}

var errUnscripted = errors.New("unscripted")

func (s *scripted) Place(ctx context.Context, r ledger.Request) (ledger.Decision, error) {
	if s.place == nil {
		return ledger.Decision{}, errUnscripted
	}
	return s.place(ctx, r)
}
func (s *scripted) PlaceGang(_ context.Context, r ledger.GangRequest) (ledger.GangDecision, error) {
	if s.gang == nil {
		return ledger.GangDecision{}, errUnscripted
	}
	return s.gang(r)
}
func (s *scripted) PlaceBatch(ctx context.Context, requests []ledger.Request) []ledger.Result {
	results := make([]ledger.Result, len(requests))
	for i, r := range requests {
		results[i].Decision, results[i].Err = s.Place(ctx, r)
	}
	return results
}
func (s *scripted) ConfirmBatch(_ context.Context, decisions []string) []ledger.Confirmation {
	out := make([]ledger.Confirmation, len(decisions))
	for i, d := range decisions {
		if out[i].Err = errUnscripted; s.confirm == nil {
			continue
		}
		w, n, err := s.confirm(d)
		out[i] = ledger.Confirmation{Err: err}
		if err == nil {
			out[i].Confirmed = []ledger.Held{{Decision: d, Workload: w, Node: n}}
		}
	}
	return out
}
func (s *scripted) ReleaseBatch(ctx context.Context, decisions []string) ([]int, error) {
	counts := make([]int, len(decisions))
	for i, d := range decisions {
		released, err := s.Release(ctx, d)
		if err != nil {
			return nil, err
		}
		if released {
			counts[i] = 1
		}
	}
	return counts, nil
}
func (s *scripted) Release(_ context.Context, decision string) (bool, error) {
	if s.release == nil {
		return false, errUnscripted
	}
	return s.release(decision)
}
func (s *scripted) ReleaseWorkload(_ context.Context, workload string) (bool, error) {
	if s.release == nil {
		return false, errUnscripted
	}
	return s.release("workload " + workload)
}
func (s *scripted) Explain(decision, node string) (ledger.Explanation, error) {
	if s.explain == nil {
		return ledger.Explanation{}, errUnscripted
	}
	return s.explain(decision, node)
}
func (s *scripted) operate(operation, node string) error {
	if s.fleet == nil {
		return errUnscripted
	}
	return s.fleet(operation, node)
}
func (s *scripted) RegisterNode(_ context.Context, n fleet.Node) error {
	return s.operate("register", n.Name)
}
func (s *scripted) Heartbeat(node string) error { return s.operate("heartbeat", node) }
func (s *scripted) Drain(_ context.Context, node string, undo bool) (int, error) {
	return 3, s.operate("drain", node)
}
func (s *scripted) RemoveNode(_ context.Context, node string, force bool) error {
	return s.operate("remove", node)
}
func (s *scripted) Nodes(after string, limit int) []ledger.NodeStatus {
	if s.nodes == nil {
		return nil
	}
	return s.nodes(after, limit)
}
func (s *scripted) NodeForecast(node string, risk float64) (forecast.Forecast, error) {
	if s.sum == nil {
		return forecast.Forecast{}, errUnscripted
	}
	return s.sum(node, risk)
}
func (s *scripted) CheckDescription(w *workload.Workload) error {
	if err := w.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ledger.ErrInvalid, err)
	}
	return nil
}
func (s *scripted) Shares() ([]allocator.Share, resource.Vector) { return nil, resource.Vector{} }

// options returns Options whose every part is s.
func (s *scripted) options() Options {
	return Options{Placer: s, Fleet: s, NodeSums: s, Shares: s, Log: slog.New(slog.DiscardHandler)}
}

// running is a server on a pipe and a connection to it.
type running struct {
	*grpc.ClientConn
	stop  context.CancelFunc
	ended chan error // of Run
}

func start(t testing.TB, o Options) *running {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	l := bufconn.Listen(1 << 20)
	ctx, stop := context.WithCancel(context.Background())
	r := &running{stop: stop, ended: make(chan error, 1)}
	go func() { r.ended <- s.Run(ctx, l) }()
	r.ClientConn, err = grpc.NewClient("passthrough:///pipe",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		stop()
		if err := <-r.ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		r.ended <- nil // for the test, if it looks after cleanup
	})
	return r
}

func placeRequest() *auspexv1.PlaceRequest {
	return &auspexv1.PlaceRequest{RequestId: "r-1", Workload: wireWorkload("w-1")}
}

func wireWorkload(id string) *auspexv1.Workload {
	return &auspexv1.Workload{Id: id, Class: "service", Requests: &auspexv1.Resources{Amounts: map[string]float64{"cpu": 1, "memory": 1 << 30}}}
}

// reasonOf returns the ErrorInfo reason of a status.
func reasonOf(err error) string {
	for _, d := range status.Convert(err).Details() {
		if e, ok := d.(*errdetails.ErrorInfo); ok {
			if e.Domain != domain {
				return "domain " + e.Domain
			}
			return e.Reason
		}
	}
	return ""
}

func retryOf(err error) time.Duration {
	for _, d := range status.Convert(err).Details() {
		if r, ok := d.(*errdetails.RetryInfo); ok {
			return r.GetRetryDelay().AsDuration()
		}
	}
	return 0
}

func wantStatus(t *testing.T, err error, code codes.Code, reason string) {
	t.Helper()
	if status.Code(err) != code || reasonOf(err) != reason {
		t.Errorf("error %v with reason %q, want %v with %q", err, reasonOf(err), code, reason)
	}
}

func TestNewNeedsItsParts(t *testing.T) {
	if _, err := New(Options{}); err == nil || !strings.Contains(err.Error(), "Placer") {
		t.Errorf("error %v, want one naming what is missing", err)
	}
	o := (&scripted{}).options()
	o.MaxDeadline = -time.Second
	if _, err := New(o); err == nil {
		t.Error("a negative deadline is accepted")
	}
	o = (&scripted{}).options()
	o.Metrics = prometheus.NewRegistry()
	if _, err := New(o); err != nil {
		t.Error(err)
	}
	if _, err := New(o); err == nil {
		t.Error("metrics registered twice are accepted")
	}
}

func TestHealthAndReflection(t *testing.T) {
	r := start(t, (&scripted{}).options())
	for _, service := range []string{"", "auspex.v1.PlacementService", "auspex.v1.FleetService"} {
		h, err := healthv1.NewHealthClient(r).Check(t.Context(), &healthv1.HealthCheckRequest{Service: service})
		if err != nil || h.Status != healthv1.HealthCheckResponse_SERVING {
			t.Errorf("health of %q: %v, %v", service, h, err)
		}
	}
	stream, err := reflectv1.NewServerReflectionClient(r).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&reflectv1.ServerReflectionRequest{MessageRequest: &reflectv1.ServerReflectionRequest_ListServices{}}); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil || !strings.Contains(answer.String(), "auspex.v1.PlacementService") {
		t.Errorf("reflection says %v, %v", answer, err)
	}
}

func TestUnknownMethod(t *testing.T) {
	r := start(t, (&scripted{}).options())
	for _, method := range []string{"/auspex.v1.PlacementService/Guess", "/auspex.v9.PlacementService/Place"} {
		if err := r.Invoke(t.Context(), method, &emptypb.Empty{}, &emptypb.Empty{}); status.Code(err) != codes.Unimplemented {
			t.Errorf("%s: %v, want UNIMPLEMENTED", method, err)
		}
	}
}

func TestTooLargeMessage(t *testing.T) {
	o := (&scripted{}).options()
	o.MaxMessageBytes = 10_000
	r := start(t, o)
	request := placeRequest()
	request.Workload.Owner = strings.Repeat("x", 20_000)
	if _, err := auspexv1.NewPlacementServiceClient(r).Place(t.Context(), request); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("error %v, want RESOURCE_EXHAUSTED", err)
	}
}

func TestMalformedBytes(t *testing.T) {
	r := start(t, (&scripted{}).options())
	request := &emptypb.Empty{}
	request.ProtoReflect().SetUnknown([]byte{0x0a, 0xff}) // request_id, cut short
	err := r.Invoke(t.Context(), auspexv1.PlacementService_Place_FullMethodName, request, &emptypb.Empty{})
	if c := status.Code(err); c != codes.Internal && c != codes.InvalidArgument {
		t.Errorf("error %v, want the decoding refused", err)
	}
}

func TestRunRefusesToListenBeyondThisMachine(t *testing.T) {
	s, err := New((&scripted{}).options())
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context(), l); err == nil || !strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("error %v, want one that says where to listen", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener is left open: %v", err)
	}
}

func TestRunReportsABrokenListener(t *testing.T) {
	s, err := New((&scripted{}).options())
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := s.Run(t.Context(), l); err == nil {
		t.Error("no error")
	}
}

// blocking returns a script whose Place reports on entered and then waits for
// leave or the end of its context.
func blocking(entered chan<- struct{}, leave <-chan struct{}) *scripted {
	return &scripted{place: func(ctx context.Context, r ledger.Request) (ledger.Decision, error) {
		entered <- struct{}{}
		select {
		case <-leave:
			return ledger.Decision{ID: "d-1", Node: "n-1"}, nil
		case <-ctx.Done():
			return ledger.Decision{}, ctx.Err()
		}
	}}
}

func TestStopLetsCallsFinish(t *testing.T) {
	entered, leave := make(chan struct{}, 1), make(chan struct{})
	r := start(t, blocking(entered, leave).options())
	placed := make(chan error, 1)
	go func() {
		_, err := auspexv1.NewPlacementServiceClient(r).Place(context.Background(), placeRequest())
		placed <- err
	}()
	<-entered
	r.stop()
	close(leave)
	if err := <-placed; err != nil {
		t.Errorf("a call in flight when stopping: %v", err)
	}
	if err := <-r.ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	r.ended <- nil
}

func TestStopCutsOffWhatDoesNotFinish(t *testing.T) {
	entered, never := make(chan struct{}, 1), make(chan struct{})
	var log bytes.Buffer
	o := blocking(entered, never).options()
	o.DrainTimeout = 10 * time.Millisecond
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	r := start(t, o)
	placed := make(chan error, 1)
	go func() {
		_, err := auspexv1.NewPlacementServiceClient(r).Place(context.Background(), placeRequest())
		placed <- err
	}()
	<-entered
	r.stop()
	if err := <-placed; err == nil {
		t.Error("the call was answered")
	}
	if err := <-r.ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	r.ended <- nil
	if !strings.Contains(log.String(), "cutting them off") {
		t.Errorf("log %q", log.String())
	}
}

// buffer is a bytes.Buffer that a server may log to while a test reads.
type buffer struct {
	mu struct {
		sync.Mutex
		bytes.Buffer
	}
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mu.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mu.Buffer.String()
}
