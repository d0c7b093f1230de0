package models

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models/gbdt"
	"github.com/auspex-project/auspex/resource"
)

// fitted returns a small learned model of CPU, and a subject with its moment.
func fitted(t testing.TB, names []string) []Correction {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 0))
	d := &gbdt.Dataset{Names: names, Columns: make([][]float32, len(names)), Targets: make([]float32, 300)}
	for f := range d.Columns {
		d.Columns[f] = make([]float32, len(d.Targets))
		for i := range d.Columns[f] {
			d.Columns[f][i] = rng.Float32()
		}
	}
	for i := range d.Targets {
		d.Targets[i] = d.Columns[7][i] - .5
	}
	corrections := make([]Correction, len(levels))
	for k := range levels {
		trees, err := gbdt.Fit(context.Background(), d, nil, gbdt.Options{Quantiles: levels[k : k+1], Trees: 5})
		if err != nil {
			t.Fatal(err)
		}
		corrections[k] = Correction{Trees: trees, Trust: .5, Shift: .01}
	}
	return corrections
}

func TestLearned(t *testing.T) {
	grid := forecast.DefaultGrid()
	model, err := NewLearned(resource.CPU, grid, fitted(t, Features()))
	if err != nil {
		t.Fatal(err)
	}
	if features, shares := model.LeansOn(2); len(features) == 0 || features[0] != Features()[7] || shares[0] < .5 {
		t.Errorf("it was fitted to %s, and leans on %v (%v)", Features()[7], features, shares)
	}
	h, now := lived(10, 1)
	s := Observed(h)
	set := Set{Grid: grid, Champions: map[Target]Champion{{AnyClass, resource.CPU}: {ID: "01ABC", Model: model}, {"batch", resource.CPU}: {}}}

	f, known := set.Chain().Forecast(&s, now)
	if !known || f.Basis != forecast.Percentile { // memory has no model
		t.Errorf("forecast by %q, %v", f.Basis, known)
	}
	if err := f.Validate(); err != nil {
		t.Error(err)
	}
	d, _ := f.Demand(resource.CPU)
	own, _ := Percentiles{}.Predict(&s, resource.CPU, now, grid)
	if d.Peak < own.Peak || len(d.Quantiles) != len(levels) || d.Quantiles[0] == own.Quantiles[0] {
		t.Errorf("learned %+v, from its own past %+v", d, own)
	}
	for i := 1; i < len(d.Quantiles); i++ {
		if d.Quantiles[i].Value < d.Quantiles[i-1].Value {
			t.Errorf("quantiles fall: %v", d.Quantiles)
		}
	}

	s.Class = "batch" // a class whose model was taken out of service
	f, _ = set.Chain().Forecast(&s, now)
	if d, _ := f.Demand(resource.CPU); d.Quantiles[0] != own.Quantiles[0] {
		t.Errorf("a class without a model is predicted %+v", d)
	}

	if _, ok := model.Predict(&s, resource.Memory, now, grid); ok {
		t.Error("a model of CPU predicts memory")
	}
	if _, ok := model.Predict(&Subject{ID: "new"}, resource.CPU, now, grid); ok {
		t.Error("a model predicts what was never seen")
	}
}

func TestLearnedRefusesWhatItCannotServe(t *testing.T) {
	good := fitted(t, Features())
	for _, c := range []struct {
		name        string
		corrections func() []Correction
		says        string
	}{
		{"other features", func() []Correction { return fitted(t, append([]string{"moon"}, Features()[1:]...)) }, "train again"},
		{"a level missing", func() []Correction { return good[1:] }, "5 corrections for 6"},
		{"levels in disorder", func() []Correction { return []Correction{good[1], good[0], good[2], good[3], good[4], good[5]} }, "predicts quantiles"},
		{"too much trust", func() []Correction {
			c := append([]Correction(nil), good...)
			c[2].Trust = 2
			return c
		}, "trust of 2"},
	} {
		if _, err := NewLearned(resource.CPU, forecast.DefaultGrid(), c.corrections()); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q in it", c.name, err, c.says)
		}
	}
}

func TestLearnedSurvivesItsFiles(t *testing.T) {
	model, err := NewLearned(resource.CPU, forecast.DefaultGrid(), fitted(t, Features()))
	if err != nil {
		t.Fatal(err)
	}
	files, err := model.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := DecodeLearned(files)
	if err != nil {
		t.Fatal(err)
	}
	h, now := lived(10, 1)
	s := Observed(h)
	want, _ := model.Predict(&s, resource.CPU, now, model.Grid())
	got, ok := again.Predict(&s, resource.CPU, now, again.Grid())
	if !ok || got.Peak != want.Peak || got.Quantiles[2] != want.Quantiles[2] {
		t.Errorf("read back it predicts %+v, before %+v", got, want)
	}
	delete(files, treesFile(.98))
	if _, err := DecodeLearned(files); err == nil || !strings.Contains(err.Error(), "peak-0.98.gbdt") {
		t.Errorf("with a file missing: %v", err)
	}
}

func FuzzDecodeLearned(f *testing.F) {
	model, err := NewLearned(resource.CPU, forecast.DefaultGrid(), fitted(f, Features()))
	if err != nil {
		f.Fatal(err)
	}
	files, err := model.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(files[learnedHeaderFile], files[treesFile(.5)])
	f.Add([]byte(`{"resource":"cpu","slot_seconds":0}`), []byte("trees"))
	f.Add([]byte(`{"resource":"cpu","slot_seconds":3600,"slots":24,"trust":[1],"shift":[]}`), []byte(nil))
	f.Fuzz(func(t *testing.T, header, trees []byte) {
		damaged := map[string][]byte{}
		for name, data := range files {
			damaged[name] = data
		}
		damaged[learnedHeaderFile], damaged[treesFile(.5)] = header, trees
		if l, err := DecodeLearned(damaged); err == nil {
			out := make([]float32, len(levels))
			if err := l.Shares(make([]float32, len(featureNames())), out); err != nil {
				t.Fatalf("a model that was accepted cannot predict: %v", err)
			}
		}
	})
}

// The whole chain for one workload: two resources of 24 slots, CPU learned.
func BenchmarkForecast(b *testing.B) {
	grid := forecast.DefaultGrid()
	model, err := NewLearned(resource.CPU, grid, fitted(b, Features()))
	if err != nil {
		b.Fatal(err)
	}
	h, now := lived(28, 1)
	s := Observed(h)
	chain := (&Set{Grid: grid, Champions: map[Target]Champion{{AnyClass, resource.CPU}: {ID: "01ABC", Model: model}}}).Chain()
	var f forecast.Forecast
	for b.Loop() {
		f, _ = chain.Forecast(&s, now)
	}
	if len(f.Demands) != 2 {
		b.Fatalf("%d resources were predicted", len(f.Demands))
	}
}
