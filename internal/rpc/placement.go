package rpc

import (
	"context"

	"google.golang.org/protobuf/proto"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/placement/ledger"
)

// Placer decides, reserves and remembers. *ledger.Service is one; its
// documentation holds for the errors.
type Placer interface {
	Place(ctx context.Context, r ledger.Request) (ledger.Decision, error)
	PlaceGang(ctx context.Context, r ledger.GangRequest) (ledger.GangDecision, error)
	PlaceBatch(ctx context.Context, requests []ledger.Request) []ledger.Result
	ConfirmBatch(ctx context.Context, decisions []string) []ledger.Confirmation
	Release(ctx context.Context, decision string) (released bool, err error)
	ReleaseBatch(ctx context.Context, decisions []string) (workloads []int, err error)
	ReleaseWorkload(ctx context.Context, workload string) (released bool, err error)
	Explain(decision, node string) (ledger.Explanation, error)
}

type placementService struct {
	auspexv1.UnimplementedPlacementServiceServer
	placer          Placer
	check           func(proto.Message) error // of the items of a batch
	maxBatch        int
	maxMessageBytes int
}

func (s *placementService) Place(ctx context.Context, r *auspexv1.PlaceRequest) (*auspexv1.PlaceResponse, error) {
	d, err := s.placer.Place(ctx, requestFromWire(ctx, r))
	if err != nil {
		return nil, placementStatus(err, "workload")
	}
	return decisionToWire(&d, r.GetBrief()), nil
}

func requestFromWire(ctx context.Context, r *auspexv1.PlaceRequest) ledger.Request {
	return ledger.Request{
		ID:           r.GetRequestId(),
		Workload:     workloadFromWire(r.GetWorkload()),
		Alternatives: int(r.GetAlternatives()),
		Brief:        r.GetBrief(),
		DryRun:       r.GetDryRun(),
		ReserveFor:   r.GetReserveFor().AsDuration(),
		Principal:    principalOf(ctx).Name,
	}
}

func (s *placementService) Confirm(ctx context.Context, r *auspexv1.ConfirmRequest) (*auspexv1.ConfirmResponse, error) {
	c := s.placer.ConfirmBatch(ctx, []string{r.GetDecisionId()})[0]
	if c.Err != nil {
		return nil, placementStatus(c.Err, "decision_id")
	}
	response := &auspexv1.ConfirmResponse{Workloads: count(len(c.Confirmed))}
	if len(c.Confirmed) == 1 && c.Confirmed[0].Decision == r.GetDecisionId() {
		response.Workload, response.Node = c.Confirmed[0].Workload, c.Confirmed[0].Node
	}
	return response, nil
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
