package rpc

import (
	"context"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/placement"
)

// Placer decides, reserves and remembers. *placement.Service is one; its
// documentation holds for the errors.
type Placer interface {
	Place(ctx context.Context, r placement.Request) (placement.Decision, error)
	Confirm(ctx context.Context, decision string) (workload, node string, err error)
	Release(ctx context.Context, decision string) (released bool, err error)
	ReleaseWorkload(ctx context.Context, workload string) (released bool, err error)
	Explain(decision, node string) (placement.Explanation, error)
}

type placementService struct {
	auspexv1.UnimplementedPlacementServiceServer
	placer Placer
}

func (s *placementService) Place(ctx context.Context, r *auspexv1.PlaceRequest) (*auspexv1.PlaceResponse, error) {
	d, err := s.placer.Place(ctx, placement.Request{
		ID:           r.GetRequestId(),
		Workload:     workloadFromWire(r.GetWorkload()),
		Alternatives: int(r.GetAlternatives()),
		DryRun:       r.GetDryRun(),
		ReserveFor:   r.GetReserveFor().AsDuration(),
		Principal:    principalOf(ctx).Name,
	})
	if err != nil {
		return nil, placementStatus(err, "workload")
	}
	return decisionToWire(&d), nil
}

func (s *placementService) Confirm(ctx context.Context, r *auspexv1.ConfirmRequest) (*auspexv1.ConfirmResponse, error) {
	workload, node, err := s.placer.Confirm(ctx, r.GetDecisionId())
	if err != nil {
		return nil, placementStatus(err, "decision_id")
	}
	return &auspexv1.ConfirmResponse{Workload: workload, Node: node}, nil
}

func (s *placementService) Release(ctx context.Context, r *auspexv1.ReleaseRequest) (*auspexv1.ReleaseResponse, error) {
	release, id, field := s.placer.Release, r.GetDecisionId(), "decision_id"
	if w, ok := r.GetTarget().(*auspexv1.ReleaseRequest_Workload); ok {
		release, id, field = s.placer.ReleaseWorkload, w.Workload, "workload"
	}
	released, err := release(ctx, id)
	if err != nil {
		return nil, placementStatus(err, field)
	}
	return &auspexv1.ReleaseResponse{Released: released}, nil
}

func (s *placementService) Explain(_ context.Context, r *auspexv1.ExplainRequest) (*auspexv1.ExplainResponse, error) {
	e, err := s.placer.Explain(r.GetDecisionId(), r.GetNode())
	if err != nil {
		return nil, placementStatus(err, "decision_id")
	}
	return explanationToWire(&e), nil
}
