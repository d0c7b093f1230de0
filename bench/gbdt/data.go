package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/auspex-project/auspex/models/gbdt"
)

// data is rows to learn from and rows to be judged on.
type data struct{ train, test *gbdt.Dataset }

// data draws made-up rows, or reads those of the trace.
func (p plan) data(ctx context.Context, seed uint64) (*data, error) {
	if p.trace != "" {
		return traced(ctx, p.trace, p.rows)
	}
	return &data{synthetic(p.rows, p.columns, 2*seed), synthetic(p.test, p.columns, 2*seed+1)}, nil
}

// synthetic draws rows whose mean and spread depend on a dozen columns, some of
// them missing: a third of column 0 where column 3 is small, a tenth of column 7.
func synthetic(rows, columns int, seed uint64) *gbdt.Dataset {
	rng := rand.New(rand.NewPCG(seed, 1))
	d := &gbdt.Dataset{Targets: make([]float32, rows)}
	for range columns {
		d.Columns = append(d.Columns, make([]float32, rows))
	}
	x := make([]float64, columns)
	for i := range rows {
		for f := range x {
			switch f % 5 {
			case 0:
				x[f] = rng.NormFloat64()
			case 1:
				x[f] = rng.ExpFloat64()
			case 2:
				x[f] = float64(rng.IntN(24))
			case 3:
				x[f] = rng.Float64()
			case 4:
				x[f] = 0.7*x[f-4] + 0.3*rng.NormFloat64()
			}
		}
		mean := 2*x[0] + 3*math.Sin(x[2]*math.Pi/12) + 2*x[1]*x[3] + math.Abs(x[5]) + x[6]*x[8]/2
		spread := 0.3 + 0.8*x[11] + math.Abs(x[10])/2
		d.Targets[i] = float32(mean + spread*(rng.ExpFloat64()-1+rng.NormFloat64()/2))
		if x[3] < 1.0/3 {
			x[0] = math.NaN()
		}
		if rng.IntN(10) == 0 {
			x[7] = math.NaN()
		}
		for f := range x {
			d.Columns[f][i] = float32(x[f])
		}
	}
	return d
}

// write stores the rows column by column as little-endian float32.
func (d *data) write(dir string) error {
	for part, set := range map[string]*gbdt.Dataset{"train": d.train, "test": d.test} {
		if err := writeColumns(filepath.Join(dir, part+".x.f32"), set.Columns...); err != nil {
			return err
		}
		if err := writeColumns(filepath.Join(dir, part+".y.f32"), set.Targets); err != nil {
			return err
		}
	}
	return nil
}

func writeColumns(path string, columns ...[]float32) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	for _, c := range columns {
		if err := binary.Write(w, binary.LittleEndian, c); err != nil {
			f.Close()
			return err
		}
	}
	if err := w.Flush(); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// testRows are the test rows one after the other.
func (d *data) testRows() []float32 {
	rows := make([]float32, 0, d.test.Rows()*len(d.test.Columns))
	for i := range d.test.Rows() {
		for _, c := range d.test.Columns {
			rows = append(rows, c[i])
		}
	}
	return rows
}
