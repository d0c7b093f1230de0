package journal

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// BenchmarkDurablePlace measures reservations that are on disk when they are
// answered, from 64 callers at once, on a fleet too small to make the search
// count.
func BenchmarkDurablePlace(b *testing.B) {
	s, j, err := openService(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	for i := range 64 {
		if err := s.RegisterNode(context.Background(), fleet.Node{Name: fmt.Sprintf("n%d", i), Capacity: resource.Of(1e6, 1e6*gib)}); err != nil {
			b.Fatal(err)
		}
	}
	var id atomic.Int64
	b.SetParallelism(64)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			w := &workload.Workload{ID: fmt.Sprintf("w%d", id.Add(1)), Class: workload.Service, Requests: resource.Of(1, gib)}
			d, err := s.Place(context.Background(), placement.Request{ID: w.ID, Workload: w})
			if err != nil || d.Node == "" {
				b.Error(d.Reason, err)
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "placements/s")
	reserved := 0
	for r, err := range j.Replay() {
		if err != nil {
			b.Fatal(err)
		}
		if r.Kind == placement.WorkloadReserved {
			reserved++
		}
	}
	if reserved != b.N {
		b.Fatalf("%d reservations on disk, want %d", reserved, b.N)
	}
}
