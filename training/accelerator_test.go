package training

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auspex-project/auspex/datasets/synthetic"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models/serving"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// Where devices are measured their duty is learned and forecast like any
// resource; what nothing was measured of is left out of the report.
func TestDevicesAreLearned(t *testing.T) {
	synctest.Test(t, devicesAreLearned) // whose clock starts at the same moment every time
}

func devicesAreLearned(t *testing.T) {
	trace, err := synthetic.New(synthetic.Options{Seed: 1, Days: 8, Step: 30 * time.Minute, End: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	var h samples
	for m := range trace.History(nil) {
		if w := &m.Member.Workload; m.Usage.Has(resource.GPU) {
			duty := resource.Vector{}.With(resource.GPU, m.Usage.Get(resource.GPU))
			most := m.Member.Limits()
			limit := resource.Vector{}.With(resource.GPU, most.Get(resource.GPU))
			h = append(h, timeseries.Sample{Key: timeseries.Key{Workload: w.ID, App: w.App, Class: w.Class}, Time: m.Time, Usage: duty, Limit: limit})
		}
	}
	if len(h) == 0 {
		t.Fatal("the trace has no devices")
	}
	slices.SortStableFunc(h, func(a, b timeseries.Sample) int { return a.Key.Compare(b.Key) })

	r := openRegistry(t)
	report := train(t, h, r, Options{Trees: 5, MaxRows: 1000, MinRows: 100, MaxTracks: 20})
	for _, target := range report.Targets {
		if target.Resource != string(resource.GPU) {
			t.Errorf("%s of %s was never measured: %s", target.Resource, target.Class, target.Why)
		}
	}
	if len(report.Targets) == 0 || report.Targets[0].Rows == 0 {
		t.Errorf("%+v", report.Targets)
	}
	table, err := serving.New(serving.Options{History: h, Registry: r, Grid: forecast.DefaultGrid()})
	if err != nil {
		t.Fatal(err)
	}
	if err := table.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	newest := slices.MaxFunc(h, func(a, b timeseries.Sample) int { return a.Time.Compare(b.Time) })
	f, _, ok := table.ByID(newest.Key.Workload)
	if !ok || !slices.ContainsFunc(f.Demands, func(d forecast.Demand) bool { return d.Resource == resource.GPU && d.Peak > 0 }) {
		t.Errorf("forecast of %s: %+v", newest.Key.Workload, f)
	}
}
