package gbdt

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
)

func tiny() *Dataset {
	return &Dataset{
		Names:   []string{"a", "b"},
		Columns: [][]float32{{1, 2, 3, 4}, {4, nan, 2, 1}},
		Targets: []float32{1, 2, 3, 4},
	}
}

func TestFitRefusesBadData(t *testing.T) {
	inf := float32(math.Inf(1))
	cases := map[string]struct {
		spoil func(d *Dataset)
		want  string
	}{
		"empty":            {func(d *Dataset) { *d = Dataset{} }, "no rows"},
		"no columns":       {func(d *Dataset) { d.Names, d.Columns = nil, nil }, "no columns"},
		"names":            {func(d *Dataset) { d.Names = d.Names[:1] }, "1 names for 2 columns"},
		"same name":        {func(d *Dataset) { d.Names[1] = "a" }, `two columns are named "a"`},
		"short column":     {func(d *Dataset) { d.Columns[1] = d.Columns[1][:3] }, `column "b" has 3 rows, the targets have 4`},
		"weights":          {func(d *Dataset) { d.Weights = []float32{1} }, "1 weights for 4 targets"},
		"negative weight":  {func(d *Dataset) { d.Weights = []float32{1, -1, 1, 1} }, "row 1: weight -1"},
		"NaN weight":       {func(d *Dataset) { d.Weights = []float32{1, 1, nan, 1} }, "row 2: weight NaN"},
		"infinite weight":  {func(d *Dataset) { d.Weights = []float32{1, 1, inf, 1} }, "row 2: weight +Inf"},
		"zero weights":     {func(d *Dataset) { d.Weights = make([]float32, 4) }, "all weights are 0"},
		"censored":         {func(d *Dataset) { d.Censored = make([]bool, 5) }, "5 censored marks for 4 targets"},
		"NaN target":       {func(d *Dataset) { d.Targets[3] = nan }, "row 3: target NaN"},
		"infinite target":  {func(d *Dataset) { d.Targets[0] = -inf }, "row 0: target -Inf"},
		"excessive target": {func(d *Dataset) { d.Targets[0] = 2e37 }, "row 0: target 2e+37"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			bad := tiny()
			c.spoil(bad)
			o := Options{Quantiles: []float64{0.5}}
			_, err := Fit(context.Background(), bad, nil, o)
			wantError(t, err, "gbdt training set: ", c.want)
			_, err = Fit(context.Background(), tiny(), bad, o)
			wantError(t, err, "gbdt validation set: ", c.want)
		})
	}
}

func TestFitRefusesValidationOfOtherShape(t *testing.T) {
	o := Options{Quantiles: []float64{0.5}}
	narrow := tiny()
	narrow.Names, narrow.Columns = nil, narrow.Columns[:1]
	_, err := Fit(context.Background(), tiny(), narrow, o)
	wantError(t, err, "1 columns, the training set has 2")
	swapped := tiny()
	swapped.Names = []string{"b", "a"}
	_, err = Fit(context.Background(), tiny(), swapped, o)
	wantError(t, err, "named or ordered differently")
}

func TestFitRefusesBadOptions(t *testing.T) {
	cases := map[string]struct {
		o    Options
		want string
	}{
		"none":            {Options{}, "no quantiles"},
		"zero":            {Options{Quantiles: []float64{0}}, "quantile 0 is not between"},
		"one":             {Options{Quantiles: []float64{.5, 1}}, "quantile 1 is not between"},
		"NaN":             {Options{Quantiles: []float64{math.NaN()}}, "quantile NaN is not between"},
		"unordered":       {Options{Quantiles: []float64{.9, .5}}, "quantile 0.5 follows 0.9"},
		"twice":           {Options{Quantiles: []float64{.9, .9}}, "quantile 0.9 follows 0.9"},
		"trees":           {Options{Trees: -1}, "Trees is -1"},
		"rate":            {Options{LearningRate: 1.5}, "LearningRate is 1.5"},
		"NaN rate":        {Options{LearningRate: math.NaN()}, "LearningRate is NaN"},
		"depth":           {Options{MaxDepth: 65}, "MaxDepth is 65"},
		"leaves":          {Options{MaxLeaves: 1}, "MaxLeaves is 1"},
		"child weight":    {Options{MinChildWeight: -1}, "MinChildWeight is -1"},
		"gain":            {Options{MinGain: -1}, "MinGain is -1"},
		"l2":              {Options{L2: -1}, "L2 is -1"},
		"bins":            {Options{MaxBins: 256}, "MaxBins is 256"},
		"row fraction":    {Options{RowFraction: 2}, "RowFraction is 2"},
		"column fraction": {Options{ColumnFraction: -.1}, "ColumnFraction is -0.1"},
		"patience":        {Options{Patience: -3}, "Patience is -3"},
		"workers":         {Options{Workers: -1}, "Workers is -1"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Fit(context.Background(), tiny(), nil, c.o)
			wantError(t, err, "gbdt options: ", c.want)
		})
	}
}

func TestPredictRefusesBadLengths(t *testing.T) {
	m := mustFit(t, tiny(), nil, Options{Quantiles: []float64{.1, .9}})
	wantError(t, m.Predict(make([]float32, 3), make([]float32, 4)), "3 values are no whole number of rows of 2 features")
	wantError(t, m.Predict(make([]float32, 4), make([]float32, 3)), "out has 3 values, want 4")
	if err := m.Predict(nil, nil); err != nil {
		t.Errorf("no rows: %v", err)
	}
}

func TestFitStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	rounds := 0
	_, err := Fit(ctx, synthetic(500, 12, 1), nil, Options{Quantiles: []float64{.5}, OnRound: func(r Round) {
		if rounds++; rounds == 3 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want %v", err, context.Canceled)
	}
	if rounds != 3 {
		t.Errorf("%d rounds, want the third to be the last", rounds)
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}
