package learned

import (
	"slices"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/gbdt"
)

// levels are the quantiles of the peak that are learned; calibration does the rest.
var levels = [...]float64{.9, .98}

// form is a way to make a peak, and a bound for calibration to move it towards, of
// what is known of a machine.
type form struct {
	head    int  // which of levels answers; summed: none, the history of three weeks
	floored bool // never under the summed history of two weeks
	shifted bool // calibration adds a share of the limit, instead of moving towards the sum of all-time maxima
}

const summed = -1

// forms are all there are, the plain one first.
func forms() []form {
	out := []form{{head: summed}}
	for head := range levels {
		for _, floored := range [...]bool{true, false} {
			out = append(out, form{head, floored, false}, form{head, floored, true})
		}
	}
	return out
}

// bounds are the peak and the bound of f. They need no model where f is summed.
func (f form) bounds(m *gbdt.Model, v *view) (low, high float32) {
	if f.head == summed || m == nil {
		return v.m21, v.all
	}
	var heads [len(levels)]float32
	predict(m, v, heads[:])
	z := heads[f.head]
	if f.floored {
		z = max(z, 0)
	}
	low = min(v.limit, max(0, v.m14+z*v.gap()))
	if f.shifted {
		return low, low
	}
	return low, v.all
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
	all := forms()
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
	best, most := form{head: summed}, 0.
	for k := range trials {
		if saved := trials[k].savings(l.setting.Risk); saved > most {
			best, most = all[k], saved
		}
	}
	return best
}

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
