package collector

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auspex-project/auspex/internal/wal/waltest"
	"github.com/auspex-project/auspex/timeseries"
)

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
