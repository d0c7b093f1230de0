package workload_test

import (
	"math"
	"testing"
	"time"

	"github.com/auspex-project/auspex/workload"
)

func TestClassPolicyValidate(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*workload.ClassPolicy)
		want   string
	}{
		{"plain", func(*workload.ClassPolicy) {}, ""},
		{"no name", func(p *workload.ClassPolicy) { p.Class = "" }, "class: name is empty"},
		{"no tier", func(p *workload.ClassPolicy) { p.Tier = "" }, `class x: tier ""`},
		{"unknown tier", func(p *workload.ClassPolicy) { p.Tier = "spot" }, `class x: tier "spot" is neither "guaranteed" nor "revocable"`},
		{"no weight", func(p *workload.ClassPolicy) { p.Weight = 0 }, "class x: weight 0 is not positive"},
		{"weight NaN", func(p *workload.ClassPolicy) { p.Weight = math.NaN() }, "class x: weight NaN is not positive"},
		{"no horizon", func(p *workload.ClassPolicy) { p.Horizon = 0 }, "class x: horizon 0s is not positive"},
		{"no risk", func(p *workload.ClassPolicy) { p.Risk = 0 }, "class x: risk 0 is not between 0 and 1"},
		{"certain risk", func(p *workload.ClassPolicy) { p.Risk = 1 }, "class x: risk 1 is not between 0 and 1"},
		{"risk NaN", func(p *workload.ClassPolicy) { p.Risk = math.NaN() }, "class x: risk NaN"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := workload.ClassPolicy{Class: "x", Tier: workload.Revocable, Weight: 1, Horizon: time.Hour, Risk: .01}
			c.change(&p)
			wantError(t, p.Validate(), c.want)
		})
	}
}

func TestDefaultClasses(t *testing.T) {
	defaults := workload.DefaultClasses()
	seen := map[workload.Class]bool{}
	for _, p := range defaults {
		if err := p.Validate(); err != nil {
			t.Error(err)
		}
		if seen[p.Class] {
			t.Errorf("class %s is given twice", p.Class)
		}
		seen[p.Class] = true
	}
	for _, c := range []workload.Class{workload.Service, workload.Stream, workload.Batch, workload.MLTraining, workload.MLInference, workload.Cron} {
		if !seen[c] {
			t.Errorf("class %s has no default", c)
		}
	}
	defaults[0].Weight = -1
	if workload.DefaultClasses()[0].Weight == -1 {
		t.Error("the defaults are shared: one caller's change reaches the next")
	}
}
