package storetest

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

// model is the history as a map: the dumb oracle.
type model map[identity]timeseries.Sample

type identity struct {
	key timeseries.Key
	ms  int64
}

func (m model) write(samples []timeseries.Sample) {
	for _, s := range samples {
		s.Time = time.UnixMilli(s.Time.UnixMilli()).UTC()
		id := identity{s.Key, s.Time.UnixMilli()}
		old, ok := m[id]
		if !ok {
			m[id] = s
			continue
		}
		for n, x := range s.Usage.All() {
			old.Usage = old.Usage.With(n, x)
		}
		for n, x := range s.Limit.All() {
			old.Limit = old.Limit.With(n, x)
		}
		m[id] = old
	}
}

func (m model) scan(q store.Query) []timeseries.Sample {
	return matching(slices.SortedFunc(maps.Values(m), inOrder), q)
}

func (m model) downsample(q store.Query, d store.Downsampling) []store.Bucket {
	type window struct {
		key timeseries.Key
		n   int64
	}
	values := map[window][]float64{}
	var order []window
	for _, s := range m.scan(q) {
		if !s.Usage.Has(d.Resource) {
			continue
		}
		w := window{s.Key, s.Time.UnixMilli() / d.Every.Milliseconds()}
		if values[w] == nil {
			order = append(order, w)
		}
		values[w] = append(values[w], s.Usage.Get(d.Resource))
	}
	var all []store.Bucket
	for _, w := range order {
		all = append(all, store.Bucket{Key: w.key, Start: time.UnixMilli(w.n * d.Every.Milliseconds()), Value: aggregate(values[w], d)})
	}
	return all
}

func aggregate(values []float64, d store.Downsampling) float64 {
	slices.Sort(values)
	switch n := len(values); d.Aggregate {
	case store.Max:
		return values[n-1]
	case store.Mean:
		total := 0.0
		for _, v := range values {
			total += v
		}
		return total / float64(n)
	default: // the straight line through the points (i/(n-1), values[i])
		for i := range n - 1 {
			if low, high := float64(i)/float64(n-1), float64(i+1)/float64(n-1); d.P >= low && d.P < high {
				return values[i] + (values[i+1]-values[i])*(d.P-low)/(high-low)
			}
		}
		return values[n-1]
	}
}

// testModel writes, deletes and asks at random, and holds every answer against
// the map. Each round has a source of its own, so that it need not start empty.
func testModel(t *testing.T, h store.History) {
	round := 0
	rapid.Check(t, func(t *rapid.T) {
		round++
		source := fmt.Sprintf("round %d", round)
		m := model{}
		for range rapid.IntRange(1, 4).Draw(t, "batches") {
			batch := rapid.SliceOfN(anySample(source), 0, 20).Draw(t, "batch")
			if err := h.Write(t.Context(), batch); err != nil {
				t.Fatalf("write: %v", err)
			}
			m.write(batch)
			q := anyQuery(source).Draw(t, "query")
			holdsLike(t, h, m, q)
		}
	})
}

// holdsLike asks one question, chosen at random, and holds the answer against
// the model.
func holdsLike(t *rapid.T, h store.History, m model, q store.Query) {
	want := m.scan(q)
	switch rapid.SampledFrom([]string{"scan", "count", "series", "downsample"}).Draw(t, "question") {
	case "scan":
		var got []timeseries.Sample
		for s, err := range h.Scan(t.Context(), q) {
			if err != nil {
				t.Fatalf("scan: %v", err)
			}
			got = append(got, s)
		}
		if err := equalSamples(got, want); err != nil {
			t.Fatalf("scan: %v", err)
		}
	case "count":
		if n, err := h.Count(t.Context(), q); err != nil || n != int64(len(want)) {
			t.Fatalf("count: %d, %v; want %d", n, err, len(want))
		}
	case "series":
		if stats, err := h.Series(t.Context(), q); err != nil || !slices.EqualFunc(stats, seriesOf(want), equalStat) {
			t.Fatalf("series: %v, %v; want %v", stats, err, seriesOf(want))
		}
	case "downsample":
		d := anyDownsampling().Draw(t, "downsampling")
		var got []store.Bucket
		for b, err := range h.Downsample(t.Context(), q, d) {
			if err != nil {
				t.Fatalf("downsample: %v", err)
			}
			got = append(got, b)
		}
		if want := m.downsample(q, d); !equalBuckets(got, want) {
			t.Fatalf("downsample: %v, want %v", got, want)
		}
	}
}

var (
	someWorkloads = []string{"a", "b", "a b", "b,c=d"}
	someClasses   = []workload.Class{"", "batch"}
	someNodes     = []string{"", "n 1"}
	someResources = []resource.Name{resource.CPU, resource.Memory, "slots", "x/y"}
)

func anySample(source string) *rapid.Generator[timeseries.Sample] {
	vector := func(t *rapid.T, atLeast int, label string) (v resource.Vector) {
		for _, n := range rapid.SliceOfN(rapid.SampledFrom(someResources), atLeast, 3).Draw(t, label) {
			v = v.With(n, rapid.Float64Range(0, 1e12).Draw(t, "amount"))
		}
		return v
	}
	return rapid.Custom(func(t *rapid.T) timeseries.Sample {
		return timeseries.Sample{
			Key: timeseries.Key{
				Workload: rapid.SampledFrom(someWorkloads).Draw(t, "workload"),
				Class:    rapid.SampledFrom(someClasses).Draw(t, "class"),
				Node:     rapid.SampledFrom(someNodes).Draw(t, "node"),
				Source:   source,
			},
			Time:  someTime(t),
			Usage: vector(t, 1, "usage"),
			Limit: vector(t, 0, "limit"),
		}
	})
}

func someTime(t *rapid.T) time.Time {
	return start.Add(time.Duration(rapid.IntRange(-20, 20).Draw(t, "time")) * 250 * time.Millisecond)
}

func anyQuery(source string) *rapid.Generator[store.Query] {
	return rapid.Custom(func(t *rapid.T) store.Query {
		q := store.Query{
			Sources:   []string{source},
			Workloads: rapid.SliceOfN(rapid.SampledFrom(someWorkloads), 0, 2).Draw(t, "workloads"),
			Classes:   rapid.SliceOfN(rapid.SampledFrom(someClasses), 0, 1).Draw(t, "classes"),
			Nodes:     rapid.SliceOfN(rapid.SampledFrom(someNodes), 0, 1).Draw(t, "nodes"),
		}
		if rapid.Bool().Draw(t, "has from") {
			q.Window.From = someTime(t)
		}
		if rapid.Bool().Draw(t, "has to") {
			q.Window.To = someTime(t)
		}
		if q.Window.Validate() != nil {
			q.Window.To = time.Time{}
		}
		return q
	})
}

func anyDownsampling() *rapid.Generator[store.Downsampling] {
	return rapid.Custom(func(t *rapid.T) store.Downsampling {
		return store.Downsampling{
			Resource:  rapid.SampledFrom(someResources).Draw(t, "resource"),
			Every:     rapid.SampledFrom([]time.Duration{time.Millisecond, 333 * time.Millisecond, time.Second, time.Hour, 24 * time.Hour}).Draw(t, "every"),
			Aggregate: rapid.SampledFrom([]store.Aggregate{store.Max, store.Mean, store.Quantile}).Draw(t, "aggregate"),
			P:         rapid.Float64Range(0, 1).Draw(t, "p"),
		}
	})
}
