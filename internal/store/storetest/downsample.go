package storetest

import (
	"testing"
	"time"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

func testDownsample(t *testing.T, h store.History) {
	memory := sample("a", 25, 0) // a sample without cpu is no value of cpu
	memory.Usage = resource.Vector{}.With(resource.Memory, 5)
	other := sample("b", 70, 8)
	other.Key.Class = "batch"
	write(t, h,
		sample("a", -0.001, 4),                                              // one window before
		sample("a", 0, 1), sample("a", 9, 3), sample("a", 9.999, 2), memory, // [0, 10) and a gap
		sample("a", 30, 0), // zero is a value
		other,
	)
	d := store.Downsampling{Resource: resource.CPU, Every: 10 * time.Minute, Aggregate: store.Max}
	b := other.Key
	buckets(t, h, store.Query{}, d,
		store.Bucket{Key: key("a"), Start: at(-10), Value: 4}, store.Bucket{Key: key("a"), Start: at(0), Value: 3},
		store.Bucket{Key: key("a"), Start: at(30), Value: 0}, store.Bucket{Key: b, Start: at(70), Value: 8})

	d.Aggregate = store.Mean
	buckets(t, h, store.Query{Workloads: []string{"a"}, Window: timeseries.Window{From: at(5), To: at(30)}}, d,
		store.Bucket{Key: key("a"), Start: at(0), Value: 2.5}) // windows keep their grid, only samples are cut off

	d.Every = 24 * time.Hour
	midnight := start.Add(time.Hour)
	buckets(t, h, store.Query{}, d,
		store.Bucket{Key: key("a"), Start: midnight.Add(-24 * time.Hour), Value: 2},
		store.Bucket{Key: b, Start: midnight, Value: 8})

	d.Resource = resource.GPU
	buckets(t, h, store.Query{}, d)
}

func testAggregates(t *testing.T, h store.History) {
	for i := range 101 {
		s := sample("a", float64(i), float64((i*37)%101))
		s.Usage = s.Usage.With("slots", 2*s.Usage.Get(resource.CPU))
		write(t, h, s)
	}
	write(t, h, sample("b", 0, 1), sample("b", 1, 3))
	whole := time.Hour * 24 * 365 * 60 // one window holds all
	for _, c := range []struct {
		d    store.Downsampling
		a, b float64
	}{
		{store.Downsampling{Aggregate: store.Max}, 100, 3},
		{store.Downsampling{Aggregate: store.Mean}, 50, 2},
		{store.Downsampling{Aggregate: store.Quantile, P: 0}, 0, 1},
		{store.Downsampling{Aggregate: store.Quantile, P: .25}, 25, 1.5},
		{store.Downsampling{Aggregate: store.Quantile, P: .5}, 50, 2},
		{store.Downsampling{Aggregate: store.Quantile, P: .955}, 95.5, 2.91},
		{store.Downsampling{Aggregate: store.Quantile, P: 1}, 100, 3},
	} {
		c.d.Every = whole
		for _, n := range []resource.Name{resource.CPU, "slots"} {
			c.d.Resource = n
			want := []store.Bucket{{Key: key("a"), Start: time.UnixMilli(0), Value: c.a}, {Key: key("b"), Start: time.UnixMilli(0), Value: c.b}}
			if n == "slots" {
				want = []store.Bucket{{Key: key("a"), Start: time.UnixMilli(0), Value: 2 * c.a}}
			}
			buckets(t, h, store.Query{}, c.d, want...)
		}
	}
}

func buckets(t testing.TB, h store.History, q store.Query, d store.Downsampling, want ...store.Bucket) {
	t.Helper()
	got := collect(t, h.Downsample(t.Context(), q, d))
	if !equalBuckets(got, want) {
		t.Errorf("downsample %+v %+v:\n\t%v, want\n\t%v", q, d, got, want)
	}
}

func equalBuckets(got, want []store.Bucket) bool {
	if len(got) != len(want) {
		return false
	}
	for i, g := range got {
		if w := want[i]; g.Key != w.Key || !g.Start.Equal(w.Start) || g.Start.Location() != time.UTC || !near(g.Value, w.Value) {
			return false
		}
	}
	return true
}
