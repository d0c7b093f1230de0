package training

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auspex-project/auspex/datasets/synthetic"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models/serving"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// A made-up fleet in which one app of twenty leaves its class to be found out: a
// night learns from the others, and the forecast table tells the class of those.
func TestUnlabelledWorkloadsGetTheirClass(t *testing.T) {
	synctest.Test(t, unlabelledWorkloadsGetTheirClass) // whose clock starts at the same moment every time
}

func unlabelledWorkloadsGetTheirClass(t *testing.T) {
	trace, err := synthetic.New(synthetic.Options{Seed: 1, Days: 8, Step: 30 * time.Minute, End: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	var h samples
	for m := range trace.History(nil) {
		w := &m.Member.Workload
		h = append(h, timeseries.Sample{Key: timeseries.Key{Workload: w.ID, App: w.App, Class: w.Class}, Time: m.Time, Usage: m.Usage, Limit: m.Member.Limits()})
	}
	slices.SortStableFunc(h, func(a, b timeseries.Sample) int { return a.Key.Compare(b.Key) })

	r := openRegistry(t)
	report := train(t, h, r, Options{Resources: []resource.Name{resource.CPU}, Trees: 1, MaxRows: 1000, MaxTracks: 20})
	t.Log(report.Classification.Why)
	table, err := serving.New(serving.Options{History: h, Registry: r, Grid: forecast.DefaultGrid(), Fallback: "unknown"})
	if err != nil {
		t.Fatal(err)
	}
	if err := table.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}

	tally := map[bool]map[string]int{true: {}, false: {}} // seen or not: what became of it
	for _, m := range trace.Members() {
		w := m.Workload
		if w.Class != "" {
			continue
		}
		for _, seen := range []bool{true, false} {
			if !seen {
				w.ID = "a stranger"
			} else if _, _, ok := table.ByID(w.ID); !ok {
				continue
			}
			switch class := table.Classify(&w); class {
			case "unknown":
				tally[seen]["untold"]++
			case m.Class:
				tally[seen]["right"]++
			default:
				tally[seen]["wrong"]++
			}
		}
	}
	t.Logf("with history %v, by requests alone %v", tally[true], tally[false])
	if x := tally[true]; x["right"] < 9*(x["wrong"]+x["untold"]) || x["right"] < 20 {
		t.Errorf("with history %v", x)
	}
	if x := tally[false]; x["right"] < x["wrong"] {
		t.Errorf("by requests alone %v", x)
	}
}
