package backtest

import (
	"math/bits"
	"slices"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
)

// fewest is how many cases a margin is calibrated on at least: fewer say nothing
// of the tail.
const fewest = 500

// bandOf returns the size band of a machine: margins of machines of one band are
// pooled, since those of twelve workloads are wrong for forty.
func bandOf(members int) int { return bits.Len(uint(max(members, 1) - 1)) }

// calibration finds the margins of contestants day by day.
type calibration struct {
	panel   *Panel
	moments []Moment
	order   []int // indices of moments by origin
	bands   []int // by moment
	horizon int   // steps
	window  int   // steps
}

func newCalibration(p *Panel, moments []Moment, horizon time.Duration) *calibration {
	c := &calibration{panel: p, moments: moments, horizon: p.StepsIn(horizon), window: p.StepsIn(calibrateDays * dayLength)}
	c.order = make([]int, len(moments))
	c.bands = make([]int, len(moments))
	for i := range c.order {
		c.order[i] = i
		c.bands[i] = bandOf(moments[i].Members)
	}
	slices.SortStableFunc(c.order, func(a, b int) int { return moments[a].Origin - moments[b].Origin })
	return c
}

// margins returns, by band and then by risk, the margins that held on the cases
// of predictions low and high known at step now: those of the window whose horizon has passed. Band -1 pools
// all, for bands with too few cases. It is empty before there are any.
func (c *calibration) margins(low, high []float32, now int, risks []float64) map[int][]float32 {
	from := now - c.horizon - c.window
	first, _ := slices.BinarySearchFunc(c.order, from, func(i, step int) int { return c.moments[i].Origin - step })
	byBand := map[int][]float32{}
	var all []float32
	for _, i := range c.order[first:] {
		m := &c.moments[i]
		if m.Origin+c.horizon > now {
			break
		}
		q := forecast.Needed(low[i], high[i], m.Limit, m.Actual)
		byBand[c.bands[i]] = append(byBand[c.bands[i]], q)
		all = append(all, q)
	}
	out := map[int][]float32{}
	for band, needed := range byBand {
		if len(needed) >= fewest {
			out[band] = marginsOf(needed, risks)
		}
	}
	if len(all) > 0 && len(out) < len(byBand) {
		out[pooled] = marginsOf(all, risks)
	}
	return out
}

// marginsOf returns the margins that held on past cases, by risk; where they are
// too few to tell, the largest of them or the sum of maxima. It reorders needed.
func marginsOf(needed []float32, risks []float64) []float32 {
	slices.Sort(needed)
	margins := make([]float32, len(risks))
	for r, risk := range risks {
		q, ok := models.ConformalQuantile(needed, 1-risk)
		if !ok {
			q = max(1, needed[len(needed)-1])
		}
		margins[r] = q
	}
	return margins
}

// pooled is the band of all machines.
const pooled = -1
