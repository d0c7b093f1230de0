package models

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

func TestChainFallsBack(t *testing.T) {
	grid := forecast.DefaultGrid()
	day := NewHistory(grid)
	for i := range 13 * 24 {
		day.Add(sampleAt(monday.Add(time.Duration(i)*5*time.Minute), 1))
	}
	young := NewHistory(grid)
	young.Add(sampleAt(monday, 1))
	builder := NewPriorBuilder(grid)
	for range minAlike {
		s := Observed(day)
		builder.Add(ExampleOf(&s, day.Last(), grid))
	}
	now := day.Last()

	for _, c := range []struct {
		name    string
		prior   *Prior
		subject Subject
		want    forecast.Basis // "" = unknown
		cores   float32        // in every slot
	}{
		{"its own past", nil, Observed(day), forecast.Percentile, 1},
		{"workloads like it", builder.Build(), Subject{ID: "new", App: "a", Queue: "q", Limits: resource.Of(8, 0).Without(resource.Memory)}, forecast.Prior, 2},
		{"too young for its own past", builder.Build(), Observed(young), forecast.Prior, 1},
		{"no prior", nil, Subject{ID: "new", Limits: resource.Of(8, 0).Without(resource.Memory)}, forecast.Limit, 8},
		{"nothing known", builder.Build(), Subject{ID: "new"}, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := Set{Grid: grid, Prior: c.prior}
			f, known := set.Chain().Forecast(&c.subject, now)
			if known != (c.want != "") || f.Basis != c.want {
				t.Fatalf("known %v by %q, want %q", known, f.Basis, c.want)
			}
			if !known {
				return
			}
			if err := f.Validate(); err != nil {
				t.Fatal(err)
			}
			d, ok := f.Demand(resource.CPU)
			if !ok || d.Profile[3] != c.cores {
				t.Errorf("predicted %+v, want %g cores in every slot", d, c.cores)
			}
		})
	}
}

// Whatever was measured, every forecast is fit to be added up.
func TestForecastsAreValid(t *testing.T) {
	grid := forecast.DefaultGrid()
	rapid.Check(t, func(t *rapid.T) {
		h := NewHistory(grid)
		now := monday
		for range rapid.IntRange(1, 200).Draw(t, "samples") {
			now = now.Add(time.Duration(rapid.IntRange(1, 600).Draw(t, "gap")) * time.Minute)
			s := timeseries.Sample{Key: timeseries.Key{Workload: "w"}, Time: now}
			s.Usage = resource.Of(rapid.Float64Range(0, 100).Draw(t, "cpu"), rapid.Float64Range(0, 1e12).Draw(t, "memory"))
			s.Limit = resource.Of(rapid.Float64Range(0, 100).Draw(t, "cpu limit"), rapid.Float64Range(0, 1e12).Draw(t, "memory limit"))
			h.Add(&s)
		}
		subject := Observed(h)
		if rapid.Bool().Draw(t, "described") {
			w := workload.Workload{ID: "w", Requests: resource.Of(2, 1e9)}
			subject = Describe(&w, h)
		}
		set := Set{Grid: grid}
		f, known := set.Chain().Forecast(&subject, now.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "later"))*time.Hour))
		if !known {
			return
		}
		if err := f.Validate(); err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Demands {
			for i, q := range d.Quantiles {
				if i > 0 && q.Value < d.Quantiles[i-1].Value {
					t.Fatalf("%s: quantiles fall: %v", d.Resource, d.Quantiles)
				}
			}
			if d.Limit > 0 && d.Peak > d.Limit {
				t.Fatalf("%s: peak %g is over the limit %g", d.Resource, d.Peak, d.Limit)
			}
		}
	})
}

// A workload that peaks by day and one that peaks by night add up to less than
// their peaks.
func TestComplementaryPeaksShow(t *testing.T) {
	grid := forecast.DefaultGrid()
	var sum [24]float32
	var peaks float32
	for shift := range 2 {
		h := NewHistory(grid)
		for i := range 15 * 288 {
			now := monday.Add(time.Duration(i) * 5 * time.Minute)
			v := .2
			if busy := now.Hour() >= 8 && now.Hour() < 20; busy == (shift == 0) {
				v = 3
			}
			h.Add(sampleAt(now, v))
		}
		s := Observed(h)
		d, ok := Percentiles{}.Predict(&s, resource.CPU, h.Last(), grid)
		if !ok {
			t.Fatal("nothing predicted")
		}
		for k, v := range d.Profile {
			sum[k] += v
		}
		peaks += d.Peak
	}
	for k, v := range sum {
		if v < 3.1 || v > 3.3 {
			t.Errorf("slot %d adds up to %g, want 3.2 (the peaks to %g)", k, v, peaks)
		}
	}
}

