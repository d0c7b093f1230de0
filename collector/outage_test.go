package collector

import (
	"maps"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auspex-project/auspex/internal/wal/waltest"
	"github.com/auspex-project/auspex/timeseries"
)

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
