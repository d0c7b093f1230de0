package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"

	"github.com/auspex-project/auspex/models/gbdt"
	"github.com/auspex-project/auspex/models/gbdt/madeup"
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

func synthetic(rows, columns int, seed uint64) *gbdt.Dataset {
	d := &gbdt.Dataset{}
	d.Columns, d.Targets = madeup.Rows(rows, columns, seed)
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
