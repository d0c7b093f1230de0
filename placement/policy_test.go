package placement

import (
	"testing"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// A class is held to margins of its own horizon and risk.
func TestMarginsOfAClassAreThoseOfItsHorizon(t *testing.T) {
	band := func(horizon time.Duration, q float32) forecast.Band {
		return forecast.Band{Resource: resource.CPU, MaxMembers: 8, Horizon: horizon, Points: []forecast.Point{{Risk: .05, Q: q}, {Risk: .01, Q: 2 * q}}}
	}
	class := func(name workload.Class, horizon time.Duration, risk float64) workload.ClassPolicy {
		return workload.ClassPolicy{Class: name, Tier: workload.Guaranteed, Weight: 1, Horizon: horizon, Risk: risk}
	}
	p := newPolicy(Settings{Classes: []workload.ClassPolicy{class("day", 24*time.Hour, .01), class("short", 6*time.Hour, .05), class("between", 3*time.Hour, .01)}},
		forecast.Margins{Bands: []forecast.Band{band(0, .1), band(time.Hour, .3), band(6*time.Hour, .2)}}, []resource.Name{resource.CPU})
	for name, want := range map[workload.Class]float32{"day": .2, "short": .2, "between": .4} {
		if got := p.classes[name].margins[0][5]; got != want {
			t.Errorf("%s: %g, want %g", name, got, want)
		}
	}
}
