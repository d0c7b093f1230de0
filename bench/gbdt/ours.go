package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/auspex-project/auspex/models/gbdt"
)

// ours fits and judges models/gbdt.
func ours(ctx context.Context, p plan, d *data, q float64) (result, error) {
	r := result{Name: "auspex", Quantile: q, Description: "models/gbdt, its defaults"}
	wall, cpu := time.Now(), cpuTime()
	m, err := gbdt.Fit(ctx, d.train, nil, gbdt.Options{Quantiles: []float64{q}, Trees: p.trees, MaxDepth: p.depth})
	if err != nil {
		return r, err
	}
	r.FitWall, r.FitCPU = time.Since(wall).Seconds(), (cpuTime() - cpu).Seconds()
	if n := m.Trees()[0]; n != p.trees {
		return r, fmt.Errorf("%d trees, want %d", n, p.trees)
	}

	n := d.test.Rows()
	rows, out := d.testRows(), make([]float32, n)
	cpu = cpuTime()
	if err := m.Predict(rows, out); err != nil {
		return r, err
	}
	r.PredictCPU = (cpuTime() - cpu).Seconds() / float64(n) * 1e6
	for i, y := range d.test.Targets {
		e := float64(y) - float64(out[i])
		if e <= 0 {
			r.Covered++
		}
		r.Pinball += max(q*e, (q-1)*e)
	}
	r.Covered /= float64(n)
	r.Pinball /= float64(n)
	return r, nil
}

// cpuTime is the processor time of this process so far, of all its threads.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it has no other way to fail than a wrong argument
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
