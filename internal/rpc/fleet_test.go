package rpc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/timeseries"
)

func goodSample(minute int64) *auspexv1.UsageSample {
	return &auspexv1.UsageSample{
		Workload: "w-1", App: "shop", Class: "service", Queue: "web", Node: "n-1",
		Time:  &timestamppb.Timestamp{Seconds: 1_700_000_000 + 60*minute},
		Usage: map[string]float64{"cpu": .5, "memory": 1 << 20},
		Limit: map[string]float64{"cpu": 2},
	}
}

// checking is a Usage that judges samples by the vocabulary's own rules.
func checking(kept *[]timeseries.Sample) usageFunc {
	return func(_ context.Context, samples []timeseries.Sample, refuse func(int, string)) (int, error) {
		n := 0
		for i, s := range samples {
			if err := s.Validate(time.Time{}); err != nil {
				refuse(i, err.Error())
				continue
			}
			*kept = append(*kept, s)
			n++
		}
		return n, nil
	}
}

func TestReportUsageRefusesOneByOne(t *testing.T) {
	var kept []timeseries.Sample
	o := (&scripted{}).options()
	o.Usage = checking(&kept)
	r := start(t, o)

	noTime, badTime, nan, unknown := goodSample(1), goodSample(2), goodSample(3), goodSample(4)
	noTime.Time = nil
	badTime.Time = &timestamppb.Timestamp{Seconds: 1, Nanos: -1}
	nan.Usage["cpu"] = math.NaN()
	unknown.Usage["No Such"] = 1
	got, err := report(t, r,
		[]*auspexv1.UsageSample{goodSample(5), noTime, goodSample(6), nan},
		nil,
		[]*auspexv1.UsageSample{badTime, unknown, goodSample(7), {}},
	)
	if err != nil {
		t.Fatal(err)
	}
	if got.Accepted != 3 || got.Refused != 5 || len(kept) != 3 {
		t.Errorf("accepted %d (%d kept), refused %d, want 3 and 5", got.Accepted, len(kept), got.Refused)
	}
	if !slices.IsSortedFunc(got.Refusals, func(a, b *auspexv1.RefusedSample) int { return cmp.Compare(a.Index, b.Index) }) {
		t.Errorf("refusals out of order: %v", got.Refusals)
	}
	want := map[uint64]string{1: "no time", 3: "cpu is NaN", 4: "time", 5: "No Such", 7: "no time"}
	for _, refusal := range got.Refusals {
		if w, ok := want[refusal.Index]; !ok || !strings.Contains(refusal.Reason, w) {
			t.Errorf("sample %d refused with %q, want %q", refusal.Index, refusal.Reason, w)
		}
		delete(want, refusal.Index)
	}
	if len(want) > 0 {
		t.Errorf("not refused: %v", want)
	}
	s := kept[0]
	if (s.Key != timeseries.Key{Workload: "w-1", App: "shop", Class: "service", Queue: "web", Node: "n-1", Source: "push"}) {
		t.Errorf("key %+v", s.Key)
	}
	if s.Time.Unix() != 1_700_000_300 || s.Usage.Get("cpu") != .5 || s.Limit.Get("cpu") != 2 {
		t.Errorf("sample %+v", s)
	}
}

func TestReportUsageListsTheFirstRefusals(t *testing.T) {
	var kept []timeseries.Sample
	o := (&scripted{}).options()
	o.Usage = checking(&kept)
	got, err := report(t, start(t, o), make([]*auspexv1.UsageSample, 150))
	if err != nil {
		t.Fatal(err)
	}
	if got.Refused != 150 || len(got.Refusals) != maxRefusals {
		t.Errorf("refused %d, %d listed", got.Refused, len(got.Refusals))
	}
}

func TestReportUsageFailures(t *testing.T) {
	t.Run("no collector", func(t *testing.T) {
		_, err := report(t, start(t, (&scripted{}).options()), []*auspexv1.UsageSample{goodSample(1)})
		wantStatus(t, err, codes.Unimplemented, "NO_COLLECTOR")
	})
	t.Run("not kept", func(t *testing.T) {
		o := (&scripted{}).options()
		o.Usage = usageFunc(func(context.Context, []timeseries.Sample, func(int, string)) (int, error) {
			return 0, errors.New("spool: no space left on device")
		})
		_, err := report(t, start(t, o), []*auspexv1.UsageSample{goodSample(1)})
		wantStatus(t, err, codes.Unavailable, "USAGE_NOT_KEPT")
		if retryOf(err) <= 0 || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("error %v, want the cause and when to retry", err)
		}
	})
	t.Run("too many in one message", func(t *testing.T) {
		var kept []timeseries.Sample
		o := (&scripted{}).options()
		o.Usage = checking(&kept)
		_, err := report(t, start(t, o), make([]*auspexv1.UsageSample, 10_001))
		wantStatus(t, err, codes.InvalidArgument, "INVALID_REQUEST")
		wantViolation(t, err, "samples", "samples.too_many")
		if !strings.Contains(err.Error(), "split into messages of at most 10000") {
			t.Errorf("error %v does not say what to do", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		taken, ended := make(chan struct{}), make(chan error, 1)
		o := (&scripted{}).options()
		o.Usage = usageFunc(func(ctx context.Context, _ []timeseries.Sample, _ func(int, string)) (int, error) {
			close(taken)
			<-ctx.Done()
			ended <- ctx.Err()
			return 0, ctx.Err()
		})
		ctx, cancel := context.WithCancel(t.Context())
		stream, err := auspexv1.NewFleetServiceClient(start(t, o)).ReportUsage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.Send(&auspexv1.ReportUsageRequest{Samples: []*auspexv1.UsageSample{goodSample(1)}}); err != nil {
			t.Fatal(err)
		}
		<-taken
		cancel()
		if _, err := stream.CloseAndRecv(); status.Code(err) != codes.Canceled {
			t.Errorf("error %v, want CANCELED", err)
		}
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the handler's context ended with %v", err)
		}
	})
}

