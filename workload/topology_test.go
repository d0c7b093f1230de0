package workload_test

import (
	"testing"
	"time"

	"github.com/auspex-project/auspex/workload"
)

func TestTopologyValidate(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*workload.Workload)
		want   string
	}{
		{"spread", func(w *workload.Workload) {
			w.App, w.Spread = "a", []workload.Spread{{Over: workload.AtZone, MaxSkew: 1}}
		}, ""},
		{"spread over a galaxy", func(w *workload.Workload) { w.App, w.Spread = "a", []workload.Spread{{Over: "galaxy", MaxSkew: 1}} }, `spread over "galaxy"`},
		{"no skew", func(w *workload.Workload) { w.App, w.Spread = "a", []workload.Spread{{Over: workload.AtZone}} }, "max skew 0"},
		{"spread of nobody", func(w *workload.Workload) { w.Spread = []workload.Spread{{Over: workload.AtZone, MaxSkew: 1}} }, "names neither app nor labels"},
		{"affinity to labels", func(w *workload.Workload) {
			w.Affinity = []workload.Affinity{{Within: workload.AtNode, Peers: workload.Peers{Labels: map[string]string{"a": "b"}}}}
		}, ""},
		{"affinity nowhere", func(w *workload.Workload) { w.App, w.Affinity = "a", []workload.Affinity{{}} }, `affinity within ""`},
		{"affinity to nobody", func(w *workload.Workload) { w.Affinity = []workload.Affinity{{Within: workload.AtRack}} }, "names neither app"},
		{"crowd without an app", func(w *workload.Workload) { w.MaxPerNode = 1 }, "the workload has none"},
		{"negative crowd", func(w *workload.Workload) { w.MaxPerNode = -1 }, "max per node -1"},
		{"negative runtime", func(w *workload.Workload) { w.Runtime = -time.Second }, "runtime -1s is negative"},
		{"data within", func(w *workload.Workload) { w.Data = []workload.DataSet{{Name: "d", Within: "shelf"}} }, `within "shelf"`},
		{"in nothing", func(w *workload.Workload) { w.Requirements = []workload.Requirement{{Key: "k", Operator: workload.In}} }, "in needs values"},
		{"exists of something", func(w *workload.Workload) {
			w.Requirements = []workload.Requirement{{Key: "k", Operator: workload.Exists, Values: []string{"v"}}}
		}, "takes no values"},
		{"over a word", func(w *workload.Workload) {
			w.Requirements = []workload.Requirement{{Key: "k", Operator: workload.GreaterThan, Values: []string{"many"}}}
		}, `"many" is not a decimal number`},
		{"unknown operator", func(w *workload.Workload) { w.Requirements = []workload.Requirement{{Key: "k", Operator: "like"}} }, `operator "like"`},
		{"no key", func(w *workload.Workload) { w.Requirements = []workload.Requirement{{Operator: workload.Exists}} }, "without the key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := valid()
			c.change(&w)
			wantError(t, w.Validate(), c.want)
		})
	}
}

func TestRequirementMet(t *testing.T) {
	labels := map[string]string{"disk": "ssd", "gen": "7", "share": "-.5", "odd": "1.2.3", "empty": ""}
	for _, c := range []struct {
		key    string
		op     workload.Operator
		values []string
		want   bool
	}{
		{"disk", workload.In, []string{"hdd", "ssd"}, true}, {"disk", workload.In, []string{"hdd"}, false}, {"none", workload.In, []string{"ssd"}, false},
		{"disk", workload.NotIn, []string{"hdd"}, true}, {"disk", workload.NotIn, []string{"ssd"}, false}, {"none", workload.NotIn, []string{"ssd"}, true},
		{"disk", workload.Exists, nil, true}, {"none", workload.Exists, nil, false}, {"empty", workload.Exists, nil, true},
		{"none", workload.NotExists, nil, true}, {"disk", workload.NotExists, nil, false},
		{"gen", workload.GreaterThan, []string{"6.5"}, true}, {"gen", workload.GreaterThan, []string{"7"}, false}, {"gen", workload.LessThan, []string{"8"}, true},
		{"share", workload.LessThan, []string{"0"}, true}, {"disk", workload.GreaterThan, []string{"1"}, false}, {"odd", workload.LessThan, []string{"9"}, false},
		{"empty", workload.LessThan, []string{"9"}, false}, {"none", workload.LessThan, []string{"9"}, false},
	} {
		r := workload.Requirement{Key: c.key, Operator: c.op, Values: c.values}
		if got := r.Met(labels); got != c.want {
			t.Errorf("%s %s %v: %v", c.key, c.op, c.values, got)
		}
		if n := testing.AllocsPerRun(5, func() { r.Met(labels) }); n > 0 {
			t.Errorf("%s %s %v: %g allocations", c.key, c.op, c.values, n)
		}
	}
}
