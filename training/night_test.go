package training

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

var start = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// samples is a history in memory, in the order of a store.
type samples []timeseries.Sample

func (h samples) Series(_ context.Context, q store.Query) ([]store.SeriesStat, error) {
	var stats []store.SeriesStat
	for _, s := range h {
		if !q.Window.Contains(s.Time) {
			continue
		}
		if n := len(stats); n == 0 || stats[n-1].Key != s.Key {
			stats = append(stats, store.SeriesStat{Key: s.Key, First: s.Time})
		}
		last := &stats[len(stats)-1]
		last.Last = s.Time
		last.Samples++
	}
	return stats, nil
}

func (h samples) Scan(ctx context.Context, q store.Query) iter.Seq2[timeseries.Sample, error] {
	return func(yield func(timeseries.Sample, error) bool) {
		for _, s := range h {
			if ctx.Err() != nil {
				yield(timeseries.Sample{}, ctx.Err())
				return
			}
			if q.Window.Contains(s.Time) && !yield(s, nil) {
				return
			}
		}
	}
}

// fleet returns days of half-hourly samples of services that peak by day, by
// their own amount, and of workloads without a class that idle.
func fleet(services, idlers, days int) samples {
	var h samples
	for w := range services + idlers {
		rng := rand.New(rand.NewPCG(1, uint64(w)))
		key := timeseries.Key{Workload: fmt.Sprintf("w%03d", w), App: "web", Class: workload.Service, Queue: "q", Source: "synthetic:test"}
		height := .2 + .6*rng.Float64()
		if w >= services {
			key.App, key.Class, height = "idle", "", .02
		}
		for i := range days * 48 {
			at := start.Add(time.Duration(i) * 30 * time.Minute)
			daily := .5 + .5*math.Sin(2*math.Pi*(float64(i%48)/48-.25))
			cpu := 4 * height * (.2 + .7*daily + .1*rng.Float64())
			if rng.Float64() < .01 {
				cpu *= 1.3
			}
			h = append(h, timeseries.Sample{Key: key, Time: at, Usage: resource.Of(cpu, 8e9*height*(.8+.1*rng.Float64())), Limit: resource.Of(4, 8e9)})
		}
	}
	return h
}

// alternators returns workloads that are busy every other day: nothing that
// only counts how often usage was high can tell which day is next.
func alternators(workloads, days int) samples {
	h := fleet(workloads, 0, days)
	for i := range h {
		if h[i].Time.YearDay()%2 == 0 {
			h[i].Usage = resource.Of(.2*h[i].Usage.Get(resource.CPU), h[i].Usage.Get(resource.Memory))
		}
	}
	return h
}

func quick(o Options) Options {
	fill(&o.Trees, 20)
	o.MinRows, o.Step, o.Machine = 500, 30*time.Minute, 4
	return o
}

