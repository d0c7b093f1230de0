package fleet

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Idle, 10 % ... 100 % of a server in SPECpower_ssj2008's form.
var measured = []float64{58.4, 98, 109, 118, 128, 140, 153, 170, 189, 205, 222}

func TestPowerCurve(t *testing.T) {
	table, err := NewPowerCurve(measured...)
	if err != nil {
		t.Fatal(err)
	}
	line, err := NewPowerCurve(100, 300)
	if err != nil {
		t.Fatal(err)
	}
	var unknown PowerCurve
	tests := []struct {
		name  string
		curve PowerCurve
		at    float64
		want  float64
	}{
		{"idle", table, 0, 58.4},
		{"a point", table, .3, 118},
		{"between points", table, .05, (58.4 + 98) / 2},
		{"near full", table, .95, (205 + 222) / 2.},
		{"full", table, 1, 222},
		{"past full", table, 1.7, 222},
		{"below idle", table, -1, 58.4},
		{"line", line, .25, 150},
		{"unknown", unknown, .5, 0},
	}
	for _, test := range tests {
		if got := test.curve.Watts(test.at); math.Abs(got-test.want) > 1e-9 {
			t.Errorf("%s: %g W at %g, want %g", test.name, got, test.at, test.want)
		}
	}
	if !table.Known() || !line.Known() || unknown.Known() {
		t.Error("what is known is wrong")
	}
	if got := table.Table(); !slices.Equal(got, measured) {
		t.Errorf("table %v, want %v", got, measured)
	}
	if unknown.Table() != nil {
		t.Errorf("table of the unknown curve: %v", unknown.Table())
	}
	got := table.Table()
	got[0] = 1
	if table.Watts(0) != measured[0] {
		t.Error("the table is shared with its reader")
	}
}

func TestPowerCurveRefuses(t *testing.T) {
	tests := []struct {
		name  string
		watts []float64
		want  string
	}{
		{"one value", []float64{1}, "1 values (want 2"},
		{"ten values", make([]float64, 10), "10 values"},
		{"twelve values", make([]float64, 12), "12 values"},
		{"negative", []float64{-1, 5}, "-1 W (want a finite"},
		{"falling line", []float64{300, 100}, "idle 300 W is over full 100 W"},
		{"NaN", []float64{1, math.NaN()}, "NaN W"},
		{"infinite", []float64{1, math.Inf(1)}, "Inf W"},
	}
	for _, test := range tests {
		if _, err := NewPowerCurve(test.watts...); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

// A curve stays between the least and the most of its table, passes through every
// point and does not jump.
func TestPowerCurveProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		watts := rapid.SliceOfN(rapid.Float64Range(0, 2000), 11, 11).Draw(t, "watts")
		c, err := NewPowerCurve(watts...)
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range watts {
			if got := c.Watts(float64(i) / 10); math.Abs(got-w) > 1e-6 {
				t.Fatalf("%g W at point %d, want %g", got, i, w)
			}
		}
		u := rapid.Float64Range(-.5, 1.5).Draw(t, "utilisation")
		got, next := c.Watts(u), c.Watts(u+1e-9)
		if got < slices.Min(watts)-1e-9 || got > slices.Max(watts)+1e-9 || math.Abs(got-next) > 1e-3 {
			t.Fatalf("%g W at %g, %g next to it", got, u, next)
		}
	})
}

func TestPowerCurveOfNaN(t *testing.T) {
	c, err := NewPowerCurve(measured...)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Watts(math.NaN()); got != 222 {
		t.Errorf("utilisation NaN draws %g W, want the full draw", got)
	}
}
