package trial

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var monday = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

func on(day int) time.Time { return monday.AddDate(0, 0, day) }

// Cases that stand and fall together say no more than one.
func TestClustersCountOnce(t *testing.T) {
	tally := func(each int) *Tally {
		t := &Tally{}
		for k := range 400 * each {
			app := k % 400
			t.Add(fmt.Sprint(app), on(0), map[bool]float64{true: 1}[app < 20])
		}
		return t
	}
	alone, many := tally(1).Estimate(0), tally(50).Estimate(0)
	if math.Abs(alone.Error-many.Error) > 1e-12 {
		t.Errorf("400 cases err by %g, each 50 times by %g", alone.Error, many.Error)
	}
	// Independent cases: the normal approximation of the binomial.
	if want := math.Sqrt(.95 * .05 / 399); math.Abs(alone.Error-want) > 1e-9 {
		t.Errorf("400 cases err by %g, want %g", alone.Error, want)
	}
}

func TestWhereNothingCanBeTold(t *testing.T) {
	one := &Tally{}
	for k := range 100 {
		one.Add("web", on(0), float64(k%2))
	}
	if e := one.Estimate(0); e.Above(-1e9, Alpha) || e.Below(1e9, Alpha) {
		t.Errorf("one app on one day is sure of something: %+v", e)
	}
	if e := new(Tally).Estimate(0); e.Above(-1e9, Alpha) || e.Below(1e9, Alpha) || Broken(.99, e) {
		t.Errorf("no case is sure of something: %+v", e)
	}
	for d := range 5 {
		one.Add("web", on(d), 1)
	}
	if e := one.Estimate(0); e.Freedom != 4 || math.IsInf(e.Error, 1) {
		t.Errorf("one app on five days: %+v", e)
	}
}

// A day that is bad for all apps is one bad day, an app that is bad on all days
// is one bad app: under no effect at all, the error rate holds either way.
func TestTheErrorRateHolds(t *testing.T) {
	const trials = 800
	for _, c := range []struct {
		name       string
		app, day   float64
		apps, days int
	}{
		{"independent", 0, 0, 30, 14}, {"by app", 1, 0, 30, 14}, {"by day", 0, 1, 30, 14}, {"both", 1, 1, 30, 14}, {"a week", 1, 1, 30, 7},
	} {
		rng := rand.New(rand.NewPCG(1, 2))
		wrong := 0
		for range trials {
			tally := &Tally{}
			apps := make([]float64, c.apps)
			for a := range apps {
				apps[a] = c.app * rng.NormFloat64()
			}
			for d := range c.days {
				day := c.day * rng.NormFloat64()
				for a, app := range apps {
					tally.Add(fmt.Sprint(a), on(d), app+day+rng.NormFloat64())
				}
			}
			if tally.Estimate(0).Above(0, Alpha) {
				wrong++
			}
		}
		if rate := float64(wrong) / trials; rate > 1.5*Alpha {
			t.Errorf("%s: wrong in %.1f %% of the trials, want at most about %g %%", c.name, 100*rate, 100*Alpha)
		}
	}
}

func TestForgetAndWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tally, late := &Tally{}, &Tally{}
		from := rapid.IntRange(0, 5).Draw(t, "from")
		for range rapid.IntRange(0, 30).Draw(t, "cases") {
			app, day := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "app"), rapid.IntRange(0, 5).Draw(t, "day")
			x, y := rapid.Float64Range(-1, 1).Draw(t, "x"), rapid.Float64Range(0, 1).Draw(t, "y")
			tally.Add(app, on(day), x, y)
			if day >= from {
				late.Add(app, on(day), x, y)
			}
		}
		tally.Forget(on(from))
		data, err := json.Marshal(tally)
		if err != nil {
			t.Fatal(err)
		}
		var back Tally
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatal(err)
		}
		if back.Cases() != late.Cases() {
			t.Fatalf("%d cases, want %d", back.Cases(), late.Cases())
		}
		if back.Cases() > 0 {
			for i := range 2 {
				got, want := back.Estimate(i), late.Estimate(i)
				if math.Abs(got.Mean-want.Mean) > 1e-9 || got.Freedom != want.Freedom {
					t.Fatalf("measure %d is %+v, want %+v", i, got, want)
				}
			}
		}
	})
}

func TestBroken(t *testing.T) {
	tally := func(misses float64) Estimate {
		t, rng := &Tally{}, rand.New(rand.NewPCG(3, 4))
		for k := range 200 * 14 * 5 {
			x := 0.0
			if rng.Float64() < misses {
				x = 1
			}
			t.Add(fmt.Sprint(k%200), on(k/200%14), x)
		}
		return t.Estimate(0)
	}
	for misses, want := range map[float64]bool{0: false, .01: false, .013: false, .03: true, .2: true} {
		if e := tally(misses); Broken(.99, e) != want {
			t.Errorf("a 99 %% quantile passed in %g %%: broken %v (%s)", 100*misses, !want, Describe(.99, e))
		}
	}
	if e := tally(.055); Broken(.95, e) {
		t.Error(Describe(.95, e))
	}
}

func TestRecordSurvivesWriting(t *testing.T) {
	r := &Record{Levels: []float64{.5, .95, .98, .99}}
	for k := range 400 {
		late := k*7%11 == 0
		r.Count("service", "cpu", "own", fmt.Sprint(k%20), on(k/40), []bool{true, late, late, late}, .2, .1)
		r.Count("batch", "cpu", "own", fmt.Sprint(k%20), on(k/40), []bool{false, false, false, false}, .1, 0)
	}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Record
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	bad, good := back.Of("service", "cpu", "own"), back.Of("batch", "cpu", "own")
	if back.Broken(bad) == "" || back.Broken(good) != "" {
		t.Errorf("a quantile passed in 10 %% of the cases: %q, one never passed: %q", back.Broken(bad), back.Broken(good))
	}
	all := back.Pooled("cpu", "own", func(string) bool { return true })
	if e := back.Loss(all); math.Abs(e.Mean-.15) > 1e-9 || all.Tally.Cases() != 800 {
		t.Errorf("pooled: %+v", e)
	}
	back.Forget(on(30))
	if len(back.Entries()) != 0 {
		t.Errorf("%d entries after all is forgotten", len(back.Entries()))
	}
	for _, bad := range []string{`{"version":9}`, `{"version":1,"levels":[0.5],"entries":[null]}`, `{"version":1,"levels":[0.5],"entries":[{"cases":[{"sums":[1]}]}]}`, `[]`} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("accepted %s", bad)
		}
	}
}
