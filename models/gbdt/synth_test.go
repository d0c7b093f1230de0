package gbdt

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
)

var nan = float32(math.NaN())

// synthetic draws rows whose spread depends on the features, some of them missing: a third of column 0 where column 3
// is small, a tenth of column 7. It wants at least 12 columns.
func synthetic(rows, columns int, seed uint64) *Dataset {
	rng := rand.New(rand.NewPCG(seed, 1))
	d := &Dataset{Targets: make([]float32, rows)}
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
	if err := m.PredictColumns(d.Columns, out); err != nil {
		t.Fatal(err)
	}
	return out
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
