package ledger

import (
	"context"
	"sync"
	"time"
)

// tick is how exactly reservations expire and silence is noticed.
const tick = time.Second

// Run expires reservations, notices silent nodes, takes over new forecasts, plans
// what devices are worth, compacts the journal and keeps explanations for a
// restart, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	var background sync.WaitGroup
	defer background.Wait()
	background.Go(func() { s.planPacking(ctx) })
	background.Go(func() { s.keepArchive(ctx) })
	ticks := time.NewTicker(tick)
	defer ticks.Stop()
	refreshes := time.NewTicker(s.refresh)
	defer refreshes.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticks.C:
			s.upkeep(now)
		case now := <-refreshes.C:
			s.refreshForecasts(ctx, now)
		}
	}
}

// upkeep does what time brings about.
func (s *Service) upkeep(now time.Time) {
	expired, err := s.ledger.expire(now)
	for _, h := range expired {
		s.book.turn(h.decision, Expired)
		s.book.turn(h.gang(), Expired)
		s.arrivals.leave(h.workload)
		s.log.Info("reservation expired", "decision", h.decision, "workload", h.workload, "node", h.node)
	}
	s.metrics.expired.Add(float64(len(expired)))
	if err != nil {
		s.log.Error("expire reservations", "error", err)
	}
	if fell := s.ledger.listen(now); fell > 0 {
		s.log.Warn("nodes fell silent and get no new work", "nodes", fell)
	}
	s.book.age(now)
	if err := s.ledger.compact(); err != nil {
		s.log.Error("the journal grows until this is cured: is the disk full?", "error", err)
	}
}
