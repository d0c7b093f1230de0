package models

import (
	"testing"

	"github.com/auspex-project/auspex/forecast"
)

func FuzzDecodePrior(f *testing.F) {
	h, now := lived(3, 1)
	b := NewPriorBuilder(forecast.DefaultGrid())
	for range minAlike {
		s := Observed(h)
		b.Add(ExampleOf(&s, now, forecast.DefaultGrid()))
	}
	files, err := b.Build().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(files[priorFile])
	f.Add([]byte(`{"slot_seconds":3600,"slots":1,"groups":{"cpu":{"profile":[0.5],"quantiles":[0,0,0,0,0,0],"peak":1}}}`))
	f.Add([]byte(`{"slot_seconds":3600,"slots":24,"groups":{"cpu":{"profile":[2]}}}`))
	f.Add([]byte(`{}`))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := DecodePrior(map[string][]byte{priorFile: data})
		if err != nil {
			return
		}
		s := Observed(h)
		for _, n := range h.Resources() {
			if d, ok := p.Predict(&s, n, now, p.grid); ok {
				f := forecast.Forecast{Grid: p.grid, Demands: []forecast.Demand{d}}
				if err := f.Validate(); err != nil {
					t.Fatalf("a prior that was accepted makes a bad forecast: %v", err)
				}
			}
		}
	})
}

func FuzzDecodeMargins(f *testing.F) {
	f.Add([]byte(`{"Bands":[{"Resource":"cpu","MaxMembers":12,"Points":[{"Risk":0.05,"Q":0.1},{"Risk":0.01,"Q":0.3}]}]}`))
	f.Add([]byte(`{"Bands":[{"Resource":"cpu","MaxMembers":12,"Points":[{"Risk":0.05,"Q":0.1}],"Profiler":"01ARZ3NDEKTSV4RRFFQ69G5FAV"}]}`))
	f.Add([]byte(`{"Bands":[{"Resource":"cpu","MaxMembers":0}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := DecodeMargins(map[string][]byte{marginsFile: data})
		if err != nil {
			return
		}
		of, _ := m.Of(nil)
		if q := of.At("cpu", 12, .01); !(q >= 0) {
			t.Fatalf("accepted margins give %g", q)
		}
	})
}
