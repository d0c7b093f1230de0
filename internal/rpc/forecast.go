package rpc

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// Predictions knows what workloads will use. Its methods are fast and safe for
// concurrent use; forecasts are shared and never changed. *serving.Table is one.
type Predictions interface {
	// Forecast returns what w will use, from its own past or that of its like.
	Forecast(w *workload.Workload, now time.Time) (f *forecast.Forecast, known bool)
	// ByID returns what a workload with a past will use, and its class.
	ByID(id string) (f *forecast.Forecast, class workload.Class, ok bool)
	Classify(w *workload.Workload) workload.Class
}

// NodeSums predicts what runs on a node together, and knows what may run.
// *ledger.Service does.
type NodeSums interface {
	NodeForecast(node string, risk float64) (forecast.Forecast, error)
	// CheckDescription reports what makes a workload impossible to place.
	CheckDescription(w *workload.Workload) error
}

type forecastService struct {
	auspexv1.UnimplementedForecastServiceServer
	predictions Predictions
	sums        NodeSums
	grid        forecast.Grid
}

func (s *forecastService) Predict(_ context.Context, r *auspexv1.PredictRequest) (*auspexv1.PredictResponse, error) {
	now := time.Now()
	switch subject := r.GetSubject().(type) {
	case *auspexv1.PredictRequest_Node:
		sum, err := s.sums.NodeForecast(subject.Node, r.GetRisk())
		if err != nil {
			return nil, placementStatus(err, "node")
		}
		return &auspexv1.PredictResponse{Forecast: forecastToWire(&sum, now)}, nil
	case *auspexv1.PredictRequest_Workload:
		return s.predictKnown(subject.Workload, now)
	case *auspexv1.PredictRequest_Description:
		return s.predictDescribed(workloadFromWire(subject.Description), now)
	}
	return nil, newStatus(codes.InvalidArgument, "INVALID_REQUEST", "no subject").Err()
}

func (s *forecastService) predictKnown(id string, now time.Time) (*auspexv1.PredictResponse, error) {
	if s.predictions != nil {
		if f, class, ok := s.predictions.ByID(id); ok {
			return &auspexv1.PredictResponse{Forecast: forecastToWire(f, now), Class: string(class)}, nil
		}
	}
	return nil, newStatus(codes.NotFound, "NO_HISTORY", "workload %s has no history yet (describe it to get a prediction all the same)", id).Err()
}

func (s *forecastService) predictDescribed(w *workload.Workload, now time.Time) (*auspexv1.PredictResponse, error) {
	if err := s.sums.CheckDescription(w); err != nil {
		return nil, placementStatus(err, "description")
	}
	if s.predictions != nil {
		if w.Class == "" {
			w.Class = s.predictions.Classify(w)
		}
		if f, ok := s.predictions.Forecast(w, now); ok {
			return &auspexv1.PredictResponse{Forecast: forecastToWire(f, now), Class: string(w.Class)}, nil
		}
	}
	f := forecast.Flat(w.ID, now, s.grid, forecast.Limit, limits(w))
	return &auspexv1.PredictResponse{Forecast: forecastToWire(&f, now), Class: string(w.Class)}, nil
}

// limits returns the most w may use of everything it asks for.
func limits(w *workload.Workload) resource.Vector {
	most := w.Limits
	for n := range w.Requests.All() {
		most = most.With(n, w.Limit(n))
	}
	return most
}
