package learned

import (
	"slices"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/gbdt"
)

// levels are the quantiles of the peak that are learned; calibration does the rest.
var levels = [...]float64{.9, .98}

// form is a way to make a peak, and what calibration moves it towards, of what is
// known of a machine.
type form struct {
	low     low
	floored bool // a learned peak is never under the summed history of two weeks
	towards towards
	calm    bool // it moves less far over days of rest
}

// low is where the peak comes from.
type low int

const (
	threeWeeks low = iota // the largest of the summed history
	twoWeeks
	learnedLow  // the first of levels
	learnedHigh // the last
	learnedMean // of both
	lows
)

// towards is what margins are told in: how far a peak moves from its low to
// another, larger one. What separates the sum of the members' own maxima from the
// largest sum is the credit taken for their not peaking together. Those of all
// time are nearly a bound; those of a week tell better what a machine is doing
// now, where members change.
type towards int

const (
	allTime towards = iota // the sum of all-time maxima
	week                   // of those of seven days
	between                // halfway between the two
	share                  // no other peak: shares of the limit
	targets
)

// restful is how much less far a calm form moves over a horizon all of rest: what
// breaks records is mostly people at work.
const restful = .8

// forms are all there are, the plain one first. Those that tell days of rest need
// weeks to be judged on.
func forms(weeks bool) []form {
	var out []form
	for l := range lows {
		for t := range targets {
			for _, calm := range [...]bool{false, true} {
				if calm && (!weeks || t == share) {
					continue
				}
				out = append(out, form{l, false, t, calm})
				if l >= learnedLow {
					out = append(out, form{l, true, t, calm})
				}
			}
		}
	}
	return out
}

// bounds are the peak of f and what it moves towards. Without a model the summed
// history answers.
func (f form) bounds(m *gbdt.Model, v *view) (low, high float32) {
	low = f.peak(m, v)
	switch f.towards {
	case allTime:
		high = v.all
	case week:
		high = v.week
	case between:
		high = (v.week + v.all) / 2
	case share:
		high = low
	}
	if f.calm {
		high = low + (1-restful*v.rest)*max(high-low, 0)
	}
	return low, high
}

func (f form) peak(m *gbdt.Model, v *view) float32 {
	switch {
	case f.low == twoWeeks:
		return v.m14
	case f.low == threeWeeks || m == nil:
		return v.m21
	}
	var heads [len(levels)]float32
	predict(m, v, heads[:])
	z := heads[0]
	switch f.low {
	case learnedHigh:
		z = heads[len(heads)-1]
	case learnedMean:
		z = (heads[0] + heads[len(heads)-1]) / 2
	}
	if f.floored {
		z = max(z, 0)
	}
	return min(v.limit, max(0, v.m14+z*v.gap()))
}

func predict(m *gbdt.Model, v *view, out []float32) {
	if err := m.Predict(v.features, out); err != nil {
		panic(err) // the model was fitted on rows of look
	}
}

// best returns the form that would have saved most on the rows of the weeks before the
// test, none of which has seen its own, each form behind its own margin: on
// machines about as large as those asked for, and not all of whose members are new.
func (l *Peak) best(epochs []epoch, rows []*row) form {
	size := float64(l.setting.Typical())
	from := l.setting.Origins[0]
	all := forms(len(l.setting.Days)-len(l.setting.Test) >= fewestWeeks*7)
	trials := make([]trial, len(all))
	for _, r := range rows {
		e := epochAt(epochs, r.origin)
		if n := float64(r.members); r.origin < from || e == nil || e.warm == nil || n < .7*size || n > 1.4*size || r.younger > .5 {
			continue
		}
		for k, f := range all {
			low, high := f.bounds(e.warm, &r.view)
			trials[k].add(r, low, high)
		}
	}
	best, most := form{}, 0.
	for k := range trials {
		saved := 0.
		for _, scale := range around {
			saved += trials[k].savings(scale * l.setting.Risk)
		}
		if saved > most {
			best, most = all[k], saved
		}
	}
	return best
}

// fewestWeeks before the test tell how weeks go.
const fewestWeeks = 3

// around are the risks, in nominal ones, at which forms are compared: what passes a
// peak once in a hundred windows is a handful of workloads in a month, and which
// form they spare is luck.
var around = [...]float64{.5, 1, 2, 5}

// trial is a form at work on past rows, before calibration.
type trial struct {
	rows      []*row
	low, high []float32
	needed    []float32
}

func (t *trial) add(r *row, low, high float32) {
	t.rows = append(t.rows, r)
	t.low, t.high = append(t.low, low), append(t.high, high)
	t.needed = append(t.needed, forecast.Needed(low, high, r.limit, r.actual))
}

// savings returns what is saved with the margin that holds in all but risk.
func (t *trial) savings(risk float64) float64 {
	q, ok := models.ConformalQuantile(slices.Clone(t.needed), 1-risk)
	if !ok {
		return 0
	}
	var predicted, limit float64
	for i, r := range t.rows {
		predicted += float64(forecast.Peak(t.low[i], t.high[i], r.limit, q))
		limit += float64(r.limit)
	}
	return 1 - predicted/limit
}
