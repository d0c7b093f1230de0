package gbdt

import (
	"fmt"
	"syscall"
	"testing"
	"time"
)

func BenchmarkFit(b *testing.B) {
	for _, rows := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			const q = 0.9
			train := synthetic(rows, 34, 1)
			test := synthetic(20_000, 34, 2)
			worst := constantLoss(test, q)
			for b.Loop() {
				m := mustFit(b, train, nil, Options{Quantiles: []float64{q}, Trees: 100})
				if trees := m.Trees()[0]; trees != 100 {
					b.Fatalf("%d trees, want 100", trees)
				}
				if loss := meanLoss(test, mustPredict(b, m, test), q, 0, 1); loss > 0.6*worst {
					b.Fatalf("loss %v, a constant has %v", loss, worst)
				}
			}
		})
	}
}

func BenchmarkPredict(b *testing.B) {
	const width, rows = 34, 4096
	train := synthetic(20_000, width, 1)
	test := synthetic(rows, width, 2)
	flat := rowMajor(test)
	for _, trees := range []int{100, 200} {
		m := mustFit(b, train, nil, Options{Quantiles: []float64{0.9}, Trees: trees})
		want := mustPredict(b, m, test)
		for _, batch := range []int{1, rows} {
			b.Run(fmt.Sprintf("trees=%d/batch=%d", trees, batch), func(b *testing.B) {
				out := make([]float32, batch)
				before := cpuTime(b)
				for b.Loop() {
					if err := m.Predict(flat[:batch*width], out); err != nil {
						b.Fatal(err)
					}
				}
				spent := cpuTime(b) - before
				for i := range out {
					if out[i] != want[i] {
						b.Fatalf("row %d: %v, want %v", i, out[i], want[i])
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/row")
				b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N*batch), "cpu-ns/row")
			})
		}
	}
}

// cpuTime is the processor time of all threads so far: unlike wall time it is not that of others on the machine.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func rowMajor(d *Dataset) []float32 {
	var flat []float32
	for i := range d.Rows() {
		for _, column := range d.Columns {
			flat = append(flat, column[i])
		}
	}
	return flat
}
