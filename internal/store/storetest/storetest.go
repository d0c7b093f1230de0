// Package storetest is the conformance suite of store.History: what every
// implementation must do, run by the tests of each.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// Run tests an implementation. Open returns an empty history of its own for
// each call and closes it when the test ends.
func Run(t *testing.T, open func(t *testing.T) store.History) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, h store.History)
	}{
		{"empty", testEmpty},
		{"write twice", testWriteTwice},
		{"write merges resources", testMerge},
		{"write refuses bad samples", testRefusals},
		{"write keeps nothing of the batch", testBatchReuse},
		{"large batch", testLargeBatch},
		{"amounts are exact", testAmounts},
		{"absent is not zero", testAbsent},
		{"odd names", testOddNames},
		{"order", testOrder},
		{"window is half-open", testWindow},
		{"filters", testFilters},
		{"series", testSeries},
		{"scan stops early", testStopEarly},
		{"store is usable during a scan", testUseDuringScan},
		{"bad queries", testBadQueries},
		{"downsample", testDownsample},
		{"downsample all aggregates", testAggregates},
		{"delete before", testDelete},
		{"write after delete", testWriteAfterDelete},
		{"cancelled", testCancelled},
		{"cancelled during a scan", testCancelledScan},
		{"readers beside a writer", testConcurrent},
		{"closed", testClosed},
		{"agrees with a map", testModel},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// start is the time of the first sample of most tests: a full hour.
var start = time.Date(2024, 2, 28, 23, 0, 0, 0, time.UTC)

func at(minutes float64) time.Time {
	return start.Add(time.Duration(minutes * float64(time.Minute))).Truncate(time.Millisecond)
}

func key(workload string) timeseries.Key {
	return timeseries.Key{Workload: workload, App: "app", Class: "service", Queue: "q", Node: "n1", Source: "test"}
}

func sample(workload string, minutes, cpu float64) timeseries.Sample {
	return timeseries.Sample{Key: key(workload), Time: at(minutes), Usage: resource.Vector{}.With(resource.CPU, cpu)}
}

func write(t testing.TB, h store.History, samples ...timeseries.Sample) {
	t.Helper()
	if err := h.Write(t.Context(), samples); err != nil {
		t.Fatalf("write: %v", err)
	}
}

func scan(t testing.TB, h store.History, q store.Query) []timeseries.Sample {
	t.Helper()
	return collect(t, h.Scan(t.Context(), q))
}

func collect[T any](t testing.TB, from iter.Seq2[T, error]) []T {
	t.Helper()
	var all []T
	for x, err := range from {
		if err != nil {
			t.Fatalf("after %d results: %v", len(all), err)
		}
		all = append(all, x)
	}
	return all
}

// holds checks that a query finds exactly the samples wanted, in order, by every
// way of asking.
func holds(t testing.TB, h store.History, q store.Query, want ...timeseries.Sample) {
	t.Helper()
	if err := equalSamples(scan(t, h, q), want); err != nil {
		t.Errorf("scan %+v: %v", q, err)
	}
	if n, err := h.Count(t.Context(), q); err != nil || n != int64(len(want)) {
		t.Errorf("count %+v: %d, %v; want %d", q, n, err, len(want))
	}
	got, err := h.Series(t.Context(), q)
	if stats := seriesOf(want); err != nil || !slices.EqualFunc(got, stats, equalStat) {
		t.Errorf("series %+v: %v, %v; want %v", q, got, err, stats)
	}
}

func equalStat(a, b store.SeriesStat) bool {
	return a.Key == b.Key && a.First.Equal(b.First) && a.Last.Equal(b.Last) && a.Samples == b.Samples
}

// seriesOf summarizes samples, which are in the order of key and time.
func seriesOf(samples []timeseries.Sample) []store.SeriesStat {
	var stats []store.SeriesStat
	for _, s := range samples {
		if n := len(stats); n == 0 || stats[n-1].Key != s.Key {
			stats = append(stats, store.SeriesStat{Key: s.Key, First: s.Time})
		}
		stat := &stats[len(stats)-1]
		stat.Last = s.Time
		stat.Samples++
	}
	return stats
}

func equalSamples(got, want []timeseries.Sample) error {
	for i := range min(len(got), len(want)) {
		g, w := got[i], want[i]
		if g.Key != w.Key || !g.Time.Equal(w.Time) || !g.Usage.Equal(w.Usage) || !g.Limit.Equal(w.Limit) {
			return fmt.Errorf("sample %d is\n\t%+v, want\n\t%+v", i, g, w)
		}
		if g.Time.Location() != time.UTC {
			return fmt.Errorf("sample %d has its time in %v, want UTC", i, g.Time.Location())
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("%d samples, want %d", len(got), len(want))
	}
	return nil
}

// refused checks that err is final, and not to be tried again.
func refused(t testing.TB, what string, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrRefused) || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("%s: %v, want it refused", what, err)
	}
}

func cancelled(t testing.TB, what string, err error) {
	t.Helper()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%s: %v, want %v", what, err, context.Canceled)
	}
}

func lastError[T any](from iter.Seq2[T, error]) (err error) {
	for _, e := range from {
		err = e
	}
	return err
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-12*max(math.Abs(a), math.Abs(b)) }
