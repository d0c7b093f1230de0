package storetest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

func testEmpty(t *testing.T, h store.History) {
	write(t, h) // an empty batch is no error
	holds(t, h, store.Query{})
	holds(t, h, store.Query{Workloads: []string{"a"}, Window: timeseries.Window{From: at(0), To: at(1)}})
	d := store.Downsampling{Resource: resource.CPU, Every: time.Hour, Aggregate: store.Max}
	if got := collect(t, h.Downsample(t.Context(), store.Query{}, d)); len(got) > 0 {
		t.Errorf("downsample: %v", got)
	}
	if n, err := h.DeleteBefore(t.Context(), at(0)); n != 0 || err != nil {
		t.Errorf("delete: %d, %v", n, err)
	}
}

func testWriteTwice(t *testing.T, h store.History) {
	a, b, c := sample("a", 0, 1), sample("a", 5, 2), sample("b", 0, 3)
	write(t, h, a, b)
	write(t, h, a, b)
	write(t, h, b, c, c)
	holds(t, h, store.Query{}, a, b, c)

	changed := sample("a", 5, 9)
	write(t, h, changed)
	holds(t, h, store.Query{}, a, changed, c)

	first, last := sample("c", 0, 1), sample("c", 0, 2)
	write(t, h, first, last) // the later in the batch wins too
	holds(t, h, store.Query{Workloads: []string{"c"}}, last)
}

func testMerge(t *testing.T, h store.History) {
	cpu, memory := sample("a", 0, 1), sample("a", 0, 0)
	cpu.Usage = cpu.Usage.With("licence/x", 1).With("licence/y", 2)
	memory.Usage = resource.Vector{}.With(resource.Memory, 2e9).With("licence/y", 3)
	memory.Limit = resource.Vector{}.With(resource.Memory, 4e9).With("licence/z", 4)
	write(t, h, cpu)
	write(t, h, memory)

	both := cpu
	both.Usage = both.Usage.With(resource.Memory, 2e9).With("licence/y", 3)
	both.Limit = memory.Limit
	holds(t, h, store.Query{}, both)
}

func testRefusals(t *testing.T, h store.History) {
	good := sample("good", 0, 1)
	write(t, h, good)
	for name, spoil := range map[string]func(*timeseries.Sample){
		"no workload":      func(s *timeseries.Sample) { s.Key.Workload = "" },
		"no usage":         func(s *timeseries.Sample) { s.Usage = resource.Vector{} },
		"no time":          func(s *timeseries.Sample) { s.Time = time.Time{} },
		"time too far":     func(s *timeseries.Sample) { s.Time = time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC) },
		"NaN":              func(s *timeseries.Sample) { s.Usage = s.Usage.With(resource.CPU, math.NaN()) },
		"infinite":         func(s *timeseries.Sample) { s.Limit = s.Limit.With(resource.CPU, math.Inf(1)) },
		"negative":         func(s *timeseries.Sample) { s.Usage = s.Usage.With(resource.CPU, -1) },
		"resource's name":  func(s *timeseries.Sample) { s.Usage = s.Usage.With("No!", 1) },
		"workload not UTF": func(s *timeseries.Sample) { s.Key.Workload = "\xff" },
		"NUL in node":      func(s *timeseries.Sample) { s.Key.Node = "a\x00b" },
		"long source":      func(s *timeseries.Sample) { s.Key.Source = strings.Repeat("x", 2000) },
	} {
		bad := sample("bad", 0, 1)
		spoil(&bad)
		refused(t, name, h.Write(t.Context(), []timeseries.Sample{bad}))
	}
	holds(t, h, store.Query{}, good)
}

func testBatchReuse(t *testing.T, h store.History) {
	batch := []timeseries.Sample{sample("a", 0, 1), sample("a", 1, 2)}
	want := slices.Clone(batch)
	write(t, h, batch...)
	clear(batch)
	holds(t, h, store.Query{}, want...)
}

// testLargeBatch writes one batch that is larger than any buffer on the way, of
// several shapes of samples.
func testLargeBatch(t *testing.T, h store.History) {
	const workloads, each = 7, 3000
	var batch []timeseries.Sample
	for i := range each { // in the order of time, as it comes from a live fleet
		for w := range workloads {
			s := sample(fmt.Sprintf("w%d", w), float64(i), float64(i*w)/8)
			if w%2 == 0 {
				s.Limit = resource.Of(4, 8e9)
			}
			if w%3 == 0 {
				s.Usage = s.Usage.With(resource.Memory, float64(i)*1024)
			}
			if i%100 == 0 {
				s.Usage = s.Usage.With("slots", float64(i))
			}
			batch = append(batch, s)
		}
	}
	write(t, h, batch...)
	slices.SortStableFunc(batch, func(a, b timeseries.Sample) int { return a.Key.Compare(b.Key) })
	holds(t, h, store.Query{}, batch...)
	holds(t, h, store.Query{Workloads: []string{"w3"}}, batch[3*each:4*each]...)
}

func testAmounts(t *testing.T, h store.History) {
	var want []timeseries.Sample
	for i, x := range []float64{
		0, 1, 0.1, 1.0 / 3, 0.1 + 0.2, 1e-300, 5e-324, 1e22, 1e21 + 1, 123456789.123456789,
		1<<53 - 1, 1 << 53, 1<<53 + 2, 1 << 62, 1 << 63, 1 << 64, math.MaxFloat64, math.Nextafter(1, 2),
	} {
		s := sample("a", float64(i), x)
		s.Usage = s.Usage.With(resource.Memory, x).With("custom", x)
		s.Limit = s.Limit.With(resource.Network, x).With("custom", x)
		want = append(want, s)
	}
	write(t, h, want...)
	holds(t, h, store.Query{}, want...)
}

func testAbsent(t *testing.T, h store.History) {
	var want []timeseries.Sample
	for i, n := range append(resource.Standard(), "custom", "a", "a.b/c-d_9") {
		s := timeseries.Sample{Key: key("a"), Time: at(float64(i)), Usage: resource.Vector{}.With(n, 0)}
		if i%2 == 0 {
			s.Limit = resource.Vector{}.With(n, 0)
		}
		want = append(want, s)
	}
	all := timeseries.Sample{Key: key("b"), Time: at(0)}
	for i, n := range append(resource.Standard(), "x", "y", "z") {
		all.Usage, all.Limit = all.Usage.With(n, float64(i)), all.Limit.With(n, float64(i+1))
	}
	want = append(want, all)
	write(t, h, want...)
	holds(t, h, store.Query{}, want...)
}
