package journal

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// BenchmarkDurablePlace measures reservations that are on disk when they are
// answered, on a fleet too small to make the search count.
func BenchmarkDurablePlace(b *testing.B) {
	for _, callers := range []int{1, 8, 128} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) { placeDurably(b, callers) })
	}
}

func placeDurably(b *testing.B, callers int) {
	s, j, err := openService(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	for i := range 64 {
		if err := s.RegisterNode(context.Background(), fleet.Node{Name: fmt.Sprintf("n%d", i), Capacity: resource.Of(1e6, 1e6*gib)}); err != nil {
			b.Fatal(err)
		}
	}
	var last atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	before := processSeconds(b)
	for range callers {
		all.Go(func() {
			for id := last.Add(1); id <= int64(b.N); id = last.Add(1) {
				w := &workload.Workload{ID: fmt.Sprintf("w%d", id), Class: workload.Service, Requests: resource.Of(1, gib)}
				d, err := s.Place(context.Background(), ledger.Request{ID: w.ID, Workload: w})
				if err != nil || d.Node == "" {
					b.Error(d.Reason, err)
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "placements/s")
	b.ReportMetric((processSeconds(b)-before)*1e6/float64(b.N), "cpu-us/placement")
	reserved := 0
	for r, err := range j.Replay() {
		if err != nil {
			b.Fatal(err)
		}
		if r.Kind == ledger.WorkloadReserved {
			reserved++
		}
	}
	if reserved != b.N {
		b.Fatalf("%d reservations on disk, want %d", reserved, b.N)
	}
}

// processSeconds returns the CPU time this process has used.
func processSeconds(tb testing.TB) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// BenchmarkEncode writes and reads one full reservation.
func BenchmarkEncode(b *testing.B) {
	r := full()[3]
	var data []byte
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var err error
			if data, err = encode(data[:0], &r); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(data)), "bytes/record")
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		var back ledger.Record
		for b.Loop() {
			var err error
			if back, err = decode(data); err != nil || back.Seq != r.Seq {
				b.Fatal(err)
			}
		}
	})
}
