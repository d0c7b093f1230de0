package serving

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/gbdt"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/filter"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/score"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// busy is a workload that peaks between two hours of the day.
func busy(from, to int) func(hour int) float64 {
	return func(hour int) float64 {
		if hour >= from && hour < to {
			return 3.5
		}
		return .5
	}
}

// Two workloads that peak at different hours share a node that is too small for
// the sum of their peaks; two that peak together do not. It is so whether slots are
// told from earlier days or by what is learned of them.
func TestComplementaryPeaksShareANode(t *testing.T) {
	for _, learned := range []bool{false, true} {
		t.Run(fmt.Sprintf("learned %v", learned), func(t *testing.T) { complementaryPeaksShareANode(t, learned) })
	}
}

func complementaryPeaksShareANode(t *testing.T, learned bool) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		for i := range 2 {
			s.hours(fmt.Sprint("day", i), workload.Service, epoch, 14*24, busy(8, 18))
			s.hours(fmt.Sprint("night", i), workload.Service, epoch, 14*24, busy(20, 24))
		}
		r := openRegistry(t)
		profiler := ""
		if learned {
			profiler = promoteProfile(t, r, learnedProfile(t))
		}
		files, err := models.EncodeMargins(models.NodeMargins{Bands: []models.SumBand{{Band: forecast.Band{Resource: resource.CPU, MaxMembers: 12, Points: []forecast.Point{{Risk: .01, Q: .1}}}, Profiler: profiler}}})
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
		if f, _, _ := table.ByID("day0"); (f.Demands[0].SlotMeans != nil) != learned {
			t.Fatalf("means by slot %v", f.Demands[0].SlotMeans)
		}
		for _, c := range []struct {
			first, second string
			fits          bool
		}{{"day0", "night0", true}, {"night0", "day0", true}, {"day0", "day1", false}, {"night0", "night1", false}} {
			engine, err := ledger.Open(t.Context(), ledger.Options{
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
				got, err := engine.Place(t.Context(), ledger.Request{ID: fmt.Sprint(c, k), Workload: w})
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

// learnedProfile is fitted on workloads that peak at all hours of the day.
func learnedProfile(t *testing.T) *models.Profiler {
	t.Helper()
	g := forecast.DefaultGrid()
	var rows, largest []float32
	for from := range 24 {
		line, use := models.NewTimeline(g, 30*24*time.Hour), busy(from, from+6)
		at := epoch.AddDate(0, 0, -20)
		for ; at.Before(epoch); at = at.Add(time.Hour) {
			line.Add(at, use(at.Hour()))
		}
		for _, asked := range []time.Time{epoch.Add(-30 * time.Hour), epoch.Add(-60 * time.Hour)} {
			var ok bool
			if rows, ok = models.NewSlotColumns(g).Before(rows, line, asked, 4); !ok {
				t.Fatal("nothing is known of a workload")
			}
			for k := range g.Slots {
				came, _ := line.At(asked.Add(time.Duration((k-g.Index(asked)+g.Slots)%g.Slots) * g.Slot))
				largest = append(largest, came/4)
			}
		}
	}
	width := len(models.SlotFeatures())
	d := &gbdt.Dataset{Names: models.SlotFeatures(), Columns: make([][]float32, width)}
	for i, share := range largest {
		row := rows[i*width : (i+1)*width]
		d.Targets = append(d.Targets, models.SlotOutcome(row, share))
		for f, x := range row {
			d.Columns[f] = append(d.Columns[f], x)
		}
	}
	quantiles, err := gbdt.Fit(t.Context(), d, nil, gbdt.Options{Quantiles: models.SlotLevels(), Trees: 20})
	if err != nil {
		t.Fatal(err)
	}
	mean, err := gbdt.Fit(t.Context(), d, nil, gbdt.Options{Mean: true, Trees: 20})
	if err != nil {
		t.Fatal(err)
	}
	p, err := models.NewProfiler(resource.CPU, g, mean, quantiles)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func promoteProfile(t *testing.T, r *registry.Registry, p *models.Profiler) (id string) {
	t.Helper()
	files, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Save(registry.Meta{Kind: registry.Profile, Resource: resource.CPU, Rows: 1}, files)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Promote(registry.ProfileRole(resource.CPU), m.ID, "for a test"); err != nil {
		t.Fatal(err)
	}
	return m.ID
}
