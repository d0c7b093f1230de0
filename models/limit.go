package models

import (
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
)

// AtLimit predicts that a workload uses what it may: the last link of every
// chain. It knows nothing of a resource without a limit.
type AtLimit struct{}

var _ Predictor = AtLimit{}

func (AtLimit) Predict(s *Subject, n resource.Name, now time.Time, g forecast.Grid) (forecast.Demand, bool) {
	limit := s.Limit(n)
	if limit <= 0 {
		return forecast.Demand{}, false
	}
	f := forecast.Flat(s.ID, now, g, forecast.Limit, resource.Vector{}.With(n, limit))
	return f.Demands[0], true
}
