package rpc

import (
	"context"
	"errors"
	"fmt"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/workload"
)

func (s *placementService) PlaceGang(ctx context.Context, r *auspexv1.PlaceGangRequest) (*auspexv1.PlaceGangResponse, error) {
	if err := s.checkCount("members", len(r.GetMembers())); err != nil {
		return nil, err
	}
	members := make([]*workload.Workload, len(r.GetMembers()))
	for i, w := range r.GetMembers() {
		members[i] = workloadFromWire(w)
	}
	d, err := s.placer.PlaceGang(ctx, ledger.GangRequest{
		ID: r.GetRequestId(), Members: members, Together: workload.Level(r.GetTogether()), OrApart: r.GetOrApart(),
		DryRun: r.GetDryRun(), ReserveFor: r.GetReserveFor().AsDuration(), Principal: principalOf(ctx).Name,
	})
	if err != nil {
		field := "members"
		if at := new(ledger.MemberError); errors.As(err, &at) {
			field = fmt.Sprintf("members[%d]", at.Member)
		}
		return nil, placementStatus(err, field)
	}
	return gangToWire(&d, r.GetBrief()), nil
}

func gangToWire(d *ledger.GangDecision, brief bool) *auspexv1.PlaceGangResponse {
	out := &auspexv1.PlaceGangResponse{
		DecisionId: d.ID, Placed: d.Blocking < 0, Together: d.Together, Expires: momentToWire(d.Expires), Reason: d.Reason,
		Blocking: count(max(d.Blocking, 0)), Members: make([]*auspexv1.PlaceResponse, len(d.Members)),
	}
	for i := range d.Members {
		out.Members[i] = decisionToWire(&d.Members[i], brief)
	}
	return out
}

func gangMembersToWire(e *ledger.Explanation) []*auspexv1.GangMember {
	if e.Gang == nil {
		return nil
	}
	members := make([]*auspexv1.GangMember, len(e.Gang.Members))
	for i := range e.Gang.Members {
		m := &e.Gang.Members[i]
		members[i] = &auspexv1.GangMember{DecisionId: m.ID, Node: m.Node, State: string(e.Members[i]), Reason: m.Reason}
		if m.Workload != nil {
			members[i].Workload = m.Workload.ID
		}
	}
	return members
}
