package learned

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/auspex-project/auspex/forecast"
)

// flat has days of rows whose peaks are what the last day's were, give or take.
func flat(days, perDay int) *trial {
	rng := rand.New(rand.NewPCG(1, 2))
	t := &trial{days: days, risk: .01}
	for d := range days {
		for range perDay {
			r := &row{origin: d, view: view{limit: 100, all: 90, week: 80, m21: float32(20 + 60*rng.Float64())}}
			r.m1 = float32(20 + 20*rng.Float64())
			r.actual = r.m1 * float32(.8+.2*rng.Float64())
			t.rows, t.day = append(t.rows, r), append(t.day, d)
		}
	}
	return t
}

// A form is judged behind margins of the days before: as a loop over all pairs has it.
func TestJudge(t *testing.T) {
	past := flat(8, 40)
	f := form{low: oneDay, towards: share}
	got := past.judge(f)
	var loss float64
	judged := 0
	for i, r := range past.rows {
		if past.day[i] < 2 { // the first of four blocks of two days
			continue
		}
		judged++
		for _, scale := range around {
			var before []float32
			for j, o := range past.rows {
				if past.day[j]/2 < past.day[i]/2 {
					before = append(before, forecast.Needed(o.m1, o.m1, o.limit, o.actual))
				}
			}
			slices.Sort(before)
			risk := scale * past.risk
			peak := forecast.Peak(r.m1, r.m1, r.limit, before[len(before)-1-int(risk*float64(len(before)))])
			lost := float64(peak-r.actual) / 100
			if lost < 0 {
				lost *= -(1 - risk) / risk
			}
			loss += lost / float64(len(around))
		}
	}
	if loss /= float64(judged); math.Abs(got.loss-loss) > 1e-6 {
		t.Errorf("lost %g, want %g", got.loss, loss)
	}
	var byDay float64
	for _, x := range got.byDay {
		byDay += x / float64(len(got.byDay))
	}
	if len(got.byDay) != 6 || math.Abs(byDay-loss) > 1e-6 {
		t.Errorf("%d days lost %g, all %g", len(got.byDay), byDay, loss)
	}
	if worse := past.judge(form{}); worse.loss < 2*got.loss || worse.asGoodAs(&got, 1) || !got.asGoodAs(&worse, 1) || !got.asGoodAs(&got, 1) {
		t.Errorf("what knows the peak lost %g, what does not %g", got.loss, worse.loss)
	}
}

// A day without others before it tells nothing of any form: all are as good.
func TestJudgeOneDay(t *testing.T) {
	past := flat(1, 10)
	a, b := past.judge(form{low: oneDay, towards: share}), past.judge(form{})
	if a.loss != 0 || len(a.byDay) != 0 || !a.asGoodAs(&b, 1) || !b.asGoodAs(&a, 1) {
		t.Errorf("%+v, %+v", a, b)
	}
}

// Rows are told apart by days, and by pieces of what there is where that is too few days.
func TestCut(t *testing.T) {
	for _, test := range []struct {
		name    string
		origins []int
		want    []int
	}{
		{"days", []int{0, 12, 24, 48, 60, 72}, []int{0, 0, 1, 2, 2, 3}},
		{"days, one without rows", []int{0, 48, 72, 96}, []int{0, 1, 2, 3}},
		{"two days", []int{0, 3, 6, 7, 24, 47}, []int{0, 0, 1, 1, 2, 3}},
		{"one hour", []int{5, 5}, []int{0, 0}},
		{"none", nil, nil},
	} {
		var past trial
		for _, origin := range test.origins {
			past.rows = append(past.rows, &row{origin: origin})
		}
		past.cut(func(step int) int { return step/24 + 1 })
		days := 0
		if n := len(test.want); n > 0 {
			days = test.want[n-1] + 1
		}
		if !slices.Equal(past.day, test.want) || past.days != days {
			t.Errorf("%s: %v of %d days, want %v", test.name, past.day, past.days, test.want)
		}
	}
}

// A team of one is its form: behind no margin as often passed as one case in ten,
// behind a whole one as one in a hundred.
func TestTeamOfOne(t *testing.T) {
	past := flat(4, 100)
	for _, f := range []form{{}, {low: oneDay, towards: share}, {low: average, towards: deviation}, {low: limits, towards: share}} {
		m := past.judge(f).member
		for _, r := range past.rows[:20] {
			low, high := team{m}.bounds(&r.view)
			formLow, formHigh := f.bounds(&r.view)
			for q, margin := range map[float32]float32{0: m.often, 1: m.often + m.seldom} {
				got, want := forecast.Peak(low, high, r.limit, q), forecast.Peak(formLow, formHigh, r.limit, margin)
				if q == 1 && m.seldom < 1 && high == low { // margins are never told in less than a floor
					continue
				}
				if math.Abs(float64(got-want)) > 1e-3 {
					t.Errorf("%+v: margin %g makes %g, want %g", f, q, got, want)
				}
			}
		}
	}
}

// What a team starts from is the mean of what its forms do.
func TestTeamIsTheMean(t *testing.T) {
	past := flat(4, 100)
	a, b := past.judge(form{low: oneDay, towards: share}).member, past.judge(form{}).member
	for _, r := range past.rows {
		one, _ := team{a}.bounds(&r.view)
		two, _ := team{b}.bounds(&r.view)
		low, high := team{a, b}.bounds(&r.view)
		if math.Abs(float64(low-(one+two)/2)) > 1e-3 || high < low {
			t.Fatalf("from %g and %g to %g, and %g", one, two, low, high)
		}
	}
	v := &past.rows[0].view
	if low, high := (team{}).bounds(v); low != v.m21 || high != v.all {
		t.Errorf("nobody answers %g to %g", low, high)
	}
}

// What was learned from weeks answers alone, whatever simple form did a little better; what
// was learned from days answers beside those that cannot be told from it.
func TestChoose(t *testing.T) {
	did := func(l low, byDay ...float64) verdict {
		v := verdict{member: member{form: form{low: l}}, byDay: byDay}
		for _, x := range byDay {
			v.loss += x / float64(len(byDay))
		}
		return v
	}
	ours := did(boosted, 4, 5, 6, 5)
	for _, test := range []struct {
		name    string
		learned []verdict
		simple  []verdict
		weeks   bool
		want    []low
	}{
		{"better by luck", []verdict{ours}, []verdict{did(twoWeeks, 5, 4, 3, 6), did(limits, 9, 9, 9, 9)}, true, []low{boosted}},
		{"clearly better", []verdict{ours}, []verdict{did(twoWeeks, 1, 2, 3, 2)}, true, []low{twoWeeks}},
		{"only days", []verdict{ours}, []verdict{did(twoWeeks, 5, 4, 3, 6), did(limits, 9, 9, 9, 9)}, false, []low{twoWeeks, boosted}},
		{"nothing learned", nil, []verdict{did(twoWeeks, 5, 4, 3, 6), did(limits, 9, 9, 9, 9)}, true, []low{twoWeeks}},
		{"all the same", nil, []verdict{did(twoWeeks, 5, 4), did(limits, 5, 4)}, true, []low{twoWeeks}},
	} {
		var got []low
		for _, m := range choose(test.learned, test.simple, test.weeks) {
			got = append(got, m.low)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v answer, want %v", test.name, got, test.want)
		}
	}
}
