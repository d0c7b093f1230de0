package influx_test

import (
	"testing"

	"github.com/auspex-project/auspex/datasets"
	"github.com/auspex-project/auspex/internal/realtest"
	"github.com/auspex-project/auspex/internal/sharedtest"
	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/internal/store/influx"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// imported fills a store with a month of 500 virtual machines.
func imported(b *testing.B, s *influx.Store) int64 {
	b.Helper()
	path := sharedtest.Data(b, "bitbrains/2013-8.csv.gz")
	usage, err := datasets.OpenUsage(datasets.Ref{Format: "bitbrains", Path: path}, datasets.Options{})
	if err != nil {
		b.Fatal(err)
	}
	copied, err := store.Copy(b.Context(), s, usage.Samples(b.Context()), store.CopyOptions{})
	if err != nil {
		b.Fatal(err)
	}
	if n, err := s.Count(b.Context(), store.Query{}); err != nil || n != copied || n < 4_000_000 {
		b.Fatalf("the server counts %d samples, %v; %d were sent", n, err, copied)
	}
	return copied
}

// BenchmarkImport copies a trace from disk into a real server, which shares the
// machine.
func BenchmarkImport(b *testing.B) {
	server := realtest.Influx(b)
	total := int64(0)
	for b.Loop() {
		total += imported(b, open(b, server))
	}
	b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "samples/s")
}

func BenchmarkScan(b *testing.B) {
	s := open(b, realtest.Influx(b))
	want := imported(b, s)
	b.ResetTimer()
	for b.Loop() {
		n, last := int64(0), timeseries.Sample{}
		for x, err := range s.Scan(b.Context(), store.Query{}) {
			if err != nil {
				b.Fatal(err)
			}
			if c := last.Key.Compare(x.Key); c > 0 || c == 0 && !last.Time.Before(x.Time) || !x.Usage.Has(resource.CPU) {
				b.Fatalf("%v after %v", x, last)
			}
			last = x
			n++
		}
		if n != want {
			b.Fatalf("read %d samples of %d", n, want)
		}
	}
	b.ReportMetric(float64(want)*float64(b.N)/b.Elapsed().Seconds(), "samples/s")
}
