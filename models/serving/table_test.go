package serving

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

// shelf is a history in memory.
type shelf struct {
	mu      sync.Mutex
	samples []timeseries.Sample
	err     error
}

func (s *shelf) add(id string, class workload.Class, at time.Time, cpu float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.samples = append(s.samples, timeseries.Sample{
		Key:  timeseries.Key{Workload: id, App: "shop", Class: class, Queue: "web", Source: "test"},
		Time: at, Usage: resource.Vector{}.With(resource.CPU, cpu), Limit: resource.Vector{}.With(resource.CPU, 4),
	})
}

// hours adds one sample an hour for the last n hours before now.
func (s *shelf) hours(id string, class workload.Class, now time.Time, n int, cpu func(hour int) float64) {
	for i := n; i > 0; i-- {
		at := now.Add(-time.Duration(i) * time.Hour)
		s.add(id, class, at, cpu(at.Hour()))
	}
}

func (s *shelf) Scan(_ context.Context, q store.Query) iter.Seq2[timeseries.Sample, error] {
	return func(yield func(timeseries.Sample, error) bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.err != nil {
			yield(timeseries.Sample{}, s.err)
			return
		}
		for _, x := range s.samples {
			if q.Window.Contains(x.Time) && !yield(x, nil) {
				return
			}
		}
	}
}

func newTable(t testing.TB, s Samples, change func(*Options)) *Table {
	t.Helper()
	r, err := registry.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o := Options{History: s, Registry: r, Grid: forecast.DefaultGrid(), Metrics: prometheus.NewRegistry()}
	if change != nil {
		change(&o)
	}
	table, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func newcomer(id string) *workload.Workload {
	return &workload.Workload{ID: id, App: "shop", Queue: "web", Class: workload.Service, Requests: resource.Of(2, 0)}
}

// epoch is where synctest's clock starts.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func TestForecastFollowsTheChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		s.hours("old", workload.Service, epoch, 14*24, func(hour int) float64 {
			if hour == 12 {
				return 3
			}
			return 1
		})
		table := newTable(t, s, nil)
		if _, known := table.Forecast(newcomer("old"), epoch); known {
			t.Error("a forecast before the first refresh")
		}
		if err := table.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		old, known := table.Forecast(newcomer("old"), epoch)
		if !known || old.Basis != forecast.Percentile {
			t.Fatalf("forecast of a workload with two weeks of history: known %v, %+v", known, old)
		}
		d, _ := old.Demand(resource.CPU)
		if noon, night := d.Profile[12], d.Profile[3]; noon < 3 || night > 2 {
			t.Errorf("noon %g and night %g cores, want about 3 and 1", noon, night)
		}
		fresh, known := table.Forecast(newcomer("new"), epoch)
		if !known || fresh.Basis != forecast.Limit {
			t.Fatalf("forecast of an unseen workload without a prior: known %v, %+v", known, fresh)
		}
		again, _ := table.Forecast(newcomer("another"), epoch)
		if again != fresh {
			t.Error("workloads of one description do not share their prior")
		}
	})
}

func TestRefreshReadsWhatIsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		s.hours("w", workload.Service, epoch, 48, func(int) float64 { return 1 })
		table := newTable(t, s, nil)
		if err := table.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		s.add("w", workload.Service, time.Now().Add(-10*time.Minute), 3.5)
		if err := table.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		f, _, _ := table.ByID("w")
		if d, _ := f.Demand(resource.CPU); d.Peak < 3.5 {
			t.Errorf("peak %g cores after a sample of 3.5", d.Peak)
		}
		time.Sleep(models.Memory + time.Hour)
		if err := table.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, _, ok := table.ByID("w"); ok {
			t.Error("a workload not seen for longer than the memory still has a forecast")
		}
	})
}

// Each forecast is made anew once an hour, spread over it, and at once where its
// workload passed what was said.
func TestOnlyWhatIsDueIsForecast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		const workloads = 60
		for i := range workloads {
			s.hours(fmt.Sprint("w", i), workload.Service, epoch, 48, func(int) float64 { return 1 })
		}
		table := newTable(t, s, nil)
		refresh := func() (made int) {
			t.Helper()
			if err := table.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			return table.current.Load().made
		}
		if made := refresh(); made != workloads {
			t.Fatalf("the first refresh made %d", made)
		}
		total, most := 0, 0
		for range 12 {
			time.Sleep(5 * time.Minute)
			for i := range workloads {
				s.add(fmt.Sprint("w", i), workload.Service, time.Now().Add(-time.Minute), 1)
			}
			made := refresh()
			total, most = total+made, max(most, made)
		}
		if total != workloads || most > workloads/3 {
			t.Errorf("in an hour %d were made, %d at most at once; want each of %d once", total, most, workloads)
		}
		s.add("w7", workload.Service, time.Now(), 3.5)
		refresh()
		f, _, _ := table.ByID("w7")
		if d, _ := f.Demand(resource.CPU); d.Peak < 3.5 {
			t.Errorf("a surprise is not in the table: %g", d.Peak)
		}
	})
}

func TestFailedRefreshKeepsTheOldTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		s.hours("w", workload.Service, epoch, 48, func(int) float64 { return 1 })
		table := newTable(t, s, nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- table.Run(ctx) }()
		synctest.Wait()
		s.mu.Lock()
		s.err = errors.New("disk on fire")
		s.mu.Unlock()
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		if _, _, ok := table.ByID("w"); !ok {
			t.Error("the forecast is gone after a failed refresh")
		}
		if n := testutil.ToFloat64(table.metrics.failures); n != 2 {
			t.Errorf("%g failures counted, want 2", n)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestRefusedChampionIsLoggedOnce(t *testing.T) {
	s := &shelf{}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "champions.json"), []byte(`{"version":99}`), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := registry.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	table := newTable(t, s, func(o *Options) {
		o.Registry = r
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	for range 3 {
		if err := table.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(log.String(), "champion refused"); n != 1 {
		t.Errorf("the refused champion was logged %d times:\n%s", n, log.String())
	}
}

// One artefact that cannot be used costs its role the next link of the chain, and
// the others nothing: no forecast is made again for it. Mended, it serves.
func TestRefusedArtefactKeepsForecasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		s.hours("w", workload.Service, epoch, 48, func(int) float64 { return 1 })
		r := openRegistry(t)
		files, err := models.EncodeMargins(models.NodeMargins{Bands: []models.SumBand{{Band: forecast.Band{Resource: resource.CPU, MaxMembers: 12, Points: []forecast.Point{{Risk: .01, Q: .1}}}}}})
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
		path := filepath.Join(r.Dir(), m.ID, m.Files[0].Name)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("{"), 0o644); err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		table := newTable(t, s, func(o *Options) { o.Registry, o.Log = r, slog.New(slog.NewTextHandler(&log, nil)) })
		refresh := func() {
			t.Helper()
			if err := table.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for range 12 {
			refresh()
			<-time.After(5 * time.Minute)
		}
		if n := strings.Count(log.String(), "champion refused"); n != 1 {
			t.Errorf("the refused margins were logged %d times:\n%s", n, log.String())
		}
		if n := testutil.ToFloat64(table.metrics.made); n > 2 { // once, and once a slot
			t.Errorf("%g forecasts were made of one workload within an hour", n)
		}
		if err := os.WriteFile(path, whole, 0o644); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Hour)
		refresh()
		if len(table.Margins().Bands) != 1 {
			t.Error("margins that were mended do not serve")
		}
	})
}

func TestClassify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		s.hours("seen", workload.Stream, epoch, 48, func(int) float64 { return 1 })
		table := newTable(t, s, nil)
		if err := table.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			w    workload.Workload
			want workload.Class
		}{
			{workload.Workload{ID: "seen", Class: workload.Cron}, workload.Cron},
			{workload.Workload{ID: "seen"}, workload.Stream},
			{workload.Workload{ID: "unseen"}, workload.Service},
		} {
			if got := table.Classify(&c.w); got != c.want {
				t.Errorf("class of %+v is %s, want %s", c.w, got, c.want)
			}
		}
	})
}

func TestReadersDuringRefresh(t *testing.T) {
	s := &shelf{}
	now := time.Now().UTC()
	for i := range 50 {
		s.hours(fmt.Sprint("w", i), workload.Service, now, 48, func(int) float64 { return 1 })
	}
	table := newTable(t, s, nil)
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				table.Forecast(newcomer(fmt.Sprint("w", i%100)), now)
				table.Margins()
			}
		})
	}
	for range 5 {
		if err := table.Refresh(t.Context()); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	readers.Wait()
	if _, _, ok := table.ByID("w7"); !ok {
		t.Error("nothing was forecast")
	}
}

func BenchmarkForecast(b *testing.B) {
	s := &shelf{}
	now := time.Now().UTC()
	s.hours("seen", workload.Service, now, 48, func(int) float64 { return 1 })
	r, err := registry.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	table, err := New(Options{History: s, Registry: r, Grid: forecast.DefaultGrid()})
	if err != nil {
		b.Fatal(err)
	}
	if err := table.Refresh(b.Context()); err != nil {
		b.Fatal(err)
	}
	for _, id := range []string{"seen", "unseen"} {
		w := newcomer(id)
		b.Run(id, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, known := table.Forecast(w, now); !known {
					b.Fatal("unknown")
				}
			}
		})
	}
}
