package rpc

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/forecast"
)

// forecastToWire unrolls the cyclic profiles from the slot that holds now.
func forecastToWire(f *forecast.Forecast, now time.Time) *auspexv1.Forecast {
	slot := int64(f.Grid.Slot)
	out := &auspexv1.Forecast{
		Issued:  momentToWire(f.Issued),
		Start:   timestamppb.New(time.Unix(0, now.UnixNano()/slot*slot)),
		Slot:    durationpb.New(f.Grid.Slot),
		Basis:   string(f.Basis),
		Model:   f.Model,
		History: durationpb.New(f.History),
		Stale:   durationpb.New(f.Stale),
		Demands: make([]*auspexv1.Demand, len(f.Demands)),
	}
	first := f.Grid.Index(now)
	for i := range f.Demands {
		out.Demands[i] = demandToWire(&f.Demands[i], first)
	}
	return out
}

func demandToWire(d *forecast.Demand, first int) *auspexv1.Demand {
	out := &auspexv1.Demand{
		Resource:  string(d.Resource),
		Profile:   unrolled(d.Profile, first),
		Peak:      float64(d.Peak),
		Limit:     float64(d.Limit),
		Mean:      float64(d.Mean),
		SlotMeans: unrolled(d.SlotMeans, first),
	}
	for _, q := range d.SlotQuantiles {
		out.SlotQuantiles = append(out.SlotQuantiles, &auspexv1.SlotQuantile{Probability: q.P, Values: unrolled(q.Values, first)})
	}
	for _, q := range d.Quantiles {
		out.Quantiles = append(out.Quantiles, &auspexv1.Quantile{Probability: q.P, Value: float64(q.Value)})
	}
	return out
}

// unrolled returns what is told by slot of the grid from slot first on.
func unrolled(slots []float32, first int) []float32 {
	first = min(first, len(slots))
	return append(append(make([]float32, 0, len(slots)), slots[first:]...), slots[:first]...)
}
