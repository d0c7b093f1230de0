package serving

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/gbdt"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// offProfile is a profiler that tells what earlier days do, and by so many spreads
// more.
func offProfile(t *testing.T, by float32) *models.Profiler {
	t.Helper()
	d := &gbdt.Dataset{Names: models.SlotFeatures(), Columns: slices.Repeat([][]float32{{0, 1}}, len(models.SlotFeatures())), Targets: []float32{by, by}}
	quantiles, err := gbdt.Fit(t.Context(), d, nil, gbdt.Options{Quantiles: models.SlotLevels(), Trees: 1})
	if err != nil {
		t.Fatal(err)
	}
	mean, err := gbdt.Fit(t.Context(), d, nil, gbdt.Options{Mean: true, Trees: 1})
	if err != nil {
		t.Fatal(err)
	}
	p, err := models.NewProfiler(resource.CPU, forecast.DefaultGrid(), mean, quantiles)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A profiler in shadow tells nobody anything; it takes over when it did no worse, and
// goes when it did.
func TestProfilersAreTriedInShadow(t *testing.T) {
	for name, c := range map[string]struct {
		champion, challenger float32
		want                 outcome
	}{
		"no worse":      {1, 1, promoted},
		"better":        {3, .5, promoted},
		"far too much":  {.5, 9, dismissed},
		"far too small": {.5, -3, dismissed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, r, log := &shelf{}, openRegistry(t), &strings.Builder{}
				const workloads = 60
				use := func(w, hour int) float64 { return 1 + float64((hour*7+w*5)%24)/24 }
				live := func(at time.Time) {
					for w := range workloads {
						s.add(fmt.Sprint("w", w), workload.Batch, at, use(w, int(at.Unix()/3600)%24+int(at.Unix()/86400)%2))
					}
				}
				for hour := 12 * 24; hour > 0; hour-- {
					live(time.Now().Add(-time.Duration(hour) * time.Hour))
				}
				champion := promoteProfile(t, r, offProfile(t, c.champion))
				files, err := offProfile(t, c.challenger).Encode()
				if err != nil {
					t.Fatal(err)
				}
				m, err := r.Save(registry.Meta{Kind: registry.Profile, Resource: resource.CPU, Rows: 1}, files)
				if err != nil {
					t.Fatal(err)
				}
				if err := r.Apply(registry.Change{Role: registry.ProfileRole(resource.CPU), ID: m.ID, Shadow: true, Why: "for a test"}); err != nil {
					t.Fatal(err)
				}
				var table *Table
				open := func() {
					table = newTable(t, s, func(o *Options) {
						o.Registry, o.Every, o.Shadow, o.ShadowCases = r, time.Hour, 48*time.Hour, 100
						o.Log = slog.New(slog.NewTextHandler(log, nil))
					})
				}
				pass := func(hours int) registry.Service {
					for range hours {
						<-time.After(time.Hour)
						live(time.Now().Add(-time.Minute))
						if err := table.Refresh(t.Context()); err != nil {
							t.Fatal(err)
						}
					}
					champions, err := r.Champions()
					if err != nil {
						t.Fatal(err)
					}
					return champions[registry.ProfileRole(resource.CPU)]
				}
				open()
				if service := pass(40); service.ID != champion || service.Challenger == nil {
					t.Fatalf("before anything could be told: %+v", service)
				}
				open() // a restart loses nothing
				service := pass(4 * 24)
				switch {
				case service.Challenger != nil:
					t.Errorf("after five days the trial goes on\n%s", log)
				case c.want == promoted && service.ID != m.ID:
					t.Errorf("not promoted: %+v", service.Dismissed)
				case c.want == dismissed && (service.ID != champion || service.Dismissed == nil):
					t.Errorf("not dismissed: %+v", service.Term)
				}
				if f, _, ok := table.ByID("w7"); !ok || f.Demands[0].SlotQuantiles == nil {
					t.Error("no slots are told")
				}
			})
		})
	}
}
