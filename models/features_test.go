package models

import (
	"testing"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
)

func TestRowHasAValueForEveryName(t *testing.T) {
	h, now := lived(28, 1)
	s := Observed(h)
	row, scale, ok := Row(nil, &s, resource.CPU, now, forecast.DefaultGrid())
	if !ok || scale != 4 || len(row) != len(Features()) {
		t.Fatalf("%d values for %d names, scale %g, %v", len(row), len(Features()), scale, ok)
	}
	for i, v := range row {
		if v != v {
			t.Errorf("%s is missing after four weeks of samples", Features()[i])
		}
	}
	for i, want := range map[int]string{weekMaximum: "max_7d", everMaximum: "peak"} {
		if Features()[i] != want {
			t.Errorf("column %d is %s, want %s", i, Features()[i], want)
		}
	}
}

// The same usage in another unit makes the same row but for the size itself.
func TestRowsAreFreeOfScale(t *testing.T) {
	h, now := lived(9, 1)
	s := Observed(h)
	cpu, _, _ := Row(nil, &s, resource.CPU, now, forecast.DefaultGrid())
	for i, v := range cpu {
		if name := Features()[i]; name != "log_limit" && name != "age_hours" && name != "hour" && name != "weekday" && v > 1.1 {
			t.Errorf("%s is %g: no share of the limit", name, v)
		}
	}
}
