package serving

import (
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// coverage holds past forecasts against what happened. Once a slot it notes the
// quantiles promised for the span that begins with the next slot; when that
// span is over it counts how many were kept.
type coverage struct {
	grid     forecast.Grid
	promises []promises // oldest first, one a slot at most
	kept     map[tally]kept
}

// promises are the quantiles of the maximum over one span.
type promises struct {
	start time.Time // of the span
	of    []promise
}

type promise struct {
	workload  string
	class     workload.Class
	resource  resource.Name
	quantiles []forecast.Quantile // shared with the forecast
}

// tally names a group whose promises are counted together.
type tally struct {
	class       workload.Class
	resource    resource.Name
	probability float64
}

// kept is a decayed count: with a half-life of a week, the week's drift shows.
type kept struct {
	held, of float64
}

const coverageHalfLife = 7 * 24 * time.Hour

// minMeasured is the share of a span's slots that must have been measured for its
// maximum to say anything.
const minMeasured = .75

func newCoverage(g forecast.Grid) coverage {
	return coverage{grid: g, kept: map[tally]kept{}}
}

// promise notes what p says about the span that begins with the next slot, if
// nothing has been noted for it.
func (c *coverage) promise(p *page, now time.Time) {
	start := now.Truncate(c.grid.Slot).Add(c.grid.Slot)
	if n := len(c.promises); n > 0 && !c.promises[n-1].start.Before(start) {
		return
	}
	next := promises{start: start}
	for id, e := range p.entries {
		for _, d := range e.forecast.Demands {
			if len(d.Quantiles) > 0 {
				next.of = append(next.of, promise{id, e.class, d.Resource, d.Quantiles})
			}
		}
	}
	c.promises = append(c.promises, next)
}

// judge counts the promises whose span is over.
func (c *coverage) judge(histories map[string]*models.History, now time.Time) {
	for len(c.promises) > 0 && !now.Before(c.promises[0].start.Add(c.grid.Span())) {
		c.fade()
		for _, p := range c.promises[0].of {
			c.judgeOne(p, c.promises[0].start, histories)
		}
		c.promises = c.promises[1:]
	}
}

func (c *coverage) judgeOne(p promise, start time.Time, histories map[string]*models.History) {
	h := histories[p.workload]
	if h == nil {
		return
	}
	u := h.Usage(p.resource)
	if u == nil {
		return
	}
	largest, measured := u.MaxOver(start, c.grid.Slots)
	if float64(measured) < minMeasured*float64(c.grid.Slots) {
		return
	}
	for _, q := range p.quantiles {
		t := tally{p.class, p.resource, q.P}
		k := c.kept[t]
		k.of++
		if largest <= float64(q.Value)*(1+1e-6) { // forecasts are float32
			k.held++
		}
		c.kept[t] = k
	}
}

// fade lets one slot's worth of the past be forgotten.
func (c *coverage) fade() {
	factor := decay(c.grid.Slot, coverageHalfLife)
	for t, k := range c.kept {
		c.kept[t] = kept{k.held * factor, k.of * factor}
	}
}
