package learned

import (
	"cmp"
	"math"
	"slices"
)

// team answers with the mean of some forms. What passes a peak once in a hundred
// windows is a handful of workloads in a month, and which form they spare is luck:
// so all answer that cannot be told from the one that did best.
type team []member

// member is a form, and the margins with which its peaks were passed once in ten
// cases, and beyond that in a hundred: what makes margins of forms comparable.
type member struct {
	form
	often, seldom float32
}

// bounds are the peak passed once in ten cases, as the mean of members has it, and
// one passed once in a hundred. An empty team is the plain form.
func (t team) bounds(v *view) (low, high float32) {
	if len(t) == 0 {
		return form{}.bounds(v)
	}
	var beyond float32
	for _, m := range t {
		l, h := m.form.bounds(v)
		unit := max(h-l, 0) + v.floor()
		low += l + m.often*unit
		beyond += m.seldom * unit
	}
	n := float32(len(t))
	return low / n, low/n + max(beyond/n-v.floor(), 0)
}

// pick returns the forms that did best on past cases.
func (l *Peak) pick(epochs []epoch, rows []*row) team {
	t := l.trial(epochs, rows)
	if len(t.rows) == 0 {
		return nil
	}
	weeks := len(l.setting.Days)-len(l.setting.Test) >= fewestWeeks*7
	var learned []verdict
	if t.modelled {
		learned = t.judgeAll(learnedForms(weeks))
	}
	return choose(learned, t.judgeAll(simpleForms()), weeks)
}

// choose returns the team of forms that were learned, if any, and simple ones, the
// best of each first. What was learned from weeks answers alone unless a simple
// form did clearly better.
func choose(learned, simple []verdict, weeks bool) team {
	if weeks && len(learned) > 0 && learned[0].asGoodAs(&simple[0], clearly) {
		return teamOf(learned)
	}
	return teamOf(slices.Concat(learned, simple))
}

const (
	fewestWeeks = 3 // before the test tell how weeks go

	// clearly is how many standard errors better a simple form must have been than what
	// was learned from weeks: which did better for a while is mostly luck, and what
	// is learned is learned from more by the test than it was in the trial.
	clearly = 2
)

// judgeAll judges forms, the best first.
func (t *trial) judgeAll(forms []form) []verdict {
	var out []verdict
	for _, f := range forms {
		out = append(out, t.judge(f))
	}
	slices.SortStableFunc(out, func(a, b verdict) int { return cmp.Compare(a.loss, b.loss) })
	return out
}

// teamOf returns those that are as good as the best, give or take a standard error
// (Breiman et al., "Classification and regression trees", section 3.4.3); of forms that
// come to the same, one.
func teamOf(all []verdict) team {
	slices.SortStableFunc(all, func(a, b verdict) int { return cmp.Compare(a.loss, b.loss) })
	var out team
	last := math.Inf(-1)
	for _, v := range all {
		if v.loss > last && v.asGoodAs(&all[0], 1) {
			out = append(out, v.member)
			last = v.loss
		}
	}
	return out
}

// asGoodAs reports whether v lost no more than other did, give or take some standard
// errors: days are what differs.
func (v *verdict) asGoodAs(other *verdict, errors float64) bool {
	var n, sum, squares float64
	for d := range v.byDay {
		x := v.byDay[d] - other.byDay[d]
		n++
		sum += x
		squares += x * x
	}
	if n == 0 { // nothing tells them apart
		return true
	}
	mean := sum / n
	return mean <= errors*math.Sqrt(max(0, squares/n-mean*mean)/n)
}
