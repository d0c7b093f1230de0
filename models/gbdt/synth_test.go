package gbdt

import (
	"context"
	"math"
	"testing"

	"github.com/auspex-project/auspex/models/gbdt/madeup"
)

var nan = float32(math.NaN())

func synthetic(rows, columns int, seed uint64) *Dataset {
	d := &Dataset{}
	d.Columns, d.Targets = madeup.Rows(rows, columns, seed)
	return d
}

func mustFit(t testing.TB, train, valid *Dataset, o Options) *Model {
	t.Helper()
	m, err := Fit(context.Background(), train, valid, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func mustPredict(t testing.TB, m *Model, d *Dataset) []float32 {
	t.Helper()
	out := make([]float32, d.Rows()*len(m.Quantiles()))
	if err := m.Predict(rowsOf(d), out); err != nil {
		t.Fatal(err)
	}
	return out
}

// rowsOf returns the rows of a dataset, one after the other.
func rowsOf(d *Dataset) (rows []float32) {
	for i := range d.Rows() {
		for _, column := range d.Columns {
			rows = append(rows, column[i])
		}
	}
	return rows
}

// meanLoss is the mean loss of predictions of quantile k out of n.
func meanLoss(d *Dataset, out []float32, q float64, k, n int) float64 {
	var total float64
	for i, y := range d.Targets {
		total += pinball{q}.loss(y, out[i*n+k], d.Censored != nil && d.Censored[i])
	}
	return total / float64(d.Rows())
}

// constantLoss is the mean loss of the best constant.
func constantLoss(d *Dataset, q float64) float64 {
	var rs []residual
	for _, y := range d.Targets {
		rs = append(rs, newResidual(y, 0, 1, false))
	}
	best := pinball{q}.quantile(rs)
	out := make([]float32, d.Rows())
	for i := range out {
		out[i] = best
	}
	return meanLoss(d, out, q, 0, 1)
}
