package learned

import (
	"slices"
	"testing"
	"time"
)

func TestRest(t *testing.T) {
	monday := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		from, horizon time.Duration
		want          float32
	}{
		{0, 24 * time.Hour, 0},
		{4 * day, 24 * time.Hour, 0},
		{4*day + 18*time.Hour, 24 * time.Hour, .75},
		{5 * day, 24 * time.Hour, 1},
		{6*day + 12*time.Hour, 24 * time.Hour, .5},
		{6*day + 18*time.Hour, 6 * time.Hour, 1},
	} {
		if got := rest(monday.Add(test.from), test.horizon); got != test.want {
			t.Errorf("%v from Monday plus %v: %g of it rest, want %g", test.horizon, test.from, got, test.want)
		}
	}
}

// Calm forms start where they do on workdays and move less far over days of rest;
// plain ones are the same on every day.
func TestFormsBound(t *testing.T) {
	workday := view{limit: 100, m1: 15, m14: 20, m21: 25, same: 14, yesterday: 12, weekday: 13, mean: 10, deviation: 3, s14: 38, week: 40, all: 60, learned: .2, modelled: true}
	weekend := workday
	weekend.rest = 1
	for _, f := range append(learnedForms(true), simpleForms()...) {
		low, high := f.bounds(&workday)
		lowRest, highRest := f.bounds(&weekend)
		if low != lowRest || low <= 0 || high < low {
			t.Errorf("%+v: from %g to %g, over a weekend from %g", f, low, high, lowRest)
		}
		if left := 1 - restful; f.calm && highRest-low > float32(left)*(high-low)+1e-4 || !f.calm && highRest != high {
			t.Errorf("%+v: from %g to %g, over a weekend to %g", f, low, high, highRest)
		}
	}
	if slices.ContainsFunc(simpleForms(), func(f form) bool { return f.low == boosted }) {
		t.Error("a learned form where nothing was learned")
	}
	if simpleForms()[0] != (form{}) || slices.ContainsFunc(learnedForms(false), func(f form) bool { return f.calm }) {
		t.Error("the plain form is not the first, or weekends are told without weeks to learn them from")
	}
}

// What was learned may lie under the summed history of two weeks, as a share of what
// separates it from the sum of maxima; without a model that of three weeks answers.
func TestBoosted(t *testing.T) {
	v := view{limit: 100, m14: 20, m21: 25, s14: 39, learned: .5, modelled: true}
	f := form{low: boosted}
	for _, test := range []struct {
		learned float32
		want    float32
	}{{.5, 30}, {0, 20}, {-.5, 10}, {-5, 0}, {5, 100}} {
		if v.learned = test.learned; f.peak(&v) != test.want {
			t.Errorf("%g gaps over 20 make %g, want %g", test.learned, f.peak(&v), test.want)
		}
	}
	if v.ask(nil); f.peak(&v) != 25 {
		t.Errorf("without a model %g, want the summed history", f.peak(&v))
	}
}
