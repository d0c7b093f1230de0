package influx

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/timeseries"
)

// Pages hold every series once and in order, none is too large, and the slices
// of a long series make up the window.
func TestPages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stats, q := someStats(t)
		var order []timeseries.Key
		rest := stats
		for p := range pages(q, stats) {
			if p.query.Window.Validate() != nil || len(p.query.Workloads) == 0 || len(p.query.Workloads) > pageWorkloads {
				t.Fatalf("page of %d workloads in %v", len(p.query.Workloads), p.query.Window)
			}
			if k := p.series; k != nil {
				if len(order) == 0 || order[len(order)-1] != *k {
					order, rest = append(order, *k), rest[1:]
				}
				continue
			}
			samples := int64(0)
			for len(rest) > 0 && slices.Contains(p.query.Workloads, rest[0].Key.Workload) {
				samples += rest[0].Samples
				order, rest = append(order, rest[0].Key), rest[1:]
			}
			if samples > pageSamples || p.query.Window != q.Window {
				t.Fatalf("page of %d samples in %v", samples, p.query.Window)
			}
		}
		if !slices.EqualFunc(order, stats, func(k timeseries.Key, s store.SeriesStat) bool { return k == s.Key }) {
			t.Fatalf("series in the order %v, want %v", order, stats)
		}
	})
}

func TestSlices(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stats, q := someStats(t)
		for _, stat := range stats {
			at := q.Window.From
			slices := sliced(q, stat)
			for _, p := range slices {
				if !p.query.Window.From.Equal(at) || *p.series != stat.Key || p.query.Window.Validate() != nil {
					t.Fatalf("slice %v does not follow %v", p.query.Window, at)
				}
				at = p.query.Window.To
			}
			if !at.Equal(q.Window.To) || int64(len(slices)) > 1+stat.Samples/pageSamples {
				t.Fatalf("%d slices up to %v of %v in %v", len(slices), at, stat, q.Window)
			}
		}
	})
}

func someStats(t *rapid.T) ([]store.SeriesStat, store.Query) {
	from := time.UnixMilli(rapid.Int64Range(1, 1e12).Draw(t, "from")).UTC()
	length := rapid.Int64Range(1, 1e12).Draw(t, "length")
	after := func(ms int64) time.Time { return from.Add(time.Duration(ms) * time.Millisecond) }
	q := store.Query{Window: timeseries.Window{From: from, To: after(length)}}
	if rapid.Bool().Draw(t, "open") {
		q.Window = timeseries.Window{}
	}
	var stats []store.SeriesStat
	for i := range rapid.IntRange(0, 50).Draw(t, "workloads") {
		for j := range rapid.IntRange(1, 3).Draw(t, "nodes") {
			first := rapid.Int64Range(0, length-1).Draw(t, "first")
			last := rapid.Int64Range(first, length-1).Draw(t, "last")
			stats = append(stats, store.SeriesStat{
				Key:   timeseries.Key{Workload: fmt.Sprintf("w%03d", i), Node: fmt.Sprint(j)},
				First: after(first), Last: after(last),
				Samples: rapid.SampledFrom([]int64{1, 100, pageSamples, 3*pageSamples + 1}).Draw(t, "samples"),
			})
		}
	}
	return stats, q
}
