package collector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/auspex-project/auspex/internal/wal/waltest"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

func TestAcceptRefusesOneByOne(t *testing.T) {
	h := start(t, newStore(), waltest.NewDisk(1<<30), Options{MaxClockSkew: time.Minute, Custom: []resource.Name{"licences"}})
	good := series("good", past, 1)[0]
	bad := func(change func(*timeseries.Sample)) timeseries.Sample {
		s := good
		change(&s)
		return s
	}
	tests := []struct {
		sample timeseries.Sample
		reason Reason // "" is accepted
		text   string
	}{
		{good, "", ""},
		{bad(func(s *timeseries.Sample) { s.Key.Workload = "" }), NoWorkload, "no workload"},
		{bad(func(s *timeseries.Sample) { s.Key.App = "a\x00b" }), BadLabel, "app"},
		{bad(func(s *timeseries.Sample) { s.Key.Workload = "n\nn" }), BadLabel, `"n\nn" holds a control character`},
		{bad(func(s *timeseries.Sample) { s.Key.Class = "a\x1b[31m" }), BadLabel, "control character"},
		{bad(func(s *timeseries.Sample) { s.Key.Node = "a\u202eb" }), BadLabel, "control character"},
		{bad(func(s *timeseries.Sample) { s.Key.App = "söke 漢字 🚀" }), "", ""},
		{bad(func(s *timeseries.Sample) { s.Time = time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC) }), BadTime, "not after 1970"},
		{bad(func(s *timeseries.Sample) { s.Key.Node = "\xff" }), BadLabel, "not valid UTF-8"},
		{bad(func(s *timeseries.Sample) { s.Key.Queue = strings.Repeat("q", 2000) }), BadLabel, "longer than 1024 bytes"},
		{bad(func(s *timeseries.Sample) { s.Time = time.Time{} }), BadTime, "not after 1970"},
		{bad(func(s *timeseries.Sample) { s.Time = time.Now().Add(2 * time.Minute) }), Future, "in the future"},
		{bad(func(s *timeseries.Sample) { s.Time = time.Now().Add(30 * time.Second) }), "", ""},
		{bad(func(s *timeseries.Sample) { s.Usage = resource.Vector{} }), NoUsage, "no usage"},
		{bad(func(s *timeseries.Sample) { s.Usage = resource.Of(math.NaN(), 1) }), NotFinite, "cpu is NaN"},
		{bad(func(s *timeseries.Sample) { s.Usage = resource.Of(1, math.Inf(1)) }), NotFinite, "memory is infinite"},
		{bad(func(s *timeseries.Sample) { s.Limit = resource.Of(math.NaN(), 1) }), NotFinite, "limit"},
		{bad(func(s *timeseries.Sample) { s.Usage = resource.Of(1e300, 1) }), TooLarge, "want at most 1e+36"},
		{bad(func(s *timeseries.Sample) { s.Usage = resource.Of(-1, 1) }), Negative, "cpu is negative"},
		{bad(func(s *timeseries.Sample) { s.Usage = s.Usage.With("licences", 3) }), "", ""},
		{bad(func(s *timeseries.Sample) { s.Usage = s.Usage.With("megabytes", 3) }), UnknownResource, `"megabytes" is neither`},
		{bad(func(s *timeseries.Sample) { s.Limit = s.Limit.With("MiB", 3) }), UnknownResource, `"MiB" is neither`},
		{good, "", ""},
	}
	samples := make([]timeseries.Sample, len(tests))
	want := map[Reason]int{}
	accepted := 0
	for i, test := range tests {
		samples[i] = test.sample
		if want[test.reason]++; test.reason == "" {
			accepted++
		}
	}
	refused := map[int]string{}
	n, err := h.Accept(t.Context(), samples, func(i int, reason string) { refused[i] = reason })
	if err != nil || n != accepted {
		t.Fatalf("accepted %d, %v; want %d", n, err, accepted)
	}
	for i, test := range tests {
		if text, no := refused[i]; no != (test.reason != "") || !strings.Contains(text, test.text) {
			t.Errorf("sample %d: refused %q, want %q", i, text, test.text)
		}
	}
	for _, r := range reasons {
		got, err := h.metrics.refused.GetMetricWithLabelValues(string(r))
		if err != nil {
			t.Fatal(err)
		}
		if v := counterValue(t, got); v != float64(want[r]) {
			t.Errorf("refused{reason=%s} is %g, want %d", r, v, want[r])
		}
		if want[r] == 0 {
			t.Errorf("no test of reason %s", r)
		}
	}
	h.wantMetrics(t, map[string]int{"accepted_samples_total": accepted, "spool_samples": accepted})

	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Accept(canceled, samples, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("accept with an ended context: %v", err)
	}
	h.Close()
	if _, err := h.Accept(t.Context(), samples, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("accept after close: %v", err)
	}
}

func counterValue(t testing.TB, c prometheus.Collector) float64 {
	t.Helper()
	r := prometheus.NewRegistry()
	r.MustRegister(c)
	families, err := r.Gather()
	if err != nil || len(families) != 1 {
		t.Fatal(families, err)
	}
	return families[0].GetMetric()[0].GetCounter().GetValue()
}

func TestShipsAndForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, newStore(), waltest.NewDisk(1<<30), Options{BatchSamples: 100, MaxBytes: 64 << 10})
		stop := h.running(t.Context())
		for i := range 50 {
			mustAccept(t, h.Collector, series(fmt.Sprint("w", i), past, 100))
			if err := h.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(h.store.samples); n != 5000 {
			t.Errorf("%d samples in the store, want 5000", n)
		}
		h.wantMetrics(t, map[string]int{
			"shipped_samples_total": 5000, "spool_samples": 0, "dropped_oldest_samples_total": 0,
			"store_errors_total": 0, "spool_max_bytes": 64 << 10, "ship_latency_seconds": h.store.writes,
		})
		if b := h.metric(t, "spool_bytes"); b > 20<<10 {
			t.Errorf("%g bytes are left in the spool", b)
		}
		stop()
		h.Close()

		again := start(t, h.store, h.disk, Options{})
		defer again.Close()
		if again.Depth() != 0 {
			t.Errorf("%d samples wait after a restart, want 0", again.Depth())
		}
	})
}

func TestBoundTakesTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, newStore(), waltest.NewDisk(1<<30), Options{MaxBytes: 64 << 10, BatchSamples: 10})
		const n = 5000
		all := series("w", past, n)
		for batch := range slices.Chunk(all, 10) {
			mustAccept(t, h.Collector, batch)
		}
		dropped := int(h.metric(t, "dropped_oldest_samples_total"))
		if dropped < n/2 || dropped >= n {
			t.Fatalf("dropped %d of %d", dropped, n)
		}
		stop := h.running(t.Context())
		if err := h.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop()
		want := map[string]bool{}
		for _, s := range all[dropped:] {
			want[identity(&s)] = true
		}
		if got := h.store.identities(); !maps.Equal(got, want) {
			t.Errorf("%d samples in the store, want the newest %d", len(got), len(want))
		}
		if !strings.Contains(h.log.String(), "spool reached its bound; the oldest samples are lost") {
			t.Error("the loss was not logged")
		}
	})
}

// A source that can wait loses nothing to the bound.
func TestEmitPacedWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, newStore(), waltest.NewDisk(1<<30), Options{MaxBytes: 64 << 10})
		h.store.setDown(true)
		time.AfterFunc(time.Hour, func() { h.store.setDown(false) })
		stop := h.running(t.Context())
		for batch := range slices.Chunk(series("w", past, 5000), 10) {
			if err := h.EmitPaced(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
		if time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) < time.Hour {
			t.Error("the source did not wait for the store")
		}
		if err := h.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop()
		if len(h.store.samples) != 5000 || h.metric(t, "dropped_oldest_samples_total") != 0 {
			t.Errorf("%d samples in the store, want 5000", len(h.store.samples))
		}

		h.store.setDown(true)
		for range 400 {
			mustAccept(t, h.Collector, series("x", past, 10))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := h.EmitPaced(ctx, series("y", past, 1)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("emit into a full spool: %v", err)
		}
	})
}

func TestRefusalCostsOnlyTheBadSamples(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, newStore(), waltest.NewDisk(1<<30), Options{BatchSamples: 500})
		poison := map[int64]bool{3: true, 4: true, 700: true, 999: true}
		h.store.refuses = func(s *timeseries.Sample) bool { return poison[s.Time.Unix()-past.Unix()] }
		mustAccept(t, h.Collector, series("w", past, 1000))
		stop := h.running(t.Context())
		if err := h.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop()
		if len(h.store.samples) != 996 {
			t.Errorf("%d samples in the store, want 996", len(h.store.samples))
		}
		h.wantMetrics(t, map[string]int{"rejected_samples_total": 4, "shipped_samples_total": 996, "spool_samples": 0})
		for bad := range poison {
			if want := past.Add(time.Duration(bad) * time.Second).Format("time=2006-01-02T15:04:05"); !strings.Contains(h.log.String(), want) {
				t.Errorf("the log does not name the sample lost at %s", want)
			}
		}
		if h.store.writes > 90 {
			t.Errorf("%d writes to find 4 bad samples of 1000", h.store.writes)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	for _, o := range []Options{
		{},
		{Dir: "spool", MaxBytes: 100},
		{Dir: "spool", BatchSamples: -1},
		{Dir: "spool", MinBackoff: time.Minute, MaxBackoff: time.Second},
	} {
		o.FS = waltest.NewDisk(1 << 20)
		if c, err := Open(newStore(), o); err == nil {
			c.Close()
			t.Errorf("open with %+v succeeded", o)
		}
	}
}

func BenchmarkAcceptAndShip(b *testing.B) {
	for _, size := range []int{1, 100, 5000} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			store := newStore()
			c, err := Open(countingStore{store}, Options{Dir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			ctx, cancel := context.WithCancel(b.Context())
			var wg sync.WaitGroup
			wg.Go(func() { c.Run(ctx) })
			samples := series("w", past, size)
			for b.Loop() {
				if _, err := c.Accept(ctx, samples, nil); err != nil {
					b.Fatal(err)
				}
			}
			if err := c.Drain(ctx); err != nil {
				b.Fatal(err)
			}
			cancel()
			wg.Wait()
			if store.writes != b.N*size {
				b.Fatalf("%d samples in the store, want %d", store.writes, b.N*size)
			}
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "samples/s")
		})
	}
}

// countingStore takes everything and counts samples.
type countingStore struct{ *fakeStore }

func (c countingStore) Write(_ context.Context, samples []timeseries.Sample) error {
	c.writes += len(samples)
	return nil
}
