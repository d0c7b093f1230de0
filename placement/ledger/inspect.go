package ledger

import (
	"time"

	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/workload"
)

// Inspect calls f with w as Place would ask about it, what answers that, and what lends
// the fleet as it is by then. It is for those who look closer than answers tell, such as
// tests of the engine on a fleet in service; they change nothing. Errors: ErrInvalid, f's.
func (s *Service) Inspect(w *workload.Workload, f func(q *placement.Query, e *placement.Engine, latest func() *placement.State) error) error {
	s.ledger.mu.Lock()
	s.ledger.follow(w)
	s.ledger.mu.Unlock()
	state, now := s.ledger.latest(), time.Now()
	defer state.Done()
	q, err := newQuery(state, w, w.Class, s.forecast(w, now), now)
	if err != nil {
		return err
	}
	return f(q, s.engine, s.ledger.latest)
}
