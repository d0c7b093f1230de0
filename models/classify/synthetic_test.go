package classify

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/auspex-project/auspex/datasets/synthetic"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

// remembered replays two weeks of a made-up fleet. Some apps leave their class
// to be found out: truth knows it.
func remembered(t testing.TB) (subjects []models.Subject, truth map[string]workload.Class) {
	t.Helper()
	trace, err := synthetic.New(synthetic.Options{Seed: 1, Days: 14, Step: 15 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	histories := map[string]*models.History{}
	truth = map[string]workload.Class{}
	for m := range trace.History(nil) {
		w := &m.Member.Workload
		h := histories[w.ID]
		if h == nil {
			h = models.NewHistory(forecast.DefaultGrid())
			histories[w.ID] = h
			truth[w.ID] = m.Member.Class
		}
		h.Add(&timeseries.Sample{Key: timeseries.Key{Workload: w.ID, App: w.App, Class: w.Class, Queue: w.Queue}, Time: m.Time, Usage: m.Usage, Limit: m.Member.Limits()})
	}
	for _, id := range slices.Sorted(maps.Keys(histories)) {
		subjects = append(subjects, models.Observed(histories[id]))
	}
	return subjects, truth
}

func TestSyntheticFleet(t *testing.T) {
	subjects, truth := remembered(t)
	c, e := fit(t, subjects, 1)
	for _, s := range e.Spaces {
		t.Logf("%s: %d cases, %.1f %% answered, %s", s.Name, s.Cases, 100*s.Answered, s.Why)
		for _, x := range s.Classes {
			t.Logf("  %-12s %4d cases, told %v, precision %.3f, recall %.3f", x.Class, x.Cases, x.Told, x.Precision, x.Recall)
			if x.Told && x.Precision < Confidence {
				t.Errorf("%s: %s is told at a precision of %g", s.Name, x.Class, x.Precision)
			}
		}
	}
	if usage := e.Spaces[0]; !usage.Used || usage.Neighbours.Answered < .9 || usage.Answered < .8 {
		t.Errorf("usage: %+v", usage)
	}

	var unlabelled, told, right int
	for i := range subjects {
		s := &subjects[i]
		if s.Class != "" {
			continue
		}
		unlabelled++
		if class, ok := c.Classify(s); ok {
			told++
			if class == truth[s.ID] {
				right++
			}
		}
	}
	t.Logf("of %d workloads without a class %d are told, %d of them right", unlabelled, told, right)
	if unlabelled < 20 || float64(told) < .7*float64(unlabelled) || float64(right) < .9*float64(told) {
		t.Errorf("of %d workloads without a class %d are told, %d of them right", unlabelled, told, right)
	}
}

func BenchmarkClassify(b *testing.B) {
	subjects, _ := remembered(b)
	c, _ := fit(b, subjects, 1)
	for _, x := range []struct {
		name  string
		space *Space
	}{{"usage", c.usage}, {"requests", c.requests}} {
		b.Run(x.name, func(b *testing.B) {
			if x.space == nil {
				b.Fatal("not learned")
			}
			only := &Classifier{classes: c.classes}
			if x.space == c.usage {
				only.usage = x.space
			} else {
				only.requests = x.space
			}
			told := 0
			i := 0
			for b.Loop() {
				if _, ok := only.Classify(&subjects[i%len(subjects)]); ok {
					told++
				}
				i++
			}
			if told == 0 {
				b.Fatal("nothing told")
			}
			b.ReportMetric(float64(len(x.space.points)), "points")
		})
	}
}
