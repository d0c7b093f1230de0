package serving

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/gbdt"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

// street is forty workloads of ten apps that use one to two cores, hour by hour.
type street struct {
	shelf
	table *Table
	log   strings.Builder
	rng   *rand.Rand
	high  float64 // what they use at most
}

const inhabitants = 40

func newStreet(t *testing.T, r *registry.Registry) *street {
	t.Helper()
	s := &street{rng: rand.New(rand.NewPCG(1, 2)), high: 2}
	for hour := 10 * 24; hour > 0; hour-- {
		s.live(time.Now().Add(-time.Duration(hour) * time.Hour))
	}
	s.open(t, r)
	return s
}

// open opens a table over the street, as a server that starts does.
func (s *street) open(t *testing.T, r *registry.Registry) {
	t.Helper()
	s.table = newTable(t, s, func(o *Options) {
		o.Registry, o.Every, o.Shadow, o.ShadowCases = r, time.Hour, 48*time.Hour, 80
		o.Metrics, o.Log = prometheus.NewRegistry(), slog.New(slog.NewTextHandler(&s.log, nil))
	})
}

func (s *street) live(at time.Time) {
	for w := range inhabitants {
		s.samples = append(s.samples, timeseries.Sample{
			Key:  timeseries.Key{Workload: fmt.Sprint("w", w), App: fmt.Sprint("app", w%10), Class: workload.Batch, Source: "test"},
			Time: at, Usage: resource.Vector{}.With(resource.CPU, 1+(s.high-1)*s.rng.Float64()), Limit: resource.Vector{}.With(resource.CPU, 4),
		})
	}
}

// pass lets time pass, an hour at a time.
func (s *street) pass(t *testing.T, hours int) {
	t.Helper()
	for range hours {
		<-time.After(time.Hour)
		s.live(time.Now().Add(-time.Minute))
		if err := s.table.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// shifted saves a model that predicts what the percentiles do plus a share of the
// limit, and returns its id.
func shifted(t *testing.T, r *registry.Registry, shift float32) string {
	t.Helper()
	d := &gbdt.Dataset{Names: models.Features(), Columns: make([][]float32, len(models.Features())), Targets: make([]float32, 200)}
	for f := range d.Columns {
		d.Columns[f] = make([]float32, len(d.Targets))
		d.Columns[f][f] = 1
	}
	var corrections []models.Correction
	for i := range models.Levels() {
		trees, err := gbdt.Fit(t.Context(), d, nil, gbdt.Options{Quantiles: models.Levels()[i : i+1], Trees: 1})
		if err != nil {
			t.Fatal(err)
		}
		corrections = append(corrections, models.Correction{Trees: trees, Shift: shift})
	}
	model, err := models.NewLearned(resource.CPU, forecast.DefaultGrid(), corrections)
	if err != nil {
		t.Fatal(err)
	}
	files, err := model.Encode()
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Save(registry.Meta{Kind: registry.Learned, Class: workload.Batch, Resource: resource.CPU, Rows: 200}, files)
	if err != nil {
		t.Fatal(err)
	}
	return m.ID
}

func openRegistry(t *testing.T) *registry.Registry {
	t.Helper()
	r, err := registry.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var batchRole = registry.LearnedRole(models.Target{Class: workload.Batch, Resource: resource.CPU})

func serviceOf(t *testing.T, r *registry.Registry) registry.Service {
	t.Helper()
	c, err := r.Champions()
	if err != nil {
		t.Fatal(err)
	}
	return c[batchRole]
}

func (s *street) basis(t *testing.T) forecast.Basis {
	t.Helper()
	f, _, ok := s.table.ByID("w1")
	if !ok {
		t.Fatal("no forecast")
	}
	return f.Basis
}

func TestCoverageHoldsPromisesAgainstOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreet(t, openRegistry(t))
		s.pass(t, 24+24+2) // each is asked once a day, and judged a day later
		for _, level := range []string{"0.5", "0.99"} {
			if n := testutil.ToFloat64(s.table.metrics.judged.WithLabelValues("batch", "cpu", level)); n < inhabitants || n > 1.2*inhabitants {
				t.Errorf("%g forecasts were judged, want each workload once", n)
			}
		}
		got := testutil.ToFloat64(s.table.metrics.coverage.WithLabelValues("batch", "cpu", "0.5"))
		if got < .3 || got > .8 {
			t.Errorf("the median of ten days that are alike covered %g", got)
		}
	})
}

