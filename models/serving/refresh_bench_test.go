package serving

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/gbdt"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

// BenchmarkRefresh forecasts a fleet of two resources, three weeks of which are
// remembered, by models of full size: all of it, as once an hour or with a new
// model, and what is due five minutes later. AUSPEX_BENCH_WORKLOADS sets the size
// of the fleet.
func BenchmarkRefresh(b *testing.B) {
	size := 10_000
	if text := os.Getenv("AUSPEX_BENCH_WORKLOADS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			b.Fatal(err)
		}
		size = n
	}
	now := time.Date(2026, 1, 26, 10, 2, 0, 0, time.UTC)
	before := heap()
	histories := crowd(size, now)
	b.Logf("%d workloads: %.1f KiB of memory each", size, float64(heap()-before)/1024/float64(size))
	set := fullSet(b)

	b.Run("all", func(b *testing.B) {
		started := cpu()
		for b.Loop() {
			p := &page{set: set, chain: set.Chain()}
			if err := p.fill(b.Context(), histories, nil, now); err != nil {
				b.Fatal(err)
			}
			if len(p.entries) != size || p.entries["w7"].forecast.Basis != forecast.Learned || len(p.entries["w7"].forecast.Demands[0].SlotMeans) != 24 || p.made != size {
				b.Fatalf("%d forecasts, %d made, by %s", len(p.entries), p.made, p.entries["w7"].forecast.Basis)
			}
		}
		report(b, started, size)
	})
	b.Run("due", func(b *testing.B) {
		old := &page{set: set, chain: set.Chain()}
		if err := old.fill(b.Context(), histories, nil, now); err != nil {
			b.Fatal(err)
		}
		made := 0
		started := cpu()
		for b.Loop() {
			p := &page{set: set, chain: set.Chain()}
			if err := p.fill(b.Context(), histories, old, now.Add(5*time.Minute)); err != nil {
				b.Fatal(err)
			}
			made = p.made
			if len(p.entries) != size || made == 0 || made > size/4 {
				b.Fatalf("%d forecasts, %d made", len(p.entries), made)
			}
		}
		report(b, started, size)
		b.ReportMetric(float64(made), "made/op")
	})
}

func report(b *testing.B, started time.Duration, size int) {
	each := (cpu() - started).Seconds() / float64(b.N)
	b.ReportMetric(each, "cpu-s/op")
	b.ReportMetric(1e6*each/float64(size), "cpu-µs/workload")
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano())
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// crowd returns workloads that rise and fall by day, each in its own way, with a
// sample an hour for three weeks.
func crowd(size int, now time.Time) map[string]*models.History {
	histories := make(map[string]*models.History, size)
	for w := range size {
		rng := rand.New(rand.NewPCG(1, uint64(w)))
		h := models.NewHistory(forecast.DefaultGrid())
		phase, height := rng.Float64(), rng.Float64()
		key := timeseries.Key{Workload: fmt.Sprint("w", w), App: fmt.Sprint("app", w%500), Class: workload.Service, Source: "synthetic:bench"}
		for hour := 21 * 24; hour > 0; hour-- {
			at := now.Add(-time.Duration(hour) * time.Hour)
			daily := .5 + .5*math.Sin(2*math.Pi*(float64(at.Hour())/24+phase))
			h.Add(&timeseries.Sample{Key: key, Time: at, Usage: resource.Of(4*height*(.3*daily+.2*rng.Float64()), 8e9*height*(.6+.2*rng.Float64())), Limit: resource.Of(4, 8e9)})
		}
		histories[key.Workload] = h
	}
	return histories
}

// fullSet returns a set with models as large as nights make them.
func fullSet(b *testing.B) *models.Set {
	b.Helper()
	const rows, trees = 4000, 150
	set := &models.Set{Grid: forecast.DefaultGrid(), Champions: map[models.Target]models.Champion{}, Profilers: map[resource.Name]*models.Profiler{}}
	for _, n := range []resource.Name{resource.CPU, resource.Memory} {
		rng := rand.New(rand.NewPCG(2, 3))
		d := &gbdt.Dataset{Names: models.Features(), Columns: make([][]float32, len(models.Features())), Targets: make([]float32, rows)}
		for f := range d.Columns {
			d.Columns[f] = make([]float32, rows)
			for i := range d.Columns[f] {
				d.Columns[f][i] = 2*rng.Float32() - 1
				d.Targets[i] += d.Columns[f][i] * rng.Float32()
			}
		}
		var corrections []models.Correction
		for i := range models.Levels() {
			m, err := gbdt.Fit(b.Context(), d, nil, gbdt.Options{Quantiles: models.Levels()[i : i+1], Trees: trees, LearningRate: .1, MaxDepth: 6, MaxLeaves: 31, MaxBins: 128})
			if err != nil {
				b.Fatal(err)
			}
			corrections = append(corrections, models.Correction{Trees: m, Trust: 1})
		}
		model, err := models.NewLearned(n, set.Grid, corrections)
		if err != nil {
			b.Fatal(err)
		}
		set.Champions[models.Target{Class: models.AnyClass, Resource: n}] = models.Champion{ID: "01BENCH", Model: model}
		set.Profilers[n] = fullProfiler(b, n, set.Grid)
	}
	return set
}

// fullProfiler returns one as large as nights make them: they stop adding trees
// after some fifty a quantile (Bitbrains).
func fullProfiler(b *testing.B, n resource.Name, g forecast.Grid) *models.Profiler {
	b.Helper()
	const rows, trees = 4000, 80
	rng := rand.New(rand.NewPCG(4, 5))
	d := &gbdt.Dataset{Names: models.SlotFeatures(), Columns: make([][]float32, len(models.SlotFeatures())), Targets: make([]float32, rows)}
	for f := range d.Columns {
		d.Columns[f] = make([]float32, rows)
		for i := range d.Columns[f] {
			d.Columns[f][i] = 2*rng.Float32() - 1
			d.Targets[i] += d.Columns[f][i] * rng.Float32()
		}
	}
	o := gbdt.Options{Quantiles: models.SlotLevels(), Trees: trees, LearningRate: .1, MaxDepth: 6, MaxLeaves: 31, MaxBins: 128}
	quantiles, err := gbdt.Fit(b.Context(), d, nil, o)
	if err != nil {
		b.Fatal(err)
	}
	o.Quantiles, o.Mean = nil, true
	mean, err := gbdt.Fit(b.Context(), d, nil, o)
	if err != nil {
		b.Fatal(err)
	}
	p, err := models.NewProfiler(n, g, mean, quantiles)
	if err != nil {
		b.Fatal(err)
	}
	return p
}
