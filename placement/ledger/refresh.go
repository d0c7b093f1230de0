package ledger

import (
	"context"
	"reflect"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/workload"
)

// refreshForecasts asks for the forecasts of everything placed and sums up anew
// the nodes where one has changed, block by block, so that no Place waits long.
// It returns how many workloads got a new forecast.
func (s *Service) refreshForecasts(ctx context.Context, now time.Time) (changed int) {
	l := s.ledger
	if m := s.forecaster.Margins(); l.remargin(m) {
		s.log.Info("margins taken over")
	}
	l.mu.Lock()
	state := l.mu.living.Keep()
	l.mu.Unlock()
	var w workload.Workload // the one asked about
	for bi, b := range state.Blocks {
		if ctx.Err() != nil {
			return changed
		}
		news := make(map[string]*forecast.Forecast) // by workload
		for i := range b.Occupants {
			for _, m := range b.Occupants[i].Members {
				w = m.Workload()
				if f := s.forecast(&w, now); f != m.Forecast {
					news[m.ID] = f
				}
			}
		}
		if len(news) > 0 {
			changed += l.revise(bi, news)
		}
	}
	s.metrics.refreshed.Add(float64(changed))
	return changed
}

// revise gives the workloads on one block their new forecasts.
func (l *ledger) revise(block int, news map[string]*forecast.Forecast) (changed int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.change()
	for i := range placement.BlockSize {
		changed += s.Revise(block*placement.BlockSize+i, news, l.expect)
	}
	return changed
}

// expect recounts what a workload is expected to need.
func (l *ledger) expect(before, now *placement.Member) {
	if l.mu.byWorkload[now.ID].tier == workload.Guaranteed {
		l.mu.promised = l.mu.promised.Sub(before.Expected()).Add(now.Expected())
	}
}

// remargin takes over newly calibrated margins and reports whether they differ.
func (l *ledger) remargin(m forecast.Margins) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if reflect.DeepEqual(m, l.mu.state.Policy.Margins) {
		return false
	}
	l.change().Remargin(m)
	return true
}
