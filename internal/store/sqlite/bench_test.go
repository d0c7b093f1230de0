package sqlite_test

import (
	"iter"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/auspex-project/auspex/datasets"
	"github.com/auspex-project/auspex/internal/sharedtest"
	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/internal/store/sqlite"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// BenchmarkImport copies a month of 500 virtual machines from the trace on disk
// into a new file, by machine, as `auspex import` does.
func BenchmarkImport(b *testing.B) {
	path := sharedtest.Data(b, "bitbrains/2013-8.csv.gz")
	total := int64(0)
	for b.Loop() {
		usage, err := datasets.OpenUsage(datasets.Ref{Format: "bitbrains", Path: path}, datasets.Options{})
		if err != nil {
			b.Fatal(err)
		}
		s := open(b, filepath.Join(b.TempDir(), "history.db"), sqlite.Options{})
		copied, err := store.Copy(b.Context(), s, usage.Samples(b.Context()), store.CopyOptions{})
		if err != nil {
			b.Fatal(err)
		}
		if copied < 4_000_000 {
			b.Fatalf("copied %d samples of a trace of over 4 million", copied)
		}
		counts(b, s, store.Query{}, copied)
		total += copied
	}
	b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "samples/s")
}

const (
	fleetWorkloads = 500
	fleetSteps     = 1000
)

// fleet is the usage of workloads measured all at the same times.
func fleet(r *rand.Rand, workload, step int) timeseries.Sample {
	return timeseries.Sample{
		Key:   timeseries.Key{Workload: "workload-" + string(rune('a'+workload%26)) + string(rune('a'+workload/26)), Class: "service", Node: "node", Source: "bench"},
		Time:  time.UnixMilli(1_700_000_000_000 + int64(step)*300_000).UTC(),
		Usage: resource.Of(r.Float64(), float64(r.IntN(1e9))),
		Limit: resource.Of(2, 1e9),
	}
}

// BenchmarkWriteByTime writes the samples of a whole fleet at one time, then at
// the next, as live collection and replay do.
func BenchmarkWriteByTime(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "history.db"), sqlite.Options{})
	r := rand.New(rand.NewPCG(1, 2))
	written := int64(0)
	for step := 0; b.Loop(); step += 20 {
		batch := make([]timeseries.Sample, 0, 20*fleetWorkloads)
		for i := range 20 {
			for w := range fleetWorkloads {
				batch = append(batch, fleet(r, w, step+i))
			}
		}
		if err := s.Write(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
		written += int64(len(batch))
	}
	b.ReportMetric(float64(written)/b.Elapsed().Seconds(), "samples/s")
	counts(b, s, store.Query{}, written)
}

// filled returns a store of fleetWorkloads x fleetSteps samples.
func filled(b *testing.B) *sqlite.Store {
	s := open(b, filepath.Join(b.TempDir(), "history.db"), sqlite.Options{})
	r := rand.New(rand.NewPCG(1, 2))
	var all iter.Seq2[timeseries.Sample, error] = func(yield func(timeseries.Sample, error) bool) {
		for w := range fleetWorkloads {
			for step := range fleetSteps {
				if !yield(fleet(r, w, step), nil) {
					return
				}
			}
		}
	}
	if _, err := store.Copy(b.Context(), s, all, store.CopyOptions{}); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	return s
}

func BenchmarkScan(b *testing.B) {
	s := filled(b)
	for b.Loop() {
		n, sum := 0, 0.0
		for x, err := range s.Scan(b.Context(), store.Query{}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
			sum += x.Usage.Get(resource.CPU)
		}
		if n != fleetWorkloads*fleetSteps || sum < float64(n)/3 {
			b.Fatalf("read %d samples of %g cores", n, sum)
		}
	}
	b.ReportMetric(fleetWorkloads*fleetSteps*float64(b.N)/b.Elapsed().Seconds(), "samples/s")
}

func BenchmarkDownsample(b *testing.B) {
	s := filled(b)
	d := store.Downsampling{Resource: resource.CPU, Every: time.Hour, Aggregate: store.Max}
	for b.Loop() {
		n := 0
		for _, err := range s.Downsample(b.Context(), store.Query{}, d) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n < fleetWorkloads*fleetSteps/12 {
			b.Fatalf("%d buckets", n)
		}
	}
	b.ReportMetric(fleetWorkloads*fleetSteps*float64(b.N)/b.Elapsed().Seconds(), "samples/s")
}

func BenchmarkSeries(b *testing.B) {
	s := filled(b)
	for b.Loop() {
		stats, err := s.Series(b.Context(), store.Query{})
		if err != nil || len(stats) != fleetWorkloads || !slices.ContainsFunc(stats, func(x store.SeriesStat) bool { return x.Samples == fleetSteps }) {
			b.Fatalf("%d series, %v", len(stats), err)
		}
	}
}

func counts(t testing.TB, s *sqlite.Store, q store.Query, want int64) {
	t.Helper()
	if n, err := s.Count(t.Context(), q); err != nil || n != want {
		t.Fatalf("the store counts %d samples, %v; want %d", n, err, want)
	}
}
