package learned_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/models/backtest/baseline"
	"github.com/auspex-project/auspex/models/backtest/learned"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

var start = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

const (
	step = 15 * time.Minute
	days = 8
)

// panel has workloads that peak by day or by night; from step until on they do
// something else altogether.
func panel(t *testing.T, workloads, until int, seed uint64) *backtest.Panel {
	t.Helper()
	samples := func(yield func(timeseries.Sample, error) bool) {
		for k := range workloads {
			rng := rand.New(rand.NewPCG(seed, uint64(k)))
			for i := range days * 96 {
				at := start.Add(time.Duration(i) * step)
				u := .3 + .2*rng.Float64()
				if phase := at.Hour()/12 + k; phase%2 == 0 {
					u += 2 * rng.Float64()
				}
				if i >= until {
					u = 3.9
				}
				s := timeseries.Sample{
					Key: timeseries.Key{Workload: string(rune('a' + k))}, Time: at,
					Usage: resource.Vector{}.With(resource.CPU, u), Limit: resource.Vector{}.With(resource.CPU, 4),
				}
				if !yield(s, nil) {
					return
				}
			}
		}
	}
	p, _, err := backtest.ReadPanel(samples, resource.CPU, step, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func replay(t *testing.T, p *backtest.Panel, workers int) (*backtest.Setting, *backtest.Report, *backtest.Replay) {
	t.Helper()
	s, err := backtest.Protocol{Horizon: 6 * time.Hour, Group: 4, Replicates: 2, TestDays: 2, Seed: 5, Workers: workers}.Set(p)
	if err != nil {
		t.Fatal(err)
	}
	model, err := learned.Fit(context.Background(), s, learned.Options{Rows: 4000, Trees: 15})
	if err != nil {
		t.Fatal(err)
	}
	r, replay, err := s.Evaluate(context.Background(), append(baseline.All(s.Horizon), model), baseline.Calibrated, learned.Name)
	if err != nil {
		t.Fatal(err)
	}
	return s, r, replay
}

// What lies behind a step of the test days changes no prediction made up to it, by
// whomever.
func TestNobodyPeeks(t *testing.T) {
	const cut = 7*96 + 32
	s, _, a := replay(t, panel(t, 24, math.MaxInt, 1), 2)
	_, _, b := replay(t, panel(t, 24, cut, 1), 2)
	if s.Test[0].From >= cut {
		t.Fatalf("the test begins at %d, behind %d", s.Test[0].From, cut)
	}
	compared, differ := 0, 0
	for i, m := range a.Moments {
		if b.Moments[i].Origin != m.Origin || b.Moments[i].Machine != m.Machine {
			t.Fatal("the moments differ")
		}
		if m.Origin > cut {
			if a.Predictions[0].Low[i] != b.Predictions[0].Low[i] || m.Actual != b.Moments[i].Actual {
				differ++
			}
			continue
		}
		for k, p := range a.Predictions {
			compared++
			if q := b.Predictions[k]; p.Low[i] != q.Low[i] || p.High[i] != q.High[i] {
				t.Fatalf("%s at %d knows what begins at %d: %g to %g, or %g to %g", p.Name, m.Origin, cut, p.Low[i], p.High[i], q.Low[i], q.High[i])
			}
		}
	}
	if compared == 0 || differ == 0 {
		t.Errorf("compared %d predictions, %d changed behind the cut", compared, differ)
	}
}

// The outcome depends on the seed, not on the number of cores.
func TestReplayIsDeterministic(t *testing.T) {
	p := panel(t, 24, math.MaxInt, 1)
	_, a, _ := replay(t, p, 1)
	_, b, _ := replay(t, p, 3)
	for i := range a.Predictors {
		x, y := a.Predictors[i], b.Predictors[i]
		if x.Name != y.Name || x.Savings != y.Savings || x.ViolationRateInterval != y.ViolationRateInterval {
			t.Errorf("%s: %+v, then %+v", x.Name, x, y)
		}
	}
}

// Newborn workloads save something, from what others were like, and their past is
// really hidden: twice as much of it changes nothing.
func TestColdStart(t *testing.T) {
	p := panel(t, 60, math.MaxInt, 1)
	s, err := backtest.Protocol{Horizon: 6 * time.Hour, Group: 4, Replicates: 1, TestDays: 2, Seed: 5}.Set(p)
	if err != nil {
		t.Fatal(err)
	}
	model, err := learned.Fit(context.Background(), s, learned.Options{Rows: 4000, Trees: 15})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range model.Unseen() {
		for _, held := range model.Newborn() {
			if slices.Contains(held.Tracks, k) {
				t.Fatalf("track %d is held for calibration and for the test", k)
			}
		}
	}
	c, err := s.ColdStart(context.Background(), model, model.Newborn(), model.Unseen())
	if err != nil || c == nil {
		t.Fatalf("%+v, %v", c, err)
	}
	if c.Windows == 0 || c.Savings < .5*c.WarmSavings || c.Savings > c.OracleSavings {
		t.Errorf("newborn: %+v", c)
	}
}
