package placement_test

import (
	"fmt"
	"runtime"
	"testing"
)

// BenchmarkMemory reports what a node and a placed workload cost in memory, the
// descriptions the caller made included.
func BenchmarkMemory(b *testing.B) {
	heap := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	const nodes = 10_000
	b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
		for range b.N {
			start := heap()
			empty, _ := openBench(b, nodes, 0)
			bare := heap()
			held, ids := openBench(b, nodes, 10)
			full := heap()
			b.ReportMetric((bare-start)/nodes, "B/node")
			b.ReportMetric((full-bare-(bare-start))/float64(len(ids)), "B/workload")
			runtime.KeepAlive(empty)
			runtime.KeepAlive(held)
		}
	})
}