func TestAClassOutOfItsBandFallsBackUntilANewChampionServes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := openRegistry(t)
		first := shifted(t, r, .05)
		if err := r.Promote(batchRole, first, "the gate said so"); err != nil {
			t.Fatal(err)
		}
		s := newStreet(t, r)
		s.pass(t, 5*24)
		if s.basis(t) != forecast.Learned {
			t.Fatalf("while promises hold forecasts are by %s: %s", s.basis(t), serviceOf(t, r).Why)
		}

		if err := r.Promote(batchRole, shifted(t, r, -.2), "by mistake"); err != nil {
			t.Fatal(err)
		}
		s.pass(t, 4*24)
		if s.basis(t) != forecast.Learned {
			t.Fatal("fell back before there were cases enough")
		}
		s.pass(t, 3*24)
		service := serviceOf(t, r)
		if service.ID != "" || !strings.Contains(service.Why, "quantile held in") || s.basis(t) != forecast.Percentile {
			t.Fatalf("a week of broken promises: served by %s, %+v", s.basis(t), service)
		}
		if n := strings.Count(s.log.String(), "coverage out of its band"); n != 1 {
			t.Errorf("said %d times:\n%s", n, s.log.String())
		}
		if n := testutil.ToFloat64(s.table.metrics.changes.WithLabelValues("batch", "cpu", "fell_back")); n != 1 {
			t.Errorf("counted %g times", n)
		}
		if testutil.ToFloat64(s.table.metrics.fallen.WithLabelValues("batch", "cpu")) != 1 {
			t.Error("the gauge does not show it")
		}

		// It does not come back of itself; a new champion does.
		s.pass(t, 24)
		if s.basis(t) != forecast.Percentile {
			t.Errorf("back by itself: %s", s.basis(t))
		}
		if err := r.Promote(batchRole, shifted(t, r, .06), "of the next night"); err != nil {
			t.Fatal(err)
		}
		s.pass(t, 3*24)
		if s.basis(t) != forecast.Learned || testutil.ToFloat64(s.table.metrics.fallen.WithLabelValues("batch", "cpu")) != 0 {
			t.Errorf("with a new champion forecasts are by %s", s.basis(t))
		}
	})
}

// A class that the model of any class does not fit falls back alone.
func TestOnlyTheClassOutOfItsBandFallsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := openRegistry(t)
		anyRole := registry.LearnedRole(models.Target{Class: models.AnyClass, Resource: resource.CPU})
		id := shifted(t, r, -.2)
		if err := r.Promote(anyRole, id, "the gate said so"); err != nil {
			t.Fatal(err)
		}
		s := newStreet(t, r)
		s.pass(t, 7*24)
		champions, err := r.Champions()
		if err != nil {
			t.Fatal(err)
		}
		service, fell := champions[batchRole]
		if !fell || service.ID != "" || champions[anyRole].ID != id || s.basis(t) != forecast.Percentile {
			t.Errorf("served by %s, in service %+v", s.basis(t), champions)
		}
	})
}

