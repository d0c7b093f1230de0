package ledger

import (
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/workload"
)

// Forecaster says what workloads are predicted to use. Both methods are called
// on the hot path: they must be fast, do no I/O, and be safe for concurrent use.
type Forecaster interface {
	// Forecast returns what w is predicted to use; known is false when there is
	// neither history nor a prior. The forecast is shared and never changed; w is
	// not kept.
	Forecast(w *workload.Workload, now time.Time) (f *forecast.Forecast, known bool)

	// Margins returns the calibrated margins, which are never changed.
	Margins() forecast.Margins
}

// Classifier finds the class of a workload that came without one.
type Classifier interface {
	Classify(w *workload.Workload) workload.Class
}

// unknowing is the Forecaster of a service without one: everything is a cold start.
type unknowing struct{}

func (unknowing) Forecast(*workload.Workload, time.Time) (*forecast.Forecast, bool) {
	return nil, false
}
func (unknowing) Margins() forecast.Margins { return forecast.Margins{} }
