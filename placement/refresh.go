package placement

import (
	"context"
	"reflect"
	"time"

	"github.com/auspex-project/auspex/forecast"
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
	state := l.snapshot()
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
	for i := range BlockSize {
		node := block*BlockSize + i
		b, _ := s.peek(node)
		dirty := false
		for _, m := range b.Occupants[i].Members {
			f, found := news[m.ID]
			if !found {
				continue
			}
			c := *m
			var room workload.Workload
			c.Forecast, c.Needs = f, s.needs(m.description.workload(&room), f)
			s.swap(node, &c)
			l.expect(m, &c)
			dirty = true
			changed++
		}
		if dirty {
			s.sum(node)
		}
	}
	return changed
}

// expect recounts what a workload is expected to need.
func (l *ledger) expect(before, now *Member) {
	if l.mu.byWorkload[now.ID].tier == workload.Guaranteed {
		l.mu.promised = l.mu.promised.Sub(expected(before)).Add(expected(now))
	}
}

// remargin takes over newly calibrated margins and reports whether they differ.
func (l *ledger) remargin(m forecast.Margins) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if reflect.DeepEqual(m, l.mu.state.Policy.margins) {
		return false
	}
	s := l.change()
	s.Policy = newPolicy(s.Policy.Settings, m, s.Resources)
	s.recap()
	return true
}

// adopt takes over a policy and sums everything up by it.
func (s *State) adopt(p *Policy) {
	s.Policy = p
	for bi := range s.Blocks {
		b := s.own(bi)
		d := s.ownDescribed(b)
		for i := range BlockSize {
			if b.Live>>i&1 == 0 {
				continue
			}
			d.Rank[i] = p.rank(d.Node[i].Name)
			s.vouch(d, i)
			s.ownOccupants(b, i).Members = s.reneed(b.Occupants[i].Members)
			s.sum(bi*BlockSize + i)
		}
	}
	s.recap()
}
