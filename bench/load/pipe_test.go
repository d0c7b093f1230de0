package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
)

// echo answers a Place with its own id, or as that says.
type echo struct {
	auspexv1.UnimplementedPlacementServiceServer
	flying, most atomic.Int64
}

func (e *echo) Place(ctx context.Context, r *auspexv1.PlaceRequest) (*auspexv1.PlaceResponse, error) {
	n := e.flying.Add(1)
	defer e.flying.Add(-1)
	for most := e.most.Load(); n > most && !e.most.CompareAndSwap(most, n); most = e.most.Load() {
	}
	switch r.GetRequestId() {
	case "refuse":
		return nil, status.Error(codes.FailedPrecondition, "no")
	case "wait":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &auspexv1.PlaceResponse{DecisionId: r.GetRequestId(), Reason: r.GetWorkload().GetApp()}, nil
}

// serveEcho serves until the test ends, at most four calls at a time.
func serveEcho(t *testing.T) (*echo, *grpc.Server, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e, s := new(echo), grpc.NewServer(grpc.MaxConcurrentStreams(4))
	auspexv1.RegisterPlacementServiceServer(s, e)
	var served sync.WaitGroup
	served.Go(func() { s.Serve(l) })
	t.Cleanup(func() { s.Stop(); served.Wait() })
	return e, s, l.Addr().String()
}

func dial(t *testing.T, server string, timeout time.Duration) *pipe {
	t.Helper()
	p, err := dialPipe(t.Context(), server, timeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p
}

// invoke makes a call and waits for its end.
func invoke(t *testing.T, p *pipe, path string, request, answer proto.Message) (ended codes.Code) {
	t.Helper()
	body, err := proto.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	done := false
	p.call(path, body, func(message []byte, code codes.Code) {
		if ended, done = code, true; code == codes.OK {
			if err := proto.Unmarshal(message, answer); err != nil {
				t.Error(err)
			}
		}
	})
	for !done {
		p.turn()
		p.giveUp()
	}
	return ended
}

const place = auspexv1.PlacementService_Place_FullMethodName

func TestPipeAnswers(t *testing.T) {
	_, server, address := serveEcho(t)
	p := dial(t, address, 200*time.Millisecond)
	for _, c := range []struct {
		name, path, id string
		app            int // bytes
		want           codes.Code
	}{
		{"answer", place, "a", 0, codes.OK},
		{"answer in several frames", place, "b", 50 << 10, codes.OK},
		{"refusal", place, "refuse", 0, codes.FailedPrecondition},
		{"deadline", place, "wait", 0, codes.DeadlineExceeded},
		{"no such method", "/auspex.v1.PlacementService/Guess", "c", 0, codes.Unimplemented},
		{"too large for a stream's window", place, "d", 17 << 20, codes.Unavailable},
		{"answer again", place, "e", 1, codes.OK},
	} {
		app := strings.Repeat("x", c.app)
		var r auspexv1.PlaceResponse
		code := invoke(t, p, c.path, &auspexv1.PlaceRequest{RequestId: c.id, Workload: &auspexv1.Workload{App: app}}, &r)
		if code != c.want {
			t.Errorf("%s: %v, want %v", c.name, code, c.want)
		}
		if code == codes.OK && (r.DecisionId != c.id || r.Reason != app) {
			t.Errorf("%s: answered %.40v", c.name, &r)
		}
	}
	server.Stop()
	if code := invoke(t, p, place, &auspexv1.PlaceRequest{}, nil); code != codes.Unavailable {
		t.Errorf("stopped server: %v", code)
	}
}

// Ten times what the connection's first window holds, over a server that takes four
// calls at a time: all wait for their turn and are answered.
func TestPipeKeepsWithinLimits(t *testing.T) {
	e, _, address := serveEcho(t)
	p := dial(t, address, time.Minute)
	answered := 0
	for i := range 100 {
		id := fmt.Sprint(i)
		body, err := proto.Marshal(&auspexv1.PlaceRequest{RequestId: id, Workload: &auspexv1.Workload{App: strings.Repeat("x", 7000)}})
		if err != nil {
			t.Fatal(err)
		}
		for !p.room(len(body)) {
			p.turn()
		}
		p.call(place, body, func(message []byte, code codes.Code) {
			var r auspexv1.PlaceResponse
			if err := proto.Unmarshal(message, &r); code != codes.OK || err != nil || r.DecisionId != id {
				t.Errorf("call %s: %v, %v, answer to %q", id, code, err, r.DecisionId)
			}
			answered++
		})
	}
	for len(p.calls) > 0 {
		p.turn()
	}
	if answered != 100 || e.most.Load() > 4 {
		t.Errorf("%d answers, %d calls at a time at most, want 100 and 4", answered, e.most.Load())
	}
}

func TestPipeEndsWithConnection(t *testing.T) {
	_, server, address := serveEcho(t)
	p := dial(t, address, time.Minute)
	var failed []codes.Code
	for range 2 {
		body, _ := proto.Marshal(&auspexv1.PlaceRequest{RequestId: "wait"})
		p.call(place, body, func(_ []byte, code codes.Code) { failed = append(failed, code) })
	}
	p.poll()
	server.Stop()
	for len(failed) < 2 {
		p.turn()
	}
	for _, code := range failed {
		if code != codes.Unavailable && code != codes.Canceled {
			t.Errorf("a call under way when the server stopped: %v", code)
		}
	}
	if _, err := dialPipe(t.Context(), address, time.Second); err == nil {
		t.Error("a server that is gone was connected to")
	}
}

// A server that says nothing does not keep a call for ever.
func TestPipeGivesUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if conn, err := l.Accept(); err == nil {
			http2.NewFramer(conn, nil).WriteSettings()
			io.Copy(io.Discard, conn) // until the test's end closes it
		}
	}()
	p := dial(t, l.Addr().String(), 100*time.Millisecond)
	if code := invoke(t, p, place, &auspexv1.PlaceRequest{}, nil); code != codes.DeadlineExceeded {
		t.Errorf("a silent server: %v", code)
	}
}

func TestEncodeIsTheRequest(t *testing.T) {
	for _, name := range []string{"alike", "fifty", "different"} {
		m, err := newMix(name, 7)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 60 {
			l := loop{plan: plan{brief: n%2 == 0, dryRun: n%3 == 0}, shapes: m, run: "run"}
			var got auspexv1.PlaceRequest
			if err := proto.Unmarshal(l.encode([]byte{}, n), &got); err != nil {
				t.Fatal(err)
			}
			if want := l.request(n); !proto.Equal(&got, want) {
				t.Errorf("%s %d: %v, want %v", name, n, &got, want)
			}
		}
	}
}

func TestTimeoutHeader(t *testing.T) {
	for d, want := range map[time.Duration]string{time.Microsecond: "1m", 5 * time.Second: "5000m", 48 * time.Hour: "172800S"} {
		if got := grpcTimeout(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
