package learned

import (
	"cmp"
	"slices"

	"github.com/auspex-project/auspex/forecast"
)

// trial is the cases forms are compared on: machines of the weeks before the test,
// none of which the models that answer for them have seen.
type trial struct {
	rows     []*row
	day      []int // of each row, of those that have any
	days     int
	modelled bool    // all rows
	risk     float64 // nominal
}

// blocks are what the days are cut into: margins come from those before, as they do
// in use.
const blocks = 4

// around are the risks, in nominal ones, at which forms are compared.
var around = [...]float64{.5, 1, 2, 5}

// trial returns the rows of the weeks before the test like what will be asked for:
// machines about as large, of workloads as old as most are, and not just started.
func (l *Peak) trial(epochs []epoch, rows []*row) *trial {
	t := &trial{modelled: true, risk: l.setting.Risk}
	size := float64(l.setting.Typical())
	var byAge [2][]*row
	for _, r := range rows {
		if n := float64(r.members); r.origin < l.setting.Origins[0] || n < .7*size || n > 1.4*size || r.young > .5 {
			continue
		}
		e := epochAt(epochs, r.origin)
		if e == nil {
			continue
		}
		r.ask(e.warm)
		age := 0
		if r.younger > .5 {
			age = 1
		}
		byAge[age] = append(byAge[age], r)
	}
	t.rows = byAge[0]
	if len(byAge[1]) > len(byAge[0]) {
		t.rows = byAge[1]
	}
	for _, r := range t.rows {
		t.modelled = t.modelled && r.modelled
	}
	t.cut(l.setting.DayOf)
	return t
}

// cut numbers the days of the rows. Where there are fewer than blocks, what there is
// is cut into pieces that count as days: a form is better chosen on hours than unseen.
func (t *trial) cut(dayOf func(step int) int) {
	if len(t.rows) == 0 {
		return
	}
	first, last := t.rows[0].origin, t.rows[len(t.rows)-1].origin
	if known := dayOf(last) - dayOf(first) + 1; known < blocks {
		dayOf = func(step int) int { return (step - first) * 2 * blocks / (last - first + 1) }
	}
	before := -1
	for _, r := range t.rows {
		if d := dayOf(r.origin); d != before {
			before = d
			t.days++
		}
		t.day = append(t.day, t.days-1)
	}
}

// verdict is what came of a form.
type verdict struct {
	member
	loss  float64 // mean of all rows
	byDay []float64
}

// judge lets f answer for the rows of all blocks but the first, behind margins of
// those before. It loses what it leaves unused and what is passed, as shares of the
// limit, the latter in units of risk: the pinball loss of a promise, in units of
// savings.
func (t *trial) judge(f form) verdict {
	n := len(t.rows)
	low, high, needed, order := make([]float32, n), make([]float32, n), make([]float32, n), make([]int, n)
	inBlock := [blocks]int{}
	for i, r := range t.rows {
		low[i], high[i] = f.bounds(&r.view)
		needed[i] = forecast.Needed(low[i], high[i], r.limit, r.actual)
		order[i] = i
		inBlock[t.block(i)]++
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(needed[a], needed[b]) })
	at := func(quantile float64) float32 { return needed[order[int(quantile*float64(n-1))]] }
	v := verdict{member: member{form: f, often: at(.9), seldom: at(.99) - at(.9)}, byDay: make([]float64, t.days)}
	cases := make([]float64, t.days)
	before := 0
	for b, in := range inBlock {
		for _, scale := range around {
			risk := min(scale*t.risk, .5)
			if before == 0 {
				break
			}
			q := t.margin(needed, order, b, int(risk*float64(before)))
			for i, r := range t.rows {
				if t.block(i) != b {
					continue
				}
				lost := float64((forecast.Peak(low[i], high[i], r.limit, q) - r.actual) / r.limit)
				if lost < 0 {
					lost *= (risk - 1) / risk
				}
				v.loss += lost
				v.byDay[t.day[i]] += lost
				cases[t.day[i]]++
			}
		}
		before += in
	}
	return v.mean(cases)
}

// mean returns v, whose losses are sums so far, with means; days without cases are
// left out.
func (v verdict) mean(cases []float64) verdict {
	var n float64
	var byDay []float64
	for d, lost := range v.byDay {
		if cases[d] > 0 {
			n += cases[d]
			byDay = append(byDay, lost/cases[d])
		}
	}
	v.loss /= max(n, 1)
	v.byDay = byDay
	return v
}

// margin returns the margin that all rows of the blocks before one, and above of them,
// needed.
func (t *trial) margin(needed []float32, order []int, block, above int) float32 {
	for _, i := range slices.Backward(order) {
		if t.block(i) >= block {
			continue
		}
		if above--; above < 0 {
			return needed[i]
		}
	}
	return needed[order[len(order)-1]]
}

func (t *trial) block(i int) int { return t.day[i] * blocks / t.days }
