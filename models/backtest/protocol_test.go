package backtest

import (
	"math"
	"math/rand/v2"
	"slices"
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
	const now = 42
	p := randomPanel(1, 50, 1)
	horizon := p.StepsIn(dayLength)
	var moments []Moment
	var low, high []float32
	for o := range 45 * horizon / 4 {
		m := Moment{Origin: 4 * o, Machine: o % 24, Members: 12, Age: horizon, Limit: 100, Actual: 10 + 10*float32(o%96)/96} // seven rounds in 28 days
		switch {
		case m.Origin > (now-1)*horizon: // its horizon is not over
			m.Actual = 90
		case m.Origin < (now-calibrateDays-1)*horizon: // before the window
			m.Actual = 95
		}
		moments = append(moments, m)
		low, high = append(low, 10), append(high, 20)
	}
	days := make([]Day, p.Steps/horizon)
	for d := range days {
		days[d] = Day{d * horizon, (d + 1) * horizon}
	}
	c := newCalibration(&Setting{Protocol: Protocol{Horizon: dayLength}, Panel: p, Days: days}, moments)
	margins := c.margins(low, high, now*horizon, []float64{.5, .1, .01}, nil)
	got := margins[c.bandOf(&moments[0])]
	for i, want := range []float64{.5, .9, .99} {
		want *= 10. / 11 // of the gap and 1 % of the limit
		if math.Abs(float64(got[i])-want) > .013 {
			t.Errorf("margin %g, want %g", got[i], want)
		}
	}
}

// Machines of the young have margins of their own, and the window counts days that
// hold data, however far apart they are.
func TestMarginsByAge(t *testing.T) {
	const perDay = 96
	p := randomPanel(1, 60, 1)
	var days []Day
	for d := 0; d < 60; d += 2 {
		days = append(days, Day{d * perDay, (d + 1) * perDay})
	}
	var moments []Moment
	for _, day := range days {
		for k := range fewest / 10 {
			old := Moment{Origin: day.From, Members: 12, Age: perDay, Limit: 100, Actual: 12, Machine: k}
			young := old
			young.Age, young.Actual = perDay-1, 18
			moments = append(moments, old, young)
		}
	}
	low, high := slices.Repeat([]float32{10}, len(moments)), slices.Repeat([]float32{19}, len(moments))
	c := newCalibration(&Setting{Protocol: Protocol{Horizon: dayLength}, Panel: p, Days: days}, moments)
	margins := c.margins(low, high, days[29].From, []float64{.1}, nil)
	for i, want := range []float32{.2, .8} {
		if got := margins[c.bandOf(&moments[i])]; len(got) != 1 || math.Abs(float64(got[0]-want)) > 1e-5 {
			t.Errorf("margins %v, want %g", got, want)
		}
	}
	// Machines of a size that was never seen before have those of all.
	larger := band{size: 9}
	margins = c.margins(low, high, days[29].From, []float64{.1}, []band{larger})
	if got := margins[band{size: pooled}]; len(got) != 1 || math.Abs(float64(got[0]-.8)) > 1e-5 {
		t.Errorf("margins %v of machines never seen before, want .8", got)
	}
}

// Margins come from 28 days that hold data, and a horizon, but never from the first
// quarter of what is known, when that was little.
func TestCalibratedFrom(t *testing.T) {
	const perDay = 96
	var days []Day
	for d := 0; d < 100; d += 2 {
		days = append(days, Day{d * perDay, (d + 1) * perDay})
	}
	s := &Setting{Protocol: Protocol{Horizon: dayLength}, Panel: randomPanel(1, 100, 1), Days: days}
	for day, want := range map[int]int{0: 0, 1: 0, 3: 0, 4: 1, 20: 5, 36: 9, 37: 9, 38: 10, 40: 12, 49: 21} {
		if got := s.calibratedFrom(days[day].From); got != max(0, days[want].From-perDay) {
			t.Errorf("on day %d calibrated from step %d, want a horizon before day %d", day, got, want)
		}
	}
	for step, want := range map[int]int{0: 1, perDay - 1: 1, 2*perDay - 1: 1, 2 * perDay: 2, 99 * perDay: 50} {
		if got := s.DayOf(step); got != want {
			t.Errorf("step %d is of day %d, want %d", step, got, want)
		}
	}
}

func TestConformalCountsDays(t *testing.T) {
	var outcomes []outcome
	for i := range 2400 { // 24 hours of 100 days
		outcomes = append(outcomes, outcome{needed: float32(i) / 2400, weight: 1})
	}
	for _, c := range []struct{ days, risk, want float64 }{
		{2400, .1, .9},
		{100, .1, .909}, // 90.9 of 100
		{100, .01, 1},   // nearly all
		{60, .01, 1},    // the largest: passed in 1 of 61
		{10, .01, 1},    // too few: the sum of maxima
		{1, .9, .2},     // a fifth of one
	} {
		if got := conformal(outcomes, c.days, c.risk); math.Abs(float64(got)-c.want) > .002 {
			t.Errorf("%g days at risk %g: margin %g, want %g", c.days, c.risk, got, c.want)
		}
	}
}

// What happened a half-life ago counts half: of two days as good as each other but for
// their age, the margin is mostly that of the newer.
func TestConformalForgets(t *testing.T) {
	weights := weightsByDay(2 * halfLife)
	if now, then, before := weights[2*halfLife], weights[halfLife], weights[0]; now != 1 || then != .5 || before != .25 {
		t.Errorf("weights %g, %g, %g", now, then, before)
	}
	var outcomes []outcome
	for i := range 3000 { // two thirds of the weight need up to .5, half of the cases
		o := outcome{needed: float32(i) / 3000, weight: 1}
		if i >= 1500 {
			o.weight = .5
		}
		outcomes = append(outcomes, o)
	}
	for risk, want := range map[float64]float64{.5: .375, 1. / 3: .5, .1: .85} {
		if got := conformal(outcomes, 1e6, risk); math.Abs(float64(got)-want) > .002 {
			t.Errorf("at risk %g margin %g, want %g", risk, got, want)
		}
	}
}

// A margin that must hold for other machines too is larger where machines differ.
func TestSurely(t *testing.T) {
	fleet := func(bad int) (out []outcome) {
		for i := range 10_000 {
			out = append(out, outcome{float32(i) / 10_000, 1, block{int32(i % 50), int32(i / 50 % 40)}})
		}
		for i := range out[9000:] { // the last tenth all on a few machines
			out[9000+i].machine = int32(i % bad)
		}
		return out
	}
	alike, apart := surely(fleet(50), .05, 1), surely(fleet(2), .05, 1)
	if alike < .945 || alike > .975 || apart <= alike {
		t.Errorf("margin %g of machines alike, %g of two that are worse", alike, apart)
	}
	if more := surely(fleet(2), .05, 4); more <= apart {
		t.Errorf("margin %g with copies, %g without", more, apart)
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
