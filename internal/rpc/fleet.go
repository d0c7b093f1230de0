package rpc

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/timeseries"
)

// Fleet owns the nodes. *ledger.Service is one; its documentation holds for
// the errors.
type Fleet interface {
	RegisterNode(ctx context.Context, n fleet.Node) error
	Heartbeat(node string) error
	Drain(ctx context.Context, node string, undo bool) (workloads int, err error)
	RemoveNode(ctx context.Context, node string, force bool) error
	Nodes(after string, limit int) []ledger.NodeStatus
}

// Usage takes samples.
type Usage interface {
	// Accept keeps the good samples of a batch durably before it returns, and calls
	// refuse with the position of each bad one and why. It returns how many it
	// kept; an error means that any of the good ones may not have been.
	Accept(ctx context.Context, samples []timeseries.Sample, refuse func(index int, reason string)) (accepted int, err error)
}

// pushed is the source of samples that come by ReportUsage.
const pushed = "push"

const (
	defaultPageSize = 100
	maxRefusals     = 100
	retryUsage      = time.Second
)

type fleetService struct {
	auspexv1.UnimplementedFleetServiceServer
	fleet     Fleet
	usage     Usage
	heartbeat time.Duration
	samples   *prometheus.CounterVec
}

func (s *fleetService) RegisterNode(ctx context.Context, r *auspexv1.RegisterNodeRequest) (*auspexv1.RegisterNodeResponse, error) {
	n, err := nodeFromWire(r.GetNode())
	if err != nil {
		return nil, badField("node", "node.invalid", err)
	}
	if err := s.fleet.RegisterNode(ctx, n); err != nil {
		return nil, placementStatus(err, "node")
	}
	return &auspexv1.RegisterNodeResponse{HeartbeatInterval: durationpb.New(s.heartbeat)}, nil
}

func (s *fleetService) Heartbeat(_ context.Context, r *auspexv1.HeartbeatRequest) (*auspexv1.HeartbeatResponse, error) {
	if err := s.fleet.Heartbeat(r.GetNode()); err != nil {
		return nil, placementStatus(err, "node")
	}
	return &auspexv1.HeartbeatResponse{HeartbeatInterval: durationpb.New(s.heartbeat)}, nil
}

// ReportUsage answers when the client has closed its side. A client that gets an
// error sends everything again: a sample that was kept is the same sample.
func (s *fleetService) ReportUsage(stream grpc.ClientStreamingServer[auspexv1.ReportUsageRequest, auspexv1.ReportUsageResponse]) error {
	if s.usage == nil {
		return newStatus(codes.Unimplemented, "NO_COLLECTOR", "this server does not collect usage").Err()
	}
	ctx := stream.Context()
	response := new(auspexv1.ReportUsageResponse)
	received := uint64(0)
	for {
		r, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.SendAndClose(response)
		}
		if err != nil {
			return err
		}
		refuse := func(index int, reason string) {
			response.Refused++
			if len(response.Refusals) < maxRefusals {
				response.Refusals = append(response.Refusals, &auspexv1.RefusedSample{Index: received + uint64(index), Reason: reason})
			}
		}
		before := response.Refused
		accepted, err := s.accept(ctx, r.GetSamples(), refuse)
		if err != nil {
			return usageStatus(ctx, err)
		}
		response.Accepted += uint64(accepted)
		s.samples.WithLabelValues("accepted").Add(float64(accepted))
		s.samples.WithLabelValues("refused").Add(float64(response.Refused - before))
		received += uint64(len(r.GetSamples()))
	}
}

// accept converts one message's samples, refuses those that cannot be, and
// hands over the rest. Positions are those of the message, in order.
func (s *fleetService) accept(ctx context.Context, wire []*auspexv1.UsageSample, refuse func(int, string)) (int, error) {
	samples := make([]timeseries.Sample, 0, len(wire))
	reasons := make(map[int]string)
	positions := make([]int, 0, len(wire))
	for i, w := range wire {
		sample, err := sampleFromWire(w)
		if err != nil {
			reasons[i] = err.Error()
			continue
		}
		samples, positions = append(samples, sample), append(positions, i)
	}
	accepted := 0
	if len(samples) > 0 {
		var err error
		accepted, err = s.usage.Accept(ctx, samples, func(i int, reason string) { reasons[positions[i]] = reason })
		if err != nil {
			return 0, err
		}
	}
	for _, i := range slices.Sorted(maps.Keys(reasons)) {
		refuse(i, reasons[i])
	}
	return accepted, nil
}

func usageStatus(ctx context.Context, err error) error {
	if end := ctx.Err(); end != nil && errors.Is(err, end) {
		return status.FromContextError(end).Err()
	}
	return newStatus(codes.Unavailable, "USAGE_NOT_KEPT", "keep usage: %v", err).retry(retryUsage).Err()
}

// ListNodes pages by name: a page starts after the last name of the one before,
// so nodes that come and go in between shift nothing.
func (s *fleetService) ListNodes(_ context.Context, r *auspexv1.ListNodesRequest) (*auspexv1.ListNodesResponse, error) {
	after, err := parsePageToken(r.GetPageToken())
	if err != nil {
		return nil, badField("page_token", "page_token.unknown", err)
	}
	size := int(r.GetPageSize())
	if size == 0 {
		size = defaultPageSize
	}
	nodes := s.fleet.Nodes(after, size+1)
	response := &auspexv1.ListNodesResponse{Nodes: make([]*auspexv1.NodeStatus, 0, size)}
	for i := range nodes {
		if i == size {
			response.NextPageToken = pageToken(nodes[i-1].Node.Name)
			break
		}
		response.Nodes = append(response.Nodes, nodeStatusToWire(&nodes[i]))
	}
	return response, nil
}

func (s *fleetService) Drain(ctx context.Context, r *auspexv1.DrainRequest) (*auspexv1.DrainResponse, error) {
	workloads, err := s.fleet.Drain(ctx, r.GetNode(), r.GetUndo())
	if err != nil {
		return nil, placementStatus(err, "node")
	}
	return &auspexv1.DrainResponse{Workloads: count(workloads)}, nil
}

func (s *fleetService) RemoveNode(ctx context.Context, r *auspexv1.RemoveNodeRequest) (*auspexv1.RemoveNodeResponse, error) {
	if err := s.fleet.RemoveNode(ctx, r.GetNode(), r.GetForce()); err != nil {
		return nil, placementStatus(err, "node")
	}
	return &auspexv1.RemoveNodeResponse{}, nil
}
