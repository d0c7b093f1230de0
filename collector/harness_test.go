package collector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
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