func TestConformalQuantile(t *testing.T) {
	scores := []float32{5, 1, 4, 2, 3, 9, 8, 7, 6}
	for _, c := range []struct {
		p    float64
		want float32
		ok   bool
	}{{.5, 5, true}, {.9, 9, true}, {.91, 0, false}, {.1, 1, true}} {
		if q, ok := ConformalQuantile(scores, c.p); q != c.want || ok != c.ok {
			t.Errorf("of nine scores the %g-quantile is %g, %v; want %g, %v", c.p, q, ok, c.want, c.ok)
		}
	}
	if _, ok := ConformalQuantile(nil, .5); ok {
		t.Error("no scores promise nothing")
	}
}

// ConformalByDay is the plain quantile, or the next higher that the days vouch for.
func TestConformalByDay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scores := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) DayScore {
			return DayScore{rapid.Float32Range(-5, 5).Draw(t, "score"), rapid.Int32Range(0, 9).Draw(t, "day")}
		}), 0, 120).Draw(t, "scores")
		p := rapid.SampledFrom([]float64{.5, .9, .95, .99}).Draw(t, "p")
		var values []float32
		for _, s := range scores {
			values = append(values, s.Value)
		}
		plain, ok := ConformalQuantile(values, p)
		got, known := ConformalByDay(slices.Clone(scores), p)
		if known != ok {
			t.Fatalf("known %v, the plain quantile %v", known, ok)
		}
		if !ok {
			return
		}
		// holds reports whether so many scores lie above q at most, give or take an error
		// of which days are the draws.
		holds := func(q float32) bool {
			missed, cases, all := map[int32]float64{}, map[int32]float64{}, 0.
			for _, s := range scores {
				cases[s.Day]++
				if s.Value > q {
					missed[s.Day]++
					all++
				}
			}
			mean, squares := all/float64(len(scores)), 0.
			for day := range cases {
				squares += math.Pow(missed[day]-mean*cases[day], 2)
			}
			squares *= float64(len(cases)) / math.Max(float64(len(cases)-1), 1)
			return mean+math.Sqrt(squares)/float64(len(scores)) <= 1-p+1e-12
		}
		want := values[len(values)-1] // sorted by now
		for i := len(values) - 1; i >= 0 && values[i] >= plain && (holds(values[i]) || values[i] == want); i-- {
			want = values[i]
		}
		if got != want {
			t.Fatalf("the %g-quantile is %g, want %g (plain %g)", p, got, want, plain)
		}
	})
	// One bad day in ten outweighs the nine: a tenth of the scores lies above 1, but
	// another bad day would not be a surprise.
	var apart, together []DayScore
	for i := range int32(1000) {
		value := float32(1)
		if i%10 == 9 {
			value = 2
		}
		apart, together = append(apart, DayScore{value, i / 100}), append(together, DayScore{value, i % 10})
	}
	if q, _ := ConformalByDay(apart, .89); q != 1 {
		t.Errorf("of misses spread over all days the quantile is %g", q)
	}
	if q, _ := ConformalByDay(together, .89); q != 2 {
		t.Errorf("of misses of one day the quantile is %g", q)
	}
}

func TestCalibratedBandIsValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		needed := rapid.SliceOf(rapid.Custom(func(t *rapid.T) DayScore {
			return DayScore{rapid.Float32Range(-5, 5).Draw(t, "needed"), rapid.Int32Range(0, 9).Draw(t, "day")}
		})).Draw(t, "needed")
		m := forecast.Margins{Bands: []forecast.Band{CalibrateBand(resource.CPU, 12, needed)}}
		if err := m.Validate(); err != nil {
			t.Fatal(err)
		}
		for _, p := range m.Bands[0].Points {
			over := 0
			for _, need := range needed {
				if need.Value > p.Q {
					over++
				}
			}
			if float64(over) > p.Risk*float64(len(needed)+1) {
				t.Fatalf("the margin for risk %g is passed by %d of %d", p.Risk, over, len(needed))
			}
		}
	})
}
