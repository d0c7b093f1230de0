package serving

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/filter"
	"github.com/auspex-project/auspex/placement/score"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// Two workloads that peak at different hours share a node that is too small for
// the sum of their peaks; two that peak together do not.
func TestComplementaryPeaksShareANode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		busy := func(from, to int) func(int) float64 {
			return func(hour int) float64 {
				if hour >= from && hour < to {
					return 3.5
				}
				return .5
			}
		}
		for i := range 2 {
			s.hours(fmt.Sprint("day", i), workload.Service, epoch, 14*24, busy(8, 18))
			s.hours(fmt.Sprint("night", i), workload.Service, epoch, 14*24, busy(20, 24))
		}
		r := openRegistry(t)
		files, err := models.EncodeMargins(forecast.Margins{Bands: []forecast.Band{{Resource: resource.CPU, MaxMembers: 12, Points: []forecast.Point{{Risk: .01, Q: .1}}}}})
		if err != nil {
			t.Fatal(err)
		}
		m, err := r.Save(registry.Meta{Kind: registry.Margins, Rows: 1}, files)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Promote(registry.MarginsRole, m.ID, "for a test"); err != nil {
			t.Fatal(err)
		}
		table := newTable(t, s, func(o *Options) { o.Registry = r })
		if err := table.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			first, second string
			fits          bool
		}{{"day0", "night0", true}, {"night0", "day0", true}, {"day0", "day1", false}, {"night0", "night1", false}} {
			engine, err := placement.Open(t.Context(), placement.Options{
				Settings: placement.Settings{HeartbeatTimeout: -1}, Filters: filter.All(), Scorers: score.All(), Forecaster: table, Classifier: table,
			})
			if err != nil {
				t.Fatal(err)
			}
			// Five cores: more than one of them, less than the seven of two peaks.
			if err := engine.RegisterNode(t.Context(), fleet.Node{Name: "n", Capacity: resource.Of(5, 64<<30)}); err != nil {
				t.Fatal(err)
			}
			for k, id := range []string{c.first, c.second} {
				w := newcomer(id)
				w.Queue, w.Requests = "", resource.Of(4, 1<<30)
				got, err := engine.Place(t.Context(), placement.Request{ID: fmt.Sprint(c, k), Workload: w})
				if err != nil {
					t.Fatal(err)
				}
				if placed := got.Node != ""; placed != (k == 0 || c.fits) {
					t.Errorf("%s after %s: placed %v on the same node, want %v: %+v", id, c.first, placed, c.fits, got.Reason)
				}
			}
		}
	})
}
