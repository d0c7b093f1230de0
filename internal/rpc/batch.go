package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/placement/ledger"
)

func (s *placementService) PlaceBatch(ctx context.Context, r *auspexv1.PlaceBatchRequest) (*auspexv1.PlaceBatchResponse, error) {
	results, err := s.placeAll(ctx, r.GetRequests())
	if err != nil {
		return nil, err
	}
	return &auspexv1.PlaceBatchResponse{Results: results}, nil
}

// PlaceStream reads a message only when it has answered the one before: the
// window of the stream is what slows a client down.
func (s *placementService) PlaceStream(stream grpc.BidiStreamingServer[auspexv1.PlaceStreamRequest, auspexv1.PlaceStreamResponse]) error {
	for {
		r, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		results, err := s.placeAllInTime(stream.Context(), r.GetRequests())
		if err != nil {
			return err
		}
		if err := stream.Send(&auspexv1.PlaceStreamResponse{Results: results}); err != nil {
			return err
		}
	}
}

// placeAllInTime gives a message of a stream the time a batch has.
func (s *placementService) placeAllInTime(ctx context.Context, requests []*auspexv1.PlaceRequest) ([]*auspexv1.PlaceResult, error) {
	ctx, cancel := context.WithTimeout(ctx, policies[auspexv1.PlacementService_PlaceBatch_FullMethodName].deadline)
	defer cancel()
	return s.placeAll(ctx, requests)
}

// placeAll answers every request for itself; only too many of them are an error.
func (s *placementService) placeAll(ctx context.Context, requests []*auspexv1.PlaceRequest) ([]*auspexv1.PlaceResult, error) {
	if err := s.checkCount("requests", len(requests)); err != nil {
		return nil, err
	}
	results := make([]*auspexv1.PlaceResult, len(requests))
	asked := make([]ledger.Request, 0, len(requests))
	positions := make([]int, 0, len(requests))
	for i, r := range requests {
		results[i] = &auspexv1.PlaceResult{RequestId: r.GetRequestId()}
		if err := s.check(r); err != nil {
			results[i].Answer = failed(err)
			continue
		}
		asked, positions = append(asked, requestFromWire(ctx, r)), append(positions, i)
	}
	room := s.maxMessageBytes / 2 // the rest is for answers without details
	for k, answer := range s.placer.PlaceBatch(ctx, asked) {
		i := positions[k]
		if answer.Err != nil {
			results[i].Answer = failed(placementStatus(answer.Err, "workload"))
			continue
		}
		d := decisionToWire(&answer.Decision, requests[i].GetBrief() || room <= 0)
		if !requests[i].GetBrief() {
			room -= proto.Size(d)
		}
		results[i].Answer = &auspexv1.PlaceResult_Decision{Decision: d}
	}
	return results, nil
}

func (s *placementService) checkCount(field string, n int) error {
	if n > s.maxBatch {
		return badField(field, "repeated.max_items", fmt.Errorf("%d are more than this server takes at once (%d)", n, s.maxBatch))
	}
	return nil
}

func (s *placementService) ConfirmBatch(ctx context.Context, r *auspexv1.ConfirmBatchRequest) (*auspexv1.ConfirmBatchResponse, error) {
	if err := s.checkCount("decision_ids", len(r.GetDecisionIds())); err != nil {
		return nil, err
	}
	response := &auspexv1.ConfirmBatchResponse{Results: make([]*auspexv1.ConfirmResult, len(r.GetDecisionIds()))}
	for i, c := range s.placer.ConfirmBatch(ctx, r.GetDecisionIds()) {
		response.Results[i] = &auspexv1.ConfirmResult{Workloads: count(len(c.Confirmed))}
		if c.Err != nil {
			response.Results[i].Failure = failureToWire(placementStatus(c.Err, "decision_ids"))
		}
	}
	return response, nil
}

func (s *placementService) ReleaseBatch(ctx context.Context, r *auspexv1.ReleaseBatchRequest) (*auspexv1.ReleaseBatchResponse, error) {
	if err := s.checkCount("decision_ids", len(r.GetDecisionIds())); err != nil {
		return nil, err
	}
	workloads, err := s.placer.ReleaseBatch(ctx, r.GetDecisionIds())
	if err != nil {
		return nil, placementStatus(err, "decision_ids")
	}
	return &auspexv1.ReleaseBatchResponse{Workloads: countsToWire(workloads)}, nil
}

func failed(err error) *auspexv1.PlaceResult_Failure {
	return &auspexv1.PlaceResult_Failure{Failure: failureToWire(err)}
}

// failureToWire says what a status says, as a value.
func failureToWire(err error) *auspexv1.Failure {
	s := status.Convert(err)
	out := &auspexv1.Failure{Code: uint32(s.Code()), Message: s.Message()}
	for _, detail := range s.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			out.Reason = d.GetReason()
		case *errdetails.RetryInfo:
			out.RetryAfter = d.GetRetryDelay()
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				out.Fields = append(out.Fields, v.GetField())
			}
		}
	}
	return out
}
