package storetest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

// oddNames are hard on quoting: of SQL, of Flux, of InfluxQL, of the line
// protocol and of CSV.
var oddNames = []string{
	" ", "a b", " a ", "a,b", "a=b", ",", "=", `"`, `a"b`, `'`, `a'b`, "`", `\`, `a\`, `\\`, `a\ b`, `\n`, `\"`,
	"new\nline", "\n", "\r\n", "tab\t", "\x01", "\x7f", "#", "a#b", "%", "%41", "%00", "%_", "*", "?", ".*", "^a$", "(", ")", "[a]", "{", "}", "${a}", "$x",
	"/a/b", "a:b", "a;b", "--", "/*", "null", "NULL", "true", "0", "-1", "_field", "time",
	"ünï", "漢字", "🚀", "e\u0301", "\u00a0", "\u2028", "\ufeff", "\U0010ffff", strings.Repeat("long ", 200),
}

// testOddNames writes every odd name in every field of a key, reads it back, and
// finds it by a filter.
func testOddNames(t *testing.T, h store.History) {
	var want []timeseries.Sample
	for _, name := range oddNames {
		for _, k := range []timeseries.Key{
			{Workload: name}, {Workload: "w", App: name}, {Workload: "w", Class: workload.Class(name)},
			{Workload: "w", Queue: name}, {Workload: "w", Node: name}, {Workload: "w", Source: name},
			{Workload: name, App: name, Class: workload.Class(name), Queue: name, Node: name, Source: name},
		} {
			want = append(want, timeseries.Sample{Key: k, Time: at(0), Usage: resource.Of(1, 2)})
		}
	}
	write(t, h, want...)
	slices.SortFunc(want, inOrder)
	holds(t, h, store.Query{}, want...)

	for i, name := range oddNames {
		q := [...]store.Query{ // in turn, for they are many
			{Workloads: []string{name}}, {Classes: []workload.Class{workload.Class(name)}},
			{Nodes: []string{name}}, {Sources: []string{name}},
		}[i%4]
		got := scan(t, h, q)
		if err := equalSamples(got, matching(want, q)); err != nil || len(got) == 0 {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

// inOrder is the order of a scan.
func inOrder(a, b timeseries.Sample) int {
	return cmp.Or(a.Key.Compare(b.Key), a.Time.Compare(b.Time))
}

// matching is Query by its words.
func matching(samples []timeseries.Sample, q store.Query) []timeseries.Sample {
	var found []timeseries.Sample
	for _, s := range samples {
		if (len(q.Workloads) == 0 || slices.Contains(q.Workloads, s.Key.Workload)) &&
			(len(q.Classes) == 0 || slices.Contains(q.Classes, s.Key.Class)) &&
			(len(q.Nodes) == 0 || slices.Contains(q.Nodes, s.Key.Node)) &&
			(len(q.Sources) == 0 || slices.Contains(q.Sources, s.Key.Source)) &&
			q.Window.Contains(s.Time) {
			found = append(found, s)
		}
	}
	return found
}

func testOrder(t *testing.T, h store.History) {
	var want []timeseries.Sample
	for _, name := range []string{"A", "B", "a", "a b", "a!", "aa", "b", "b0", "b1", "b10", "b2", "ä"} {
		for _, node := range []string{"", "n1", "n2"} {
			for minute := range 4 {
				s := sample(name, float64(minute), 1)
				s.Key.Node = node
				want = append(want, s)
			}
		}
	}
	shuffled := slices.Clone(want)
	r := rand.New(rand.NewPCG(1, 2))
	r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	for batch := range slices.Chunk(shuffled, 17) {
		write(t, h, batch...)
	}
	slices.SortFunc(want, inOrder)
	holds(t, h, store.Query{}, want...)
}

func testWindow(t *testing.T, h store.History) {
	const ms = time.Millisecond
	var all []timeseries.Sample
	for _, d := range []time.Duration{-time.Hour, -ms, 0, ms, time.Second, time.Hour - ms, time.Hour, time.Hour + ms} {
		s := sample("a", 0, 1)
		s.Time = start.Add(d)
		all = append(all, s)
	}
	write(t, h, all...)
	berlin := time.FixedZone("CET", 3600)
	for _, w := range []timeseries.Window{
		{}, {From: start}, {To: start}, {From: start, To: start.Add(time.Hour)}, {From: start.Add(ms), To: start.Add(2 * ms)},
		{From: start.Add(ms / 2), To: start.Add(time.Hour + ms/2)}, {To: start.Add(1)}, {From: start.Add(1)},
		{From: start.Add(2 * ms), To: start.Add(3 * ms)}, {From: start.Add(-1000 * time.Hour), To: start.Add(1000 * time.Hour)},
		{From: start.In(berlin), To: start.Add(time.Hour).In(berlin)}, {From: time.Unix(0, 0), To: time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)},
		{From: time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC), To: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		q := store.Query{Window: w}
		holds(t, h, q, matching(all, q)...)
	}

	precise := sample("b", 0, 1)
	precise.Time = start.Add(1234567 * time.Nanosecond)
	cut := precise
	cut.Time = start.Add(ms)
	write(t, h, precise, cut) // the same sample, to the millisecond
	holds(t, h, store.Query{Workloads: []string{"b"}}, cut)
}

func testFilters(t *testing.T, h store.History) {
	var all []timeseries.Sample
	for _, name := range []string{"a", "b", "c"} {
		for _, class := range []workload.Class{"", "batch", "service"} {
			for _, node := range []string{"", "n1", "n2"} {
				for minute := range 2 {
					s := sample(name, float64(minute), 1)
					s.Key.Class, s.Key.Node, s.Key.Source = class, node, "s-"+node
					all = append(all, s)
				}
			}
		}
	}
	write(t, h, all...)
	slices.SortFunc(all, inOrder)
	for _, q := range []store.Query{
		{}, {Workloads: []string{"b"}}, {Workloads: []string{"c", "a", "no"}}, {Workloads: []string{"no"}}, {Workloads: []string{""}},
		{Workloads: []string{"a", "a"}}, {Classes: []workload.Class{"batch"}}, {Classes: []workload.Class{""}},
		{Classes: []workload.Class{"", "service"}}, {Nodes: []string{"n2"}}, {Nodes: []string{"", "n1"}},
		{Sources: []string{"s-n1", "s-"}}, {Workloads: []string{"a"}, Classes: []workload.Class{"batch"}, Nodes: []string{"n1"}, Sources: []string{"s-n1"}},
		{Nodes: []string{"n1"}, Sources: []string{"s-n2"}},
		{Workloads: []string{"a"}, Window: timeseries.Window{From: at(1)}},
	} {
		holds(t, h, q, matching(all, q)...)
	}
	many := store.Query{Workloads: []string{"b"}}
	for i := range 5000 {
		many.Workloads = append(many.Workloads, fmt.Sprint("other-", i))
	}
	holds(t, h, many, matching(all, many)...)
}

func testSeries(t *testing.T, h store.History) {
	a := []timeseries.Sample{sample("a", 0, 1), sample("a", 7, 1), sample("a", 60, 1)}
	b := sample("b", 3, 1)
	b.Usage = resource.Vector{}.With("custom", 1) // not measured by cpu
	write(t, h, a...)
	write(t, h, b)
	got, err := h.Series(t.Context(), store.Query{Window: timeseries.Window{From: at(1), To: at(60)}})
	want := []store.SeriesStat{
		{Key: key("a"), First: at(7), Last: at(7), Samples: 1},
		{Key: key("b"), First: at(3), Last: at(3), Samples: 1},
	}
	if err != nil || !slices.EqualFunc(got, want, equalStat) {
		t.Errorf("series: %v, %v; want %v", got, err, want)
	}
}

func testStopEarly(t *testing.T, h store.History) {
	for minute := range 100 {
		write(t, h, sample("a", float64(minute), 1), sample("b", float64(minute), 1))
	}
	for range 20 { // each stopped scan must give back what it holds
		n := 0
		for _, err := range h.Scan(t.Context(), store.Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == 3 {
				break
			}
		}
		d := store.Downsampling{Resource: resource.CPU, Every: time.Minute, Aggregate: store.Mean}
		for _, err := range h.Downsample(t.Context(), store.Query{}, d) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	if n, err := h.Count(t.Context(), store.Query{}); n != 200 || err != nil {
		t.Errorf("count: %d, %v", n, err)
	}
}

func testUseDuringScan(t *testing.T, h store.History) {
	write(t, h, sample("a", 0, 1), sample("b", 0, 1))
	seen := 0
	for s, err := range h.Scan(t.Context(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		seen++
		copied := s
		copied.Key.Workload = "0-before-all"
		write(t, h, copied)
		if n, err := h.Count(t.Context(), store.Query{Workloads: []string{s.Key.Workload}}); n != 1 || err != nil {
			t.Errorf("count of %s: %d, %v", s.Key.Workload, n, err)
		}
		for _, err := range h.Scan(t.Context(), store.Query{}) {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if seen != 2 {
		t.Errorf("saw %d samples, want 2", seen)
	}
}

func testBadQueries(t *testing.T, h store.History) {
	write(t, h, sample("a", 0, 1))
	backwards := store.Query{Window: timeseries.Window{From: at(1), To: at(1)}}
	_, err := h.Series(t.Context(), backwards)
	refused(t, "series", err)
	_, err = h.Count(t.Context(), backwards)
	refused(t, "count", err)
	refused(t, "scan", lastError(h.Scan(t.Context(), backwards)))
	good := store.Downsampling{Resource: resource.CPU, Every: time.Minute, Aggregate: store.Max}
	refused(t, "downsample", lastError(h.Downsample(t.Context(), backwards, good)))
	for _, bad := range []store.Downsampling{
		{Every: time.Minute, Aggregate: store.Max},
		{Resource: resource.CPU, Aggregate: store.Max},
		{Resource: resource.CPU, Every: -time.Minute, Aggregate: store.Max},
		{Resource: resource.CPU, Every: time.Microsecond, Aggregate: store.Max},
		{Resource: resource.CPU, Every: time.Minute},
		{Resource: resource.CPU, Every: time.Minute, Aggregate: "median"},
		{Resource: resource.CPU, Every: time.Minute, Aggregate: store.Quantile, P: 1.5},
	} {
		refused(t, fmt.Sprintf("downsample %+v", bad), lastError(h.Downsample(t.Context(), store.Query{}, bad)))
	}
}
