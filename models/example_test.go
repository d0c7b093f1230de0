package models_test

import (
	"fmt"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

func ExampleChain() {
	// Usually registry.Registry.Set makes the set; without models it predicts
	// from each workload's own past.
	set := &models.Set{Grid: forecast.DefaultGrid()}

	// Two days of a workload that is busy from 9 to 17.
	history := models.NewHistory(set.Grid)
	now := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	for range 2 * 24 * 12 {
		now = now.Add(5 * time.Minute)
		cores := .5
		if now.Hour() >= 9 && now.Hour() < 17 {
			cores = 3
		}
		history.Add(&timeseries.Sample{Key: timeseries.Key{Workload: "shop-1"}, Time: now, Usage: resource.Vector{}.With(resource.CPU, cores)})
	}

	w := workload.Workload{ID: "shop-1", App: "shop", Class: workload.Service, Requests: resource.Vector{}.With(resource.CPU, 4)}
	subject := models.Describe(&w, history)
	f, known := set.Chain().Forecast(&subject, now)
	cpu, _ := f.Demand(resource.CPU)
	fmt.Println(known, f.Basis, cpu.Profile[3], cpu.Profile[12], "of", cpu.Limit)
	// Output: true percentiles 0.5 3 of 4
}