func train(t *testing.T, h History, r *registry.Registry, o Options) Report {
	t.Helper()
	report, err := Run(context.Background(), h, r, quick(o))
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func openRegistry(t *testing.T) *registry.Registry {
	t.Helper()
	r, err := registry.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestNight(t *testing.T) {
	r := openRegistry(t)
	report := train(t, fleet(24, 8, 21), r, Options{})

	var targets []string
	for _, x := range report.Targets {
		targets = append(targets, x.Resource+" of "+x.Class)
		names := []string{}
		for _, rating := range x.Ratings {
			names = append(names, rating.Name)
			if rating.Cases == 0 || !(rating.Mean >= 0) || rating.Coverage["0.5"] > rating.Coverage["0.99"] {
				t.Errorf("%s of %s: %+v", x.Resource, x.Class, rating)
			}
		}
		if !slices.Contains(names, LearnedName) || !slices.Contains(names, "vpa") || x.Why == "" {
			t.Errorf("%s of %s was decided by %v, because %q", x.Resource, x.Class, names, x.Why)
		}
	}
	if want := []string{"cpu of *", "cpu of service", "memory of *", "memory of service"}; !slices.Equal(targets, want) {
		t.Errorf("targets %v, want %v", targets, want)
	}
	for _, m := range report.Machines {
		if m.Cases == 0 || m.Contestants[0].Name != "auspex" || m.Contestants[0].Calibrated.ViolationRate > .2 || m.Contestants[0].Calibrated.Savings > m.OracleSavings {
			t.Errorf("machines: %+v", m)
		}
	}
	if c := report.Machines[1].Contestants; report.Machines[1].Resource != "memory" || report.Machines[1].Members != 4 || !slices.ContainsFunc(c, func(c MachineScore) bool { return c.Name == "M-21" }) {
		t.Errorf("machines by memory: %+v", report.Machines[1])
	}
	if _, err := json.Marshal(report); err != nil {
		t.Error(err)
	}

	set, refused := r.Set(forecast.DefaultGrid())
	if len(refused) > 0 || set.Prior == nil {
		t.Fatalf("the registry serves %+v and refused %v", set, refused)
	}
	if q := set.Margins.At(resource.CPU, 4, .05); !(q >= 0 && q < 1) {
		t.Errorf("the margin of four members at 5 %% is %g", q)
	}
	stranger := models.Subject{ID: "new", App: "web", Queue: "q", Class: workload.Service, Limits: resource.Of(4, 8e9)}
	f, known := set.Chain().Forecast(&stranger, start.Add(21*24*time.Hour))
	if d, _ := f.Demand(resource.CPU); !known || f.Basis != forecast.Prior || d.Profile[12] < 2*d.Profile[0] {
		t.Errorf("a new service is predicted %+v by %q, %v: want a peak by day by its prior", d, f.Basis, known)
	}
}

// The outcome depends on the seed and not on the number of workers.
func TestNightIsDeterministic(t *testing.T) {
	h := fleet(12, 0, 14)
	outcome := func(o Options) string {
		return outcomeOf(t, train(t, h, openRegistry(t), o))
	}
	one, four := outcome(Options{Workers: 1, Seed: 7}), outcome(Options{Workers: 4, Seed: 7})
	if one != four {
		t.Errorf("one worker:\n%s\nfour:\n%s", one, four)
	}
	if other := outcome(Options{Workers: 4, Seed: 8}); other == four {
		t.Error("another seed changes nothing")
	}
}

func TestTheChampionStaysUnlessBeaten(t *testing.T) {
	r, h := openRegistry(t), alternators(30, 21)
	first := train(t, h, r, Options{Resources: []resource.Name{resource.CPU}, Trees: 80})
	if len(first.Targets) == 0 || first.Targets[0].Verdict != Promoted {
		t.Fatalf("the first night: %+v", first.Targets)
	}
	second := train(t, h, r, Options{Resources: []resource.Name{resource.CPU}, Trees: 80})
	for i, x := range second.Targets {
		if x.Verdict != Kept || x.Champion != first.Targets[i].Champion || !strings.Contains(x.Why, "not shown to be beaten") {
			t.Errorf("the same history again: %s, %s", x.Verdict, x.Why)
		}
	}

	// A champion that cannot be read is replaced, and said so.
	path := filepath.Join(r.Dir(), first.Targets[0].Champion, "learned.json")
	if err := os.Truncate(path, 3); err != nil {
		t.Fatal(err)
	}
	third := train(t, h, r, Options{Resources: []resource.Name{resource.CPU}, Trees: 80})
	if third.Targets[0].Verdict != Promoted || len(third.Warnings) == 0 || !strings.Contains(third.Warnings[0], "corrupt") {
		t.Errorf("with a corrupt champion: %+v, warned %v", third.Targets[0].Verdict, third.Warnings)
	}
}

func TestTooLittleHistoryIsNoError(t *testing.T) {
	for _, c := range []struct {
		name string
		h    samples
		says string
	}{
		{"none", nil, "no history"},
		{"two days", fleet(5, 0, 2), "2 days"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := openRegistry(t)
			report := train(t, c.h, r, Options{})
			if !strings.Contains(report.Skipped, c.says) {
				t.Errorf("skipped because %q, want %q in it", report.Skipped, c.says)
			}
			if champions, err := r.Champions(); err != nil || len(champions) > 0 {
				t.Errorf("in service: %v, %v", champions, err)
			}
		})
	}
	t.Run("few workloads", func(t *testing.T) {
		report := train(t, fleet(1, 0, 6), openRegistry(t), Options{})
		for _, x := range report.Targets {
			if x.Verdict != FellBack {
				t.Errorf("%s of %s: %s", x.Resource, x.Class, x.Verdict)
			}
		}
	})
}

func TestAnInterruptedNightChangesNothing(t *testing.T) {
	r := openRegistry(t)
	ctx, cancel := context.WithCancel(context.Background())
	o := quick(Options{OnProgress: func(p Progress) {
		if p.Phase == "read" && p.Done == 3 {
			cancel()
		}
	}})
	if _, err := Run(ctx, fleet(12, 0, 14), r, o); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if champions, err := r.Champions(); err != nil || len(champions) > 0 {
		t.Errorf("in service: %v, %v", champions, err)
	}
}

func TestAFailingHistoryFailsTheNight(t *testing.T) {
	h := failing{fleet(4, 0, 14)}
	if _, err := Run(context.Background(), h, openRegistry(t), quick(Options{})); err == nil || !strings.Contains(err.Error(), "train: read history: disk on fire") {
		t.Errorf("the night says %v", err)
	}
}

type failing struct{ samples }

func (f failing) Scan(ctx context.Context, q store.Query) iter.Seq2[timeseries.Sample, error] {
	return func(yield func(timeseries.Sample, error) bool) {
		n := 0
		for s, err := range f.samples.Scan(ctx, q) {
			if n++; n > 1000 {
				yield(timeseries.Sample{}, errors.New("disk on fire"))
				return
			}
			if !yield(s, err) {
				return
			}
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []Options{
		{Step: 7 * time.Minute}, {Risk: 2}, {Window: time.Hour}, {Workers: -1}, {Grid: forecast.Grid{Slot: time.Second, Slots: 1}}, {Resources: []resource.Name{"No"}},
	} {
		if _, err := Run(context.Background(), samples(nil), openRegistry(t), o); err == nil || !strings.HasPrefix(err.Error(), "training options: ") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
