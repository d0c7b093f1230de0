package collector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/auspex-project/auspex/internal/wal/waltest"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

var (
	errDown    = errors.New("connection refused")
	errRefused = errors.New("field type conflict")
)

// fakeStore holds samples in memory. Like a real one it may have stored a part
// of a batch when it fails.
type fakeStore struct {
	mu       sync.Mutex
	samples  map[string]timeseries.Sample // by identity
	writes   int
	failures int
	down     bool
	refuses  func(*timeseries.Sample) bool
}

func newStore() *fakeStore { return &fakeStore{samples: map[string]timeseries.Sample{}} }

func identity(s *timeseries.Sample) string { return fmt.Sprint(s.Key, s.Time.UnixMilli()) }

func (f *fakeStore) Write(_ context.Context, samples []timeseries.Sample) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes++
	var err error
	stored := len(samples)
	switch {
	case f.down:
		err, stored = errDown, rand.IntN(len(samples)+1)
	case f.refuses != nil && slices.ContainsFunc(samples, func(s timeseries.Sample) bool { return f.refuses(&s) }):
		err, stored = fmt.Errorf("write: %w", errRefused), 0
	}
	if err != nil {
		f.failures++
	}
	for _, s := range samples[:stored] {
		f.samples[identity(&s)] = s
	}
	return err
}

func (f *fakeStore) setDown(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
}

func (f *fakeStore) identities() map[string]bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := map[string]bool{}
	for id := range f.samples {
		all[id] = true
	}
	return all
}

// harness is a collector on a disk in memory, with its metrics and log.
type harness struct {
	*Collector
	store    *fakeStore
	disk     *waltest.Disk
	registry *prometheus.Registry
	log      *bytes.Buffer
}

func start(t testing.TB, store *fakeStore, disk *waltest.Disk, o Options) *harness {
	t.Helper()
	h := &harness{store: store, disk: disk, registry: prometheus.NewRegistry(), log: &bytes.Buffer{}}
	o.Dir, o.FS, o.Registerer = "spool", disk, h.registry
	o.IsRefusal = func(err error) bool { return errors.Is(err, errRefused) }
	o.Logger = slog.New(slog.NewTextHandler(h.log, nil))
	c, err := Open(store, o)
	if err != nil {
		t.Fatal(err)
	}
	h.Collector = c
	return h
}

// running runs the collector until the returned function is called.
func (h *harness) running(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { h.Run(ctx) })
	return func() {
		cancel()
		wg.Wait()
	}
}

func (h *harness) metric(t testing.TB, name string) float64 {
	t.Helper()
	families, err := h.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "auspex_collector_"+name {
			continue
		}
		sum := 0.0
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
		return sum
	}
	t.Fatalf("no metric %s", name)
	return 0
}

func (h *harness) wantMetrics(t testing.TB, want map[string]int) {
	t.Helper()
	for name, value := range want {
		if got := h.metric(t, name); got != float64(value) {
			t.Errorf("%s is %g, want %d", name, got, value)
		}
	}
}

// series returns n samples of one workload, a second apart.
func series(id string, from time.Time, n int) []timeseries.Sample {
	out := make([]timeseries.Sample, n)
	for i := range out {
		out[i] = timeseries.Sample{
			Key:   timeseries.Key{Workload: id, Class: workload.Batch, Source: "test"},
			Time:  from.Add(time.Duration(i) * time.Second),
			Usage: resource.Of(float64(i), 1<<20),
		}
	}
	return out
}

func mustAccept(t testing.TB, c *Collector, samples []timeseries.Sample) {
	t.Helper()
	if n, err := c.Accept(t.Context(), samples, nil); err != nil || n != len(samples) {
		t.Fatalf("accepted %d of %d: %v", n, len(samples), err)
	}
}

var past = time.Date(1999, 5, 1, 12, 0, 0, 0, time.UTC)

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

func TestStoreDownForAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, newStore(), waltest.NewDisk(1<<30), Options{})
		stop := h.running(t.Context())
		h.store.setDown(true)
		want := map[string]bool{}
		for range 360 {
			batch := series("live", time.Now(), 5)
			for i := range batch {
				want[identity(&batch[i])] = true
			}
			mustAccept(t, h.Collector, batch)
			time.Sleep(10 * time.Second)
		}
		if d := h.metric(t, "spool_samples"); d != 1800 {
			t.Errorf("%g samples wait, want 1800", d)
		}
		// With pauses of 15 to 30 s an hour holds 120 to 240 attempts, and a few more at its start.
		if n := h.store.failures; n < 120 || n > 250 {
			t.Errorf("%d attempts in an hour", n)
		}
		h.store.setDown(false)
		if err := h.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop()
		if got := h.store.identities(); !maps.Equal(got, want) {
			t.Errorf("%d samples in the store, want the %d accepted", len(got), len(want))
		}
		h.wantMetrics(t, map[string]int{"store_errors_total": h.store.failures, "shipped_samples_total": 1800})
		if !strings.Contains(h.log.String(), "the store takes samples again") {
			t.Error("the recovery was not logged")
		}
	})
}

func TestRunAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, newStore(), waltest.NewDisk(1<<30), Options{BatchSamples: 10})
		mustAccept(t, h.Collector, series("w", past, 100))
		h.store.setDown(true)
		for range 3 {
			stop := h.running(t.Context())
			time.Sleep(time.Minute)
			stop()
		}
		h.store.samples = map[string]timeseries.Sample{}
		h.store.setDown(false)
		stop := h.running(t.Context())
		if err := h.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop()
		if n := len(h.store.samples); n != 100 {
			t.Errorf("%d samples in the store, want 100", n)
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

func TestFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := waltest.NewDisk(30 << 10)
		h := start(t, newStore(), disk, Options{MaxBytes: 64 << 10})
		want := map[string]bool{}
		var full error
		for _, s := range series("w", past, 1000) {
			_, err := h.Accept(t.Context(), []timeseries.Sample{s}, nil)
			if err == nil {
				want[identity(&s)] = true
			} else {
				full = err
			}
		}
		if !errors.Is(full, syscall.ENOSPC) || len(want) < 100 || len(want) > 900 {
			t.Fatalf("accepted %d, last error %v", len(want), full)
		}
		// The store takes what is there although nothing can be written, and that makes space.
		stop := h.running(t.Context())
		if err := h.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := h.store.identities(); !maps.Equal(got, want) {
			t.Errorf("%d samples in the store, want %d", len(got), len(want))
		}
		mustAccept(t, h.Collector, series("after", past, 5))

		// A source waits as long as the disk is full.
		disk.SetFree(0)
		time.AfterFunc(10*time.Minute, func() { disk.SetFree(1 << 20) })
		began := time.Now()
		if err := h.Emit(t.Context(), series("waited", past, 5)); err != nil || time.Since(began) < 10*time.Minute {
			t.Errorf("emit on a full disk: %v after %v", err, time.Since(began))
		}
		if err := h.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop()
		if got := len(h.store.samples); got != len(want)+10 {
			t.Errorf("%d samples in the store, want %d", got, len(want)+10)
		}
		disk.SetFree(0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := h.Emit(ctx, series("never", past, 50)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("emit on a disk that stays full: %v", err)
		}
		h.Close()
		h = start(t, h.store, disk, Options{MaxBytes: 64 << 10}) // a restart needs no space
		h.Close()
	})
}

// An operator has emptied the spool by hand: what comes after is not taken for
// what had been shipped.
func TestSpoolFilesRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, newStore(), waltest.NewDisk(1<<30), Options{})
		for _, id := range []string{"before", "after"} {
			stop := h.running(t.Context())
			mustAccept(t, h.Collector, series(id, past, 100))
			if err := h.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			stop()
			h.Close()
			names, _ := h.disk.Files("spool")
			for _, name := range names {
				if strings.HasSuffix(name, ".wal") {
					if err := h.disk.Remove(name); err != nil {
						t.Fatal(err)
					}
				}
			}
			h = start(t, h.store, h.disk, Options{})
		}
		h.Close()
		if n := len(h.store.samples); n != 200 {
			t.Errorf("%d samples in the store, want 200", n)
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

// Bytes are no samples: a segment of which nobody knows what it held adds to no
// count, and what can be read behind a damaged header is shipped.
func TestUnreadableSpoolIsNotCounted(t *testing.T) {
	tests := []struct {
		name    string
		zeroed  int // bytes at the beginning of the segment; -1 is all
		shipped bool
		want    int // samples shipped after the damage, besides the new ones
	}{
		{"header, all shipped", 24, true, 0},
		{"all, all shipped", -1, true, 0},
		{"header, none shipped", 24, false, 100},
		{"all, none shipped", -1, false, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := waltest.NewDisk(1 << 30)
				h := start(t, newStore(), disk, Options{})
				for batch := range slices.Chunk(series("w", past, 100), 10) {
					mustAccept(t, h.Collector, batch)
				}
				if test.shipped {
					stop := h.running(t.Context())
					if err := h.Drain(t.Context()); err != nil {
						t.Fatal(err)
					}
					stop()
				}
				h.Close()
				names, contents := disk.Files("spool")
				segment := names[slices.IndexFunc(names, func(n string) bool { return strings.HasSuffix(n, ".wal") })]
				zeroed := test.zeroed
				if zeroed < 0 {
					zeroed = len(contents[segment])
				}
				clear(contents[segment][:zeroed])
				disk.Put(segment, contents[segment])

				h = start(t, h.store, disk, Options{})
				if d := h.Depth(); d != int64(test.want) {
					t.Errorf("%d samples wait, want %d", d, test.want)
				}
				mustAccept(t, h.Collector, series("new", past, 10))
				h.Close()
				h = start(t, h.store, disk, Options{}) // there is a segment behind the damaged one now
				if d := h.Depth(); d != int64(test.want+10) {
					t.Errorf("%d samples wait after a restart, want %d", d, test.want+10)
				}
				stop := h.running(t.Context())
				if err := h.Drain(t.Context()); err != nil {
					t.Fatal(err)
				}
				stop()
				h.wantMetrics(t, map[string]int{"damaged_samples_total": 0, "shipped_samples_total": test.want + 10, "spool_samples": 0})
				h.Close()
			})
		})
	}
}

func TestDamagedSpoolCostsTheDamagedFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := waltest.NewDisk(1 << 30)
		h := start(t, newStore(), disk, Options{})
		for batch := range slices.Chunk(series("w", past, 100), 10) {
			mustAccept(t, h.Collector, batch)
		}
		h.Close()
		names, contents := disk.Files("spool")
		segment := names[slices.IndexFunc(names, func(n string) bool { return strings.HasSuffix(n, ".wal") })]
		contents[segment][2000] ^= 1
		disk.Put(segment, contents[segment])

		h = start(t, h.store, disk, Options{})
		stop := h.running(t.Context())
		if err := h.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop()
		h.wantMetrics(t, map[string]int{"damaged_samples_total": 10, "shipped_samples_total": 90, "spool_samples": 0})
		if !strings.Contains(h.log.String(), segment) {
			t.Error("the log does not name the damaged file")
		}
	})
}

// The clock steps back a day between two runs, and samples go back in time within
// one: nothing that was accepted is judged again, lost or doubled.
func TestClockStepsBack(t *testing.T) {
	disk, store := waltest.NewDisk(1<<30), newStore()
	want := map[string]bool{}
	accept := func(t *testing.T, c *Collector, samples []timeseries.Sample) {
		mustAccept(t, c, samples)
		for i := range samples {
			want[identity(&samples[i])] = true
		}
	}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(24 * time.Hour)
		h := start(t, store, disk, Options{})
		accept(t, h.Collector, series("w", time.Now(), 10))
		h.Close()
	})
	synctest.Test(t, func(t *testing.T) { // a bubble's clock starts anew: a day earlier
		h := start(t, store, disk, Options{})
		stop := h.running(t.Context())
		accept(t, h.Collector, series("w", time.Now(), 10))
		accept(t, h.Collector, series("w", time.Now().Add(-time.Hour), 10))
		if n, _ := h.Accept(t.Context(), series("w", time.Now().Add(time.Hour), 1), nil); n != 0 {
			t.Error("a sample of the future was accepted")
		}
		if err := h.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop()
	})
	if got := store.identities(); !maps.Equal(got, want) {
		t.Errorf("%d samples in the store, want the %d accepted", len(got), len(want))
	}
}

// Power fails at random moments while the store comes and goes: in the end the
// store holds what was accepted, once.
func TestPowerFailsWhileStoreComesAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 2))
		disk, store := waltest.NewDisk(1<<30), newStore()
		accepted, attempted := map[string]bool{}, map[string]bool{}
		next := past
		for round := range 100 {
			h := start(t, store, disk, Options{BatchSamples: 1 + random.IntN(200)})
			stop := h.running(t.Context())
			for range random.IntN(20) {
				store.setDown(random.IntN(2) == 0)
				samples := series("w", next, 1+random.IntN(100))
				next = next.Add(time.Duration(len(samples)) * time.Second)
				for i := range samples {
					attempted[identity(&samples[i])] = true
				}
				if random.IntN(10) == 0 {
					disk.FailSyncs(syscall.EIO)
				}
				if _, err := h.Accept(t.Context(), samples, nil); err == nil {
					for i := range samples {
						accepted[identity(&samples[i])] = true
					}
				}
				disk.FailSyncs(nil)
				time.Sleep(time.Duration(random.IntN(2000)) * time.Millisecond)
			}
			if round%2 == 0 {
				disk.Crash(random.IntN(200))
			}
			stop()
			h.Close()
		}
		store.setDown(false)
		h := start(t, store, disk, Options{})
		stop := h.running(t.Context())
		if err := h.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop()
		got := store.identities()
		for id := range accepted {
			if !got[id] {
				t.Fatalf("accepted and lost: %s", id)
			}
		}
		for id := range got {
			if !attempted[id] {
				t.Fatalf("in the store and never handed in: %s", id)
			}
		}
		if len(accepted) < 20_000 || store.failures < 100 {
			t.Errorf("only %d samples and %d failed writes", len(accepted), store.failures)
		}
		t.Logf("%d accepted, %d in the store, %d of %d writes failed", len(accepted), len(got), store.failures, store.writes)
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

func TestBackoff(t *testing.T) {
	b := newBackoff(time.Second, 30*time.Second)
	for i := range 200 {
		whole := min(time.Second<<min(i, 10), 30*time.Second)
		if d := b.next(); d < whole/2 || d > whole {
			t.Fatalf("pause %d is %v, want %v to %v", i, d, whole/2, whole)
		}
	}
	b.reset()
	if d := b.next(); d > time.Second {
		t.Errorf("pause after reset is %v", d)
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
