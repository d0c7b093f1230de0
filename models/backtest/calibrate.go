package backtest

import (
	"math/bits"
	"slices"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
)

// fewest is how many cases a margin is calibrated on at least: fewer say nothing
// of the tail.
const fewest = 500

// band is what machines are pooled by: margins of twelve workloads are wrong for
// forty, and those of workloads known for weeks for those of today.
type band struct {
	size  int
	young bool // half of the members are younger than a day
}

// bandOf returns the band of a machine.
func (c *calibration) bandOf(m *Moment) band {
	return band{bits.Len(uint(max(m.Members, 1) - 1)), m.Age < c.setting.Panel.StepsIn(dayLength)}
}

// pooled is the size of the band of all machines.
const pooled = -1

// calibration finds the margins of contestants day by day.
type calibration struct {
	setting *Setting
	moments []Moment
	order   []int  // indices of moments by origin
	bands   []band // by moment
	horizon int    // steps
}

func newCalibration(s *Setting, moments []Moment) *calibration {
	c := &calibration{setting: s, moments: moments, horizon: s.Panel.StepsIn(s.Horizon)}
	c.order = make([]int, len(moments))
	c.bands = make([]band, len(moments))
	for i := range c.order {
		c.order[i] = i
		c.bands[i] = c.bandOf(&moments[i])
	}
	slices.SortStableFunc(c.order, func(a, b int) int { return moments[a].Origin - moments[b].Origin })
	return c
}

// margins returns, by band and then by risk, the margins that held on the cases
// of predictions low and high known at step now: those of the window whose horizon
// has passed. Size pooled is all of them, for bands with too few cases. It is empty
// before there are any.
func (c *calibration) margins(low, high []float32, now int, risks []float64) map[band][]float32 {
	from := c.setting.calibratedFrom(now)
	first, _ := slices.BinarySearchFunc(c.order, from, func(i, step int) int { return c.moments[i].Origin - step })
	byBand := map[band][]float32{}
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
	out := map[band][]float32{}
	for band, needed := range byBand {
		if len(needed) >= fewest {
			out[band] = marginsOf(needed, risks)
		}
	}
	if len(all) > 0 && len(out) < len(byBand) {
		out[band{size: pooled}] = marginsOf(all, risks)
	}
	return out
}

// known returns how many cases are over by step now.
func (c *calibration) known(now int) int {
	n, _ := slices.BinarySearchFunc(c.order, now-c.horizon+1, func(i, step int) int { return c.moments[i].Origin - step })
	return n
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
