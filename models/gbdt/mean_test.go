package gbdt

import (
	"bytes"
	"math"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The mean of skewed targets lies apart from their median: what is fitted must come near the one.
func TestFitApproachesTheTrueMean(t *testing.T) {
	skewed := func(seed uint64) (*Dataset, []float64) {
		d := synthetic(20000, 12, seed)
		truth := make([]float64, d.Rows())
		for i := range truth {
			height := 1 + float64(d.Columns[2][i])/6 // column 2 is an hour, never missing
			noise := float64(i%10) / 4.5             // mean 1
			truth[i] = height
			d.Targets[i] = float32(height * noise * noise * 27 / 38) // the squares have mean 38/27
		}
		return d, truth
	}
	train, _ := skewed(1)
	valid, _ := skewed(2)
	test, truth := skewed(3)
	m := mustFit(t, train, valid, Options{Mean: true, Trees: 60})
	if !m.Mean() || len(m.Quantiles()) != 0 {
		t.Fatalf("mean %v, quantiles %v", m.Mean(), m.Quantiles())
	}
	out := make([]float32, test.Rows())
	if err := m.Predict(rowsOf(test), out); err != nil {
		t.Fatal(err)
	}
	var bias, off, spread, sum float64
	for i, v := range out {
		bias += float64(v) - truth[i]
		off += math.Pow(float64(v)-truth[i], 2)
		spread += math.Pow(truth[i]-2.9166, 2)
		sum += truth[i]
	}
	if math.Abs(bias/sum) > .03 {
		t.Errorf("predictions are off by %.1f %% on average", 100*bias/sum)
	}
	if off > .1*spread { // the median of these targets is off by half of it
		t.Errorf("predictions leave %.1f %% of the variance", 100*off/spread)
	}
}

func TestMeanOfALeaf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := drawRows(t, 40, false)
		var sum, total float64
		for _, r := range rows {
			sum += float64(r.weight) * float64(r.y)
			total += float64(r.weight)
		}
		want := 0.
		if total > 0 {
			want = sum / total
		}
		if got := float64(mean(residualsOf(rows))); math.Abs(got-want) > 1e-3*(1+math.Abs(want)) {
			t.Fatalf("mean %g, want %g", got, want)
		}
	})
}

// The gradient is told in shares of the reach: summed, it is the residual.
func TestSquaredStatIsTheGradient(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		reach := float32(rapid.Float64Range(.1, 100).Draw(t, "reach"))
		r := float32(rapid.Float64Range(-1, 1).Draw(t, "share")) * reach
		const weight = 1 << 20
		s := squared{reach}.stat(r, 0, weight, false)
		if got := (s.above() - .5*s.weight()) / weight * 2 * float64(reach); math.Abs(got-float64(r)) > 1e-5*float64(reach) {
			t.Fatalf("residual %g of %g counts as %g", r, reach, got)
		}
	})
	if s := (squared{1}).stat(-.5, 0, 8, true); s != 0 {
		t.Errorf("a censored row the prediction has passed counts %x", s)
	}
}

func TestMeanModelsAreLikeOthers(t *testing.T) {
	d := synthetic(3000, 12, 1)
	o := Options{Mean: true, Trees: 6, RowFraction: .7, Seed: 3}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	runtime.GOMAXPROCS(1)
	m := mustFit(t, d, nil, o)
	data := encoded(t, m)
	runtime.GOMAXPROCS(4)
	if !bytes.Equal(encoded(t, mustFit(t, d, nil, o)), data) {
		t.Error("the model on 4 cores is another than on 1")
	}
	back, err := Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if !back.Mean() || !bytes.Equal(encoded(t, back), data) {
		t.Errorf("read again it is another: mean %v", back.Mean())
	}
	_, err = Fit(t.Context(), d, nil, Options{Mean: true, Quantiles: []float64{.5}})
	if err == nil || !strings.Contains(err.Error(), "at once") {
		t.Errorf("mean and quantiles at once: %v", err)
	}
}
