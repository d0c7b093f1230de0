package learned_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/models/backtest/baseline"
	"github.com/auspex-project/auspex/models/backtest/learned"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// fleets are made-up ways of workload k to use its limit, hour by hour, as a share of
// it; x is drawn anew each hour.
var fleets = []struct {
	name string
	use  func(k, hour int, x float64) float64
}{
	{"daily", func(_, hour int, x float64) float64 { return rhythm(hour, 14) * (.4 + .1*x) }},
	{"day and night", func(k, hour int, x float64) float64 { return rhythm(hour, 2+k%2*12) * (.4 + .1*x) }},
	{"weekly", func(_, hour int, x float64) float64 {
		if hour/24%7 >= 5 {
			return .1 * x
		}
		return rhythm(hour, 14) * (.4 + .1*x)
	}},
	{"growing", func(_, hour int, x float64) float64 { return rhythm(hour, 14) * (.2 + .05*x) * (1 + float64(hour)/500) }},
	{"falling", func(_, hour int, x float64) float64 { return rhythm(hour, 14) * (.5 + .1*x) * (1 - float64(hour)/1000) }},
	{"level shifts", func(k, hour int, x float64) float64 { return .05 + .6*level(k, hour/24) + .05*x }},
	{"on and off", func(k, hour int, x float64) float64 { return .05*x + .5*math.Round(level(k, hour/3)) }},
	{"bursts", func(_, _ int, x float64) float64 { return .1*x + 200*max(0, x-.997) }},
	{"constant", func(_, _ int, x float64) float64 { return .3 + .01*x }},
	{"gaps", func(k, hour int, x float64) float64 {
		if hour/24%9 == 4 || hour/24%14 == k%14 {
			return math.NaN()
		}
		return rhythm(hour, 14) * (.4 + .1*x)
	}},
	{"idle", func(int, int, float64) float64 { return 0 }},
}

func rhythm(hour, peak int) float64 {
	return .2 + math.Pow(.5+.5*math.Cos(float64(hour-peak)/12*math.Pi), 2)
}

// level is what workload k draws in one of eight stretches, and keeps in the others.
func level(k, stretch int) float64 {
	for ; ; stretch-- {
		rng := rand.New(rand.NewPCG(uint64(k), uint64(max(stretch, 0))))
		if rng.IntN(8) == 0 || stretch <= 0 {
			return rng.Float64()
		}
	}
}

func fleet(t *testing.T, use func(k, hour int, x float64) float64, workloads, days int) *backtest.Panel {
	t.Helper()
	p, _, err := backtest.ReadPanel(func(yield func(timeseries.Sample, error) bool) {
		for k := range workloads {
			rng := rand.New(rand.NewPCG(1, uint64(k)))
			limit := float64(int(1) << (k % 4))
			for hour := range days * 24 {
				u := use(k, hour, rng.Float64())
				if u != u {
					continue
				}
				s := timeseries.Sample{
					Key: timeseries.Key{Workload: fmt.Sprintf("w%02d", k)}, Time: start.Add(time.Duration(hour) * time.Hour),
					Usage: resource.Vector{}.With(resource.CPU, limit*min(1, u)), Limit: resource.Vector{}.With(resource.CPU, limit),
				}
				if !yield(s, nil) {
					return
				}
			}
		}
	}, resource.CPU, time.Hour, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// lost is what a calibrated predictor leaves unused and what it lets pass, the latter
// in units of risk, as shares of the limit: the mean over nominal 1, 2, 5 and 10 %.
func lost(p *backtest.Predictor) float64 {
	var sum float64
	for level, risk := range map[string]float64{"0.99": .01, "0.98": .02, "0.95": .05, "0.9": .1} {
		sum += p.Pinball[level] / risk / 4
	}
	return sum
}

// Whatever a fleet is like, simple or not, we are about as good as the baseline that
// happens to suit it. With -v it prints how good.
func TestFleets(t *testing.T) {
	const slack = .25 // of what the best baseline loses, and .005 of limits
	for _, f := range fleets {
		for _, days := range [...]int{28, 6} {
			t.Run(fmt.Sprintf("%s, %d days", f.name, days), func(t *testing.T) {
				s, err := backtest.Protocol{Horizon: 6 * time.Hour, Group: 6, Replicates: 2, TestDays: days / 3, Seed: 1}.Set(fleet(t, f.use, 60, days))
				if err != nil {
					t.Fatal(err)
				}
				model, err := learned.Fit(context.Background(), s, learned.Options{Rows: 4000, Trees: 30})
				if err != nil {
					t.Fatal(err)
				}
				r, _, err := s.Evaluate(context.Background(), append(baseline.All(s.Horizon), model), baseline.Calibrated, learned.Name)
				if err != nil {
					t.Fatal(err)
				}
				var ours, best *backtest.Predictor
				for i := range r.Predictors {
					p := &r.Predictors[i]
					switch {
					case p.Name == learned.Name:
						ours = p
					case p.Calibrated && (best == nil || lost(p) < lost(best)):
						best = p
					}
				}
				told := fmt.Sprintf("oracle saves %.3f, ours %.3f (%.1f %% violations), %s %.3f (%.1f %%); ours lost %.4f, it %.4f",
					r.OracleSavings, ours.Savings, 100*ours.ViolationRate, best.Name, best.Savings, 100*best.ViolationRate, lost(ours), lost(best))
				t.Log(told)
				if lost(ours) > (1+slack)*lost(best)+.005 {
					t.Error(told)
				}
			})
		}
	}
}
