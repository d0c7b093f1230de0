package models

import (
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
)

// Predictor predicts one resource of one workload. Implementations are
// immutable and safe for concurrent use; they read the subject's history, so
// its owner must not add to it meanwhile.
type Predictor interface {
	// Predict returns what s will use of n in each slot of g and at its peak over
	// the span of g that begins at now. ok is false when the predictor has
	// nothing to say about s, as where its history is too short: that is no
	// error, the next link of a chain is asked. The history's slots must be those
	// of g.
	Predict(s *Subject, n resource.Name, now time.Time, g forecast.Grid) (d forecast.Demand, ok bool)
}

// Link is a predictor with the name it goes by in forecasts.
type Link struct {
	Basis     forecast.Basis
	Model     string // id of the artefact, or of the rule
	Predictor Predictor
}

// Chain asks its links in turn. It is immutable and safe for concurrent use.
type Chain struct {
	grid  forecast.Grid
	links []Link
}

// NewChain returns the chain of links, best first.
func NewChain(g forecast.Grid, links ...Link) *Chain { return &Chain{grid: g, links: links} }

// Grid returns the grid of all forecasts the chain makes.
func (c *Chain) Grid() forecast.Grid { return c.grid }

// Forecast predicts every resource that s has described or used. Each resource
// is answered by the first link that can; basis and model name the last link
// that was needed for any. A resource no link can speak about (never seen, no
// limit) is left out. known is false when that leaves nothing.
func (c *Chain) Forecast(s *Subject, now time.Time) (f forecast.Forecast, known bool) {
	f = forecast.Forecast{Workload: s.ID, Issued: now, Grid: c.grid}
	if s.History != nil {
		if last := s.History.Last(); !last.IsZero() {
			f.History = last.Sub(s.History.First())
			f.Stale = max(0, now.Sub(last))
		}
	}
	weakest := -1
	for _, n := range s.resources() {
		for i, link := range c.links {
			d, ok := link.Predictor.Predict(s, n, now, c.grid)
			if !ok {
				continue
			}
			f.Demands = append(f.Demands, d)
			if i > weakest {
				weakest, f.Basis, f.Model = i, link.Basis, link.Model
				if m, ok := link.Predictor.(interface {
					ModelOf(s *Subject, n resource.Name) string
				}); ok {
					f.Model = m.ModelOf(s, n)
				}
			}
			break
		}
	}
	return f, len(f.Demands) > 0
}
