package forecast

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/auspex-project/auspex/resource"
)

func TestFlat(t *testing.T) {
	g := Grid{time.Hour, 6}
	now := time.Unix(1e9, 0)
	f := Flat("w", now, g, Limit, resource.Of(1.5, 1<<30).With("licence", 2))
	if err := f.Validate(); err != nil {
		t.Fatal(err)
	}
	if f.Workload != "w" || f.Issued != now || f.Basis != Limit || len(f.Demands) != 3 {
		t.Errorf("%+v", f)
	}
	for name, want := range map[resource.Name]float32{resource.CPU: 1.5, resource.Memory: 1 << 30, "licence": 2} {
		d, ok := f.Demand(name)
		if !ok || d.Peak != want || d.Limit != want || d.Mean != want || len(d.Profile) != 6 || d.Profile[5] != want {
			t.Errorf("%s: %+v", name, d)
		}
	}
	if d, ok := f.Demand(resource.Disk); ok {
		t.Errorf("disk was not given: %+v", d)
	}
}

func TestForecastValidate(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	tests := []struct {
		name   string
		change func(*Forecast)
		want   string
	}{
		{"as it is", func(*Forecast) {}, ""},
		{"zeros", func(f *Forecast) { *f = Flat("w", f.Issued, f.Grid, Limit, resource.Of(0, 0)) }, ""},
		{"no demands", func(f *Forecast) { f.Demands = nil }, ""},
		{"grid", func(f *Forecast) { f.Grid.Slots = 0 }, "forecast grid"},
		{"short profile", func(f *Forecast) { f.Demands[1].Profile = make([]float32, 23) }, "memory has 23 slots, the grid 24"},
		{"NaN slot", func(f *Forecast) { f.Demands[0].Profile[4] = nan }, "cpu in slot 4 is NaN"},
		{"negative slot", func(f *Forecast) { f.Demands[0].Profile[4] = -1 }, "cpu in slot 4 is -1"},
		{"slot over the peak", func(f *Forecast) { f.Demands[0].Profile[4] = 3 }, "cpu in slot 4 is 3 (want 0 to the peak, 2)"},
		{"NaN peak", func(f *Forecast) { f.Demands[0].Peak = nan }, "peak is NaN"},
		{"infinite peak", func(f *Forecast) { f.Demands[0].Peak = inf }, "peak is +Inf"},
		{"NaN limit", func(f *Forecast) { f.Demands[0].Limit = nan }, "limit is NaN"},
		{"negative limit", func(f *Forecast) { f.Demands[0].Limit = -1 }, "limit is -1"},
		{"limit under the peak", func(f *Forecast) { f.Demands[0].Limit = 1 }, "limit is 1"},
		{"NaN mean", func(f *Forecast) { f.Demands[0].Mean = nan }, "mean is NaN"},
		{"negative mean", func(f *Forecast) { f.Demands[0].Mean = -1 }, "mean is -1"},
		{"same resource twice", func(f *Forecast) { f.Demands[1].Resource = resource.CPU }, "cpu twice"},
	}
	for _, test := range tests {
		f := Flat("w", time.Unix(0, 0), DefaultGrid(), Learned, resource.Of(2, 1<<30))
		test.change(&f)
		err := f.Validate()
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}
