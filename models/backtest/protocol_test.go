package backtest

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestOriginsAreThoseThatDataCovers(t *testing.T) {
	p := randomPanel(10, 6, 4)
	perDay := p.StepsIn(dayLength)
	for _, track := range p.Tracks { // the fourth day is missing
		for i := 3 * perDay; i < 4*perDay; i++ {
			if i >= track.First() {
				track.put(i, float32(math.NaN()))
			}
		}
	}
	s, err := Protocol{Horizon: 6 * time.Hour, Group: 2, TestDays: 2}.Set(p)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Days) != 5 || len(s.Test) != 2 || s.Test[0].From != 4*perDay {
		t.Fatalf("days %v, tested %v", s.Days, s.Test)
	}
	for _, o := range s.Origins {
		if day := o / perDay; day == 3 || day == 2 && o%perDay > 18*4+4 || o+24 > p.Steps {
			t.Errorf("origin %d reaches where there is no data", o)
		}
	}
	for _, o := range []Protocol{{Horizon: time.Minute}, {Group: -1}, {Risk: 2}, {TestDays: 5, Group: 2}, {Group: 11, TestDays: 1}, {TestDays: 1}} {
		if _, err := o.Set(p); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

// Margins come from cases of the same band, of the window, whose horizon is over.
func TestMarginsKnowOnlyWhatIsOver(t *testing.T) {
	p := randomPanel(1, 40, 1)
	horizon := p.StepsIn(dayLength)
	var moments []Moment
	var low, high []float32
	for o := range 35 * horizon / 4 {
		m := Moment{Origin: 4 * o, Members: 12, Limit: 100, Actual: 10 + 10*float32(o%100)/100}
		switch {
		case m.Origin > 29*horizon: // its horizon is not over
			m.Actual = 90
		case m.Origin < horizon: // before the window
			m.Actual = 95
		}
		moments = append(moments, m)
		low, high = append(low, 10), append(high, 20)
	}
	c := newCalibration(p, moments, dayLength)
	margins := c.margins(low, high, 30*horizon, []float64{.5, .1, .01})
	got := margins[bandOf(12)]
	for i, want := range []float64{.5, .9, .99} {
		want *= 10. / 11 // of the gap and 1 % of the limit
		if math.Abs(float64(got[i])-want) > .011 {
			t.Errorf("margin %g, want %g", got[i], want)
		}
	}
}

// The interval covers the rate that the cells were drawn with.
func TestIntervalsCoverTheRate(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	s := &test{Setting: &Setting{}, machines: 60, days: 14}
	var peaks []float32
	for m := range 60 {
		for d := range 14 {
			actual := float32(1)
			if rng.Float64() < .1 {
				actual = 3
			}
			for range 24 {
				s.moments = append(s.moments, Moment{Limit: 4, Actual: actual})
				s.blocks = append(s.blocks, block{int32(m), int32(d)})
				peaks = append(peaks, 2)
			}
		}
	}
	violations, savings := s.intervals(peaks)
	if violations[0] > .1 || violations[1] < .1 || violations[1]-violations[0] < .01 || violations[1]-violations[0] > .1 {
		t.Errorf("violations in %v, drawn with .1", violations)
	}
	if savings[0] != .5 || savings[1] != .5 {
		t.Errorf("savings in %v, want .5 whatever is drawn", savings)
	}
}
