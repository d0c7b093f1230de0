package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Confirmation is the answer to the confirmation of one decision.
type Confirmation struct {
	Confirmed []Held // one, or of a gang all that still hold something
	Err       error  // ErrUnknownDecision, ErrNotReserved, the journal's
}

// Held is a workload on its node.
type Held struct{ Decision, Workload, Node string }

// Confirm turns a reservation into a placement, or those of all members of a
// gang, which then has no workload and node of its own. Confirming twice is fine.
// Errors: ErrUnknownDecision, ErrNotReserved, the journal's.
func (s *Service) Confirm(ctx context.Context, decision string) (workload, node string, err error) {
	c := s.ConfirmBatch(ctx, []string{decision})[0]
	if c.Err != nil {
		return "", "", c.Err
	}
	if len(c.Confirmed) == 1 && c.Confirmed[0].Decision == decision {
		return c.Confirmed[0].Workload, c.Confirmed[0].Node, nil
	}
	return "", "", nil
}

// ConfirmBatch confirms decisions, each on its own, all made durable at once, and
// answers in their order.
func (s *Service) ConfirmBatch(ctx context.Context, decisions []string) []Confirmation {
	out := make([]Confirmation, len(decisions))
	holds, errs := s.ledger.confirmAll(decisions, time.Now())
	for i, decision := range decisions {
		if err := errs[i]; err != nil {
			if errors.Is(err, ErrUnknownDecision) {
				if phase, known := s.book.phase(decision); known {
					err = fmt.Errorf("decision %s is %s: %w", decision, phase, ErrNotReserved)
				}
			}
			out[i].Err = fmt.Errorf("confirm: %w", err)
			continue
		}
		for _, h := range holds[i] {
			s.book.turn(h.decision, Confirmed)
			out[i].Confirmed = append(out[i].Confirmed, Held{h.decision, h.workload, h.node})
		}
		if holds[i][0].decision != decision {
			s.book.turn(decision, Confirmed) // the gang's
		}
	}
	return out
}

// Release gives back what a decision holds, or all members of a gang, and reports
// whether it held anything. Errors: the journal's; what was held is free even then.
func (s *Service) Release(ctx context.Context, decision string) (released bool, err error) {
	counts, err := s.ReleaseBatch(ctx, []string{decision})
	return counts[0] > 0, err
}

// ReleaseBatch gives back what decisions hold, made durable at once, and returns
// how many workloads each held. Errors: the journal's; what was held is free even
// then.
func (s *Service) ReleaseBatch(ctx context.Context, decisions []string) (workloads []int, err error) {
	workloads = make([]int, len(decisions))
	holds, err := s.ledger.releaseAll(decisions, time.Now())
	for i, decision := range decisions {
		for _, h := range holds[i] {
			s.book.turn(h.decision, Released)
			s.arrivals.leave(h.workload)
		}
		if workloads[i] = len(holds[i]); workloads[i] > 0 && holds[i][0].decision != decision {
			s.book.turn(decision, Released) // the gang's
		}
	}
	if err != nil {
		return workloads, fmt.Errorf("release: %w", err)
	}
	return workloads, nil
}

// ReleaseWorkload is Release by the id of the workload.
func (s *Service) ReleaseWorkload(ctx context.Context, workload string) (released bool, err error) {
	h, err := s.ledger.releaseWorkload(workload, time.Now())
	if h != nil {
		s.book.turn(h.decision, Released)
		s.arrivals.leave(h.workload)
	}
	if err != nil {
		return h != nil, fmt.Errorf("release: %w", err)
	}
	return h != nil, nil
}
