package models

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

func TestRowHasAValueForEveryName(t *testing.T) {
	h, now := lived(28, 1)
	s := Observed(h)
	row, scale, ok := Row(nil, &s, resource.CPU, now, forecast.DefaultGrid())
	if !ok || scale != 4 || len(row) != len(Features()) || len(row) != featureCount {
		t.Fatalf("%d values for %d names, scale %g, %v", len(row), len(Features()), scale, ok)
	}
	for i, v := range row {
		if v != v {
			t.Errorf("%s is missing after four weeks of samples", Features()[i])
		}
	}
}

// The same usage of a workload a thousand times the size makes the same row but
// for the size.
func TestRowsAreFreeOfScale(t *testing.T) {
	small, now := lived(9, 1)
	s := Observed(small)
	want, _, _ := Row(nil, &s, resource.CPU, now, forecast.DefaultGrid())

	large := NewHistory(forecast.DefaultGrid())
	rng := rand.New(rand.NewPCG(1, 0))
	for at := now.Add(-9 * 24 * time.Hour); at.Before(now); at = at.Add(5 * time.Minute) {
		large.Add(&timeseries.Sample{Time: at, Usage: resource.Of(4000*rng.Float64(), 8e12*rng.Float64()), Limit: resource.Of(4000, 8e12)})
	}
	s = Observed(large)
	got, _, _ := Row(nil, &s, resource.CPU, now, forecast.DefaultGrid())
	for i, name := range Features() {
		tolerance := 1e-3
		if strings.HasPrefix(name, "decayed_p") { // the end of a bucket
			tolerance = .06 / float64(want[ownSpread])
		}
		if off := math.Abs(float64(got[i] - want[i])); name != "log_limit" && off > tolerance {
			t.Errorf("%s is %g, want %g", name, got[i], want[i])
		}
	}
}