func TestChallengersAreShadowed(t *testing.T) {
	for _, c := range []struct {
		name            string
		champion, shift float32
		promoted        bool
		says            string
	}{
		{"better", .3, .04, true, "did no worse"},
		{"the same", .05, .05, true, "did no worse"},
		{"worse", .05, .5, false, "did worse"},
		{"breaks its promises", .9, -.05, false, "quantile held in"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := openRegistry(t)
				champion, challenger := shifted(t, r, c.champion), shifted(t, r, c.shift)
				if err := r.Promote(batchRole, champion, "first"); err != nil {
					t.Fatal(err)
				}
				if err := r.Apply(registry.Change{Role: batchRole, ID: challenger, Shadow: true, Why: "won the gate"}); err != nil {
					t.Fatal(err)
				}
				s := newStreet(t, r)
				s.pass(t, 47)
				if got := serviceOf(t, r); got.ID != champion || got.Challenger == nil {
					t.Fatalf("before the trial is over: %+v", got)
				}
				// A restart in between loses nothing.
				s.open(t, r)
				s.pass(t, 5*24)
				got := serviceOf(t, r)
				if got.Challenger != nil || (got.ID == challenger) != c.promoted {
					t.Fatalf("after the trial: %+v", got)
				}
				why := got.Why
				if !c.promoted {
					why = got.Dismissed.Why
				}
				if !strings.Contains(why, c.says) {
					t.Errorf("because %q, want %q", why, c.says)
				}
			})
		})
	}
}

func TestATrialThatJudgesNothingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := openRegistry(t)
		champion := shifted(t, r, .05)
		if err := r.Promote(batchRole, champion, "first"); err != nil {
			t.Fatal(err)
		}
		if err := r.Apply(registry.Change{Role: batchRole, ID: shifted(t, r, .04), Shadow: true, Why: "won the gate"}); err != nil {
			t.Fatal(err)
		}
		s := &street{rng: rand.New(rand.NewPCG(1, 2)), high: 2}
		s.open(t, r)
		for range 15 * 24 {
			time.Sleep(time.Hour)
			if err := s.table.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := serviceOf(t, r); got.ID != champion || got.Challenger != nil || got.Dismissed == nil || !strings.Contains(got.Dismissed.Why, "nothing could be judged") {
			t.Errorf("after two weeks: %+v", got)
		}
	})
}

func TestADamagedRecordIsBegunAnew(t *testing.T) {
	for _, damage := range []struct{ note, content string }{
		{registry.RecordNote, `{"version":`},
		{registry.PledgesNote, `{"version":`},
		{registry.RecordNote, `{"version":1}`},
		{registry.RecordNote, `{"version":1,"levels":[0.5],"entries":[]}`},
		{registry.PledgesNote, `{"pending":[{"start":"2000-01-01T00:00:00Z","of":[{"workload":"w","scale":1,"said":[{"quantiles":[1]}]}]}]}`},
		{registry.PledgesNote, `{"pending":[{"start":"2000-01-01T00:00:00Z","of":[{"workload":"w","said":[{"quantiles":[1,1,1,1,1,1]}]}]}]}`},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := openRegistry(t)
			if err := r.WriteNote(damage.note, []byte(damage.content)); err != nil {
				t.Fatal(err)
			}
			s := newStreet(t, r)
			if !strings.Contains(s.log.String(), "counted anew") {
				t.Errorf("of %s it says %q", damage.content, s.log.String())
			}
			s.pass(t, 50)
			if len(s.table.watch.record.Entries()) == 0 {
				t.Errorf("after %s nothing is counted", damage.content)
			}
		})
	}
}

// A clock that was a year ahead for a moment stops neither the record nor the
// daily look at it.
func TestAClockThatWasAheadIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := openRegistry(t)
		ahead := time.Now().AddDate(1, 0, 0)
		note := fmt.Sprintf(`{"day":%d,"pending":[{"start":%q,"of":[]}]}`, ahead.Unix()/(24*60*60), ahead.Truncate(time.Hour).Format(time.RFC3339))
		if err := r.WriteNote(registry.PledgesNote, []byte(note)); err != nil {
			t.Fatal(err)
		}
		s := newStreet(t, r)
		s.pass(t, 50)
		if len(s.table.watch.record.Entries()) == 0 {
			t.Error("nothing is counted")
		}
		if day := time.Now().Unix() / (24 * 60 * 60); s.table.watch.looks.Day != day {
			t.Errorf("last looked on day %d, today is %d", s.table.watch.looks.Day, day)
		}
	})
}
