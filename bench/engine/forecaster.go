package engine

import (
	"math/rand/v2"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// forecaster holds a table of forecasts by app, as serving does.
type forecaster map[string]*forecast.Forecast

func (f forecaster) Forecast(w *workload.Workload, _ time.Time) (*forecast.Forecast, bool) {
	known, ok := f[w.App]
	return known, ok
}

func (forecaster) Margins() forecast.Margins {
	return forecast.Margins{Bands: []forecast.Band{
		{Resource: resource.CPU, MaxMembers: 10, Points: []forecast.Point{{Risk: .05, Q: .3}, {Risk: .01, Q: .5}}},
		{Resource: resource.CPU, MaxMembers: 40, Points: []forecast.Point{{Risk: .05, Q: .2}, {Risk: .01, Q: .4}}},
		{Resource: resource.Memory, MaxMembers: 40, Points: []forecast.Point{{Risk: .05, Q: .3}, {Risk: .01, Q: .6}}},
	}}
}

// newForecast predicts six busy hours of the day and quiet ones beside them. Batch
// work takes more cores than it asks for while it may.
func newForecast(w *workload.Workload, r *rand.Rand) *forecast.Forecast {
	grid := forecast.DefaultGrid()
	f := &forecast.Forecast{Workload: w.App, Grid: grid, Basis: forecast.Learned, Model: "bench"}
	begins := r.IntN(grid.Slots)
	for _, d := range []struct {
		of                resource.Name
		quiet, busy, peak float32
	}{{resource.CPU, .3, .75, .85}, {resource.Memory, .6, .7, .75}} {
		scale := float32(w.Requests.Get(d.of))
		if d.of == resource.CPU && w.Class == workload.Batch {
			d.quiet, d.busy, d.peak = 1, 1.3, 1.4
		}
		demand := forecast.Demand{Resource: d.of, Profile: make([]float32, grid.Slots), Peak: d.peak * scale, Limit: 1.5 * scale}
		for t := range demand.Profile {
			use := d.quiet
			if (t-begins+grid.Slots)%grid.Slots < grid.Slots/4 {
				use = d.busy
			}
			demand.Profile[t] = use * scale * (1 - r.Float32()/10)
			demand.Mean += .9 * demand.Profile[t] / float32(grid.Slots)
		}
		f.Demands = append(f.Demands, demand)
	}
	return f
}
