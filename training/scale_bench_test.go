package training

import (
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/internal/store/sqlite"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

// generated is a history of workloads that peak by day, made as it is read: its
// own memory is nothing.
type generated struct{ workloads, days int }

func (g generated) key(w int) timeseries.Key {
	return timeseries.Key{Workload: fmt.Sprintf("w%07d", w), App: fmt.Sprint("app", w%1000), Class: [...]workload.Class{workload.Service, workload.Stream, workload.Batch}[w%3], Queue: "q", Source: "synthetic:bench"}
}

func (g generated) Series(context.Context, store.Query) ([]store.SeriesStat, error) {
	stats := make([]store.SeriesStat, g.workloads)
	for w := range stats {
		stats[w] = store.SeriesStat{Key: g.key(w), First: start, Last: start.AddDate(0, 0, g.days).Add(-time.Hour), Samples: int64(24 * g.days)}
	}
	return stats, nil
}

func (g generated) Scan(ctx context.Context, _ store.Query) iter.Seq2[timeseries.Sample, error] {
	return func(yield func(timeseries.Sample, error) bool) {
		for w := range g.workloads {
			key, rng := g.key(w), rand.New(rand.NewPCG(1, uint64(w)))
			phase, height := rng.Float64(), rng.Float64()
			for hour := range 24 * g.days {
				daily := .5 + .5*math.Sin(2*math.Pi*(float64(hour%24)/24+phase))
				s := timeseries.Sample{Key: key, Time: start.Add(time.Duration(hour) * time.Hour),
					Usage: resource.Of(4*height*(.2+.6*daily+.2*rng.Float64()), 8e9*height*(.7+.3*rng.Float64())), Limit: resource.Of(4, 8e9)}
				if !yield(s, ctx.Err()) {
					return
				}
			}
		}
	}
}

// stored is what was generated, as a store keeps it.
func stored(b *testing.B, g generated) History {
	s, err := sqlite.Open(filepath.Join(b.TempDir(), "history.db"), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	if _, err := store.Copy(b.Context(), s, g.Scan(b.Context(), store.Query{}), store.CopyOptions{}); err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkNight spends a night on AUSPEX_BENCH_WORKLOADS workloads (default
// 1,000) of two resources with three weeks of hourly samples, made as they are
// read or, with AUSPEX_BENCH_STORE=sqlite, from a file. What matters is the time to
// read and digest a workload, which must not grow, and the memory.
func BenchmarkNight(b *testing.B) {
	size := 1000
	if text := os.Getenv("AUSPEX_BENCH_WORKLOADS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			b.Fatal(err)
		}
		size = n
	}
	var h History = generated{size, 21}
	if os.Getenv("AUSPEX_BENCH_STORE") == "sqlite" {
		h = stored(b, generated{size, 21})
	}
	for b.Loop() {
		r, err := registry.Open(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		var read float64
		before := usage()
		report, err := Run(b.Context(), h, r, Options{MaxTracks: 300, Trees: 50, Step: time.Hour, OnProgress: func(p Progress) {
			if p.Phase == "read" && p.Done == size {
				read = seconds(usage()) - seconds(before)
			}
		}})
		if err != nil {
			b.Fatal(err)
		}
		if report.Workloads != size || len(report.Targets) < 6 || report.Skipped != "" {
			b.Fatalf("%d workloads, %d targets, skipped %q", report.Workloads, len(report.Targets), report.Skipped)
		}
		after := usage()
		b.ReportMetric(1e6*read/float64(size), "read-cpu-µs/workload")
		b.ReportMetric(seconds(after)-seconds(before)-read, "rest-cpu-s")
		b.ReportMetric(float64(after.Maxrss)/1024, "MiB-max")
	}
}

func usage() (u syscall.Rusage) {
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return syscall.Rusage{}
	}
	return u
}

func seconds(u syscall.Rusage) float64 {
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