func TestListNodesPages(t *testing.T) {
	names := map[string]bool{}
	for i := range 250 {
		names[fmt.Sprintf("n-%03d", i)] = true
	}
	s := &scripted{nodes: func(after string, limit int) []ledger.NodeStatus {
		var page []ledger.NodeStatus
		for name := range names {
			if name > after {
				page = append(page, ledger.NodeStatus{Node: &fleet.Node{Name: name}, State: ledger.Ready})
			}
		}
		slices.SortFunc(page, func(a, b ledger.NodeStatus) int { return cmp.Compare(a.Node.Name, b.Node.Name) })
		return page[:min(limit, len(page))]
	}}
	client := auspexv1.NewFleetServiceClient(start(t, s.options()))

	var got []string
	var sizes []int
	token := ""
	for {
		page, err := client.ListNodes(t.Context(), &auspexv1.ListNodesRequest{PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(page.Nodes))
		for _, n := range page.Nodes {
			got = append(got, n.Node.Name)
		}
		if len(sizes) == 1 { // the fleet changes between pages
			delete(names, "n-099")
			delete(names, "n-120")
			names["n-000a"] = true
		}
		if token = page.NextPageToken; token == "" {
			break
		}
	}
	if !slices.Equal(sizes, []int{100, 100, 49}) || !slices.IsSorted(got) || len(slices.Compact(got)) != 249 {
		t.Errorf("pages of %v, sorted %v", sizes, slices.IsSorted(got))
	}

	exact, err := client.ListNodes(t.Context(), &auspexv1.ListNodesRequest{PageSize: uint32(len(names))})
	if err != nil || len(exact.Nodes) != len(names) || exact.NextPageToken != "" {
		t.Errorf("one page of all: %d nodes, token %q, %v", len(exact.GetNodes()), exact.GetNextPageToken(), err)
	}
	for _, bad := range []string{"%%%", "bm9uc2Vuc2U", pageToken("")} {
		_, err := client.ListNodes(t.Context(), &auspexv1.ListNodesRequest{PageToken: bad})
		wantStatus(t, err, codes.InvalidArgument, "INVALID_REQUEST")
		wantViolation(t, err, "page_token", "page_token.unknown")
	}
}

// A server that expects no heartbeats says so.
func TestNoHeartbeatExpected(t *testing.T) {
	s := &scripted{fleet: func(string, string) error { return nil }}
	o := s.options()
	o.HeartbeatInterval = -1
	client := auspexv1.NewFleetServiceClient(start(t, o))
	registered, err := client.RegisterNode(t.Context(), &auspexv1.RegisterNodeRequest{Node: wireNode("n-1")})
	if err != nil || registered.HeartbeatInterval.AsDuration() != 0 {
		t.Errorf("register: %v, %v", registered, err)
	}
	beaten, err := client.Heartbeat(t.Context(), &auspexv1.HeartbeatRequest{Node: "n-1"})
	if err != nil || beaten.HeartbeatInterval.AsDuration() != 0 {
		t.Errorf("heartbeat: %v, %v", beaten, err)
	}
}

func TestFleetOperations(t *testing.T) {
	var done []string
	s := &scripted{fleet: func(operation, node string) error {
		done = append(done, operation+" "+node)
		return nil
	}}
	o := s.options()
	o.HeartbeatInterval = 7 * time.Second
	client := auspexv1.NewFleetServiceClient(start(t, o))
	registered, err := client.RegisterNode(t.Context(), &auspexv1.RegisterNodeRequest{Node: wireNode("n-1")})
	if err != nil || registered.HeartbeatInterval.AsDuration() != 7*time.Second {
		t.Errorf("register: %v, %v", registered, err)
	}
	beaten, err := client.Heartbeat(t.Context(), &auspexv1.HeartbeatRequest{Node: "n-1"})
	if err != nil || beaten.HeartbeatInterval.AsDuration() != 7*time.Second {
		t.Errorf("heartbeat: %v, %v", beaten, err)
	}
	drained, err := client.Drain(t.Context(), &auspexv1.DrainRequest{Node: "n-1"})
	if err != nil || drained.Workloads != 3 {
		t.Errorf("drain: %v, %v", drained, err)
	}
	if _, err := client.RemoveNode(t.Context(), &auspexv1.RemoveNodeRequest{Node: "n-1"}); err != nil {
		t.Error(err)
	}
	if want := []string{"register n-1", "heartbeat n-1", "drain n-1", "remove n-1"}; !slices.Equal(done, want) {
		t.Errorf("done %v, want %v", done, want)
	}
}

func wireNode(name string) *auspexv1.Node {
	return &auspexv1.Node{Name: name, Capacity: &auspexv1.Resources{Amounts: map[string]float64{"cpu": 16, "memory": 64 << 30}}}
}
