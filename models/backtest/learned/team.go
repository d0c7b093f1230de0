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

// pick returns the forms that did best on past cases. Fewer than fewestSeen workloads
// are too few to learn from.
func (l *Peak) pick(epochs []epoch, rows []*row) team {
	t := l.trial(epochs, rows)
	if len(t.rows) == 0 {
		return nil
	}
	weeks := len(l.setting.Days)-len(l.setting.Test) >= fewestWeeks*7
	var all []verdict
	for _, f := range forms(weeks, t.modelled && len(l.seen) >= fewestSeen) {
		all = append(all, t.judge(f))
	}
	slices.SortStableFunc(all, func(a, b verdict) int { return cmp.Compare(a.loss, b.loss) })
	var out team
	last := math.Inf(-1)
	for _, v := range all {
		if v.loss > last && v.asGoodAs(&all[0]) { // of forms that come to the same, one
			out = append(out, v.member)
			last = v.loss
		}
	}
	return out
}

const (
	fewestWeeks = 3  // before the test tell how weeks go
	fewestSeen  = 30 // workloads
)

// asGoodAs reports whether v lost no more than other did, give or take a standard
// error (Breiman et al., "Classification and regression trees", section 3.4.3): days
// are what differs.
func (v *verdict) asGoodAs(other *verdict) bool {
	var n, sum, squares float64
	for d := range v.byDay {
		x := v.byDay[d] - other.byDay[d]
		n++
		sum += x
		squares += x * x
	}
	mean := sum / n
	return mean <= math.Sqrt(max(0, squares/n-mean*mean)/n)
}
