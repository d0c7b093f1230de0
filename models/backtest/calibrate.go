package backtest

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"github.com/auspex-project/auspex/forecast"
)

// fewest is how many cases a margin is calibrated on at least: fewer say nothing
// of the tail.
const fewest = 500

// halfLife is in how many days that hold data a past case comes to count half as
// much: fleets drift, and a week more or less is a week for every weekday.
const halfLife = 14

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
	order   []int   // indices of moments by origin
	bands   []band  // by moment
	blocks  []block // by moment
	days    int     // in the panel
	last    int     // machine
	horizon int     // steps

	// pick, if set, finds margins instead of conformal.
	pick func(outcomes []outcome, risk float64) float32
}

// outcome is what a past case needed, where it was, and how much that counts by now.
type outcome struct {
	needed float32
	weight float32
	block
}

func newCalibration(s *Setting, moments []Moment) *calibration {
	c := &calibration{setting: s, moments: moments, horizon: s.Panel.StepsIn(s.Horizon)}
	c.order = make([]int, len(moments))
	c.bands = make([]band, len(moments))
	c.blocks = make([]block, len(moments))
	c.days = len(s.Days) + 1
	for i, m := range moments {
		c.order[i] = i
		c.bands[i] = c.bandOf(&moments[i])
		c.blocks[i] = block{int32(m.Machine), int32(s.DayOf(m.Origin))}
		c.last = max(c.last, m.Machine)
	}
	slices.SortStableFunc(c.order, func(a, b int) int { return moments[a].Origin - moments[b].Origin })
	return c
}

// DayOf returns how many days, of those that hold data, begin up to a step.
func (s *Setting) DayOf(step int) int {
	i, _ := slices.BinarySearchFunc(s.Days, step+1, func(d Day, step int) int { return d.From - step })
	return i
}

// margins returns, by band and then by risk, the margins that held on the cases
// of predictions low and high known at step now: those of the window whose horizon
// has passed. Size pooled is all of them, for bands that are asked for and have too few
// cases, or none. It is empty before there are any.
func (c *calibration) margins(low, high []float32, now int, risks []float64, asked []band) map[band][]float32 {
	from := c.setting.calibratedFrom(now)
	first, _ := slices.BinarySearchFunc(c.order, from, func(i, step int) int { return c.moments[i].Origin - step })
	weights := weightsByDay(c.setting.DayOf(now))
	byBand := map[band][]outcome{}
	var all []outcome
	for _, i := range c.order[first:] {
		m := &c.moments[i]
		if m.Origin+c.horizon > now {
			break
		}
		o := outcome{forecast.Needed(low[i], high[i], m.Limit, m.Actual), weights[c.blocks[i].day], c.blocks[i]}
		byBand[c.bands[i]] = append(byBand[c.bands[i]], o)
		all = append(all, o)
	}
	out := map[band][]float32{}
	for band, outcomes := range byBand {
		if len(outcomes) >= fewest {
			out[band] = c.marginsOf(outcomes, risks)
		}
	}
	if len(all) > 0 && slices.ContainsFunc(asked, func(b band) bool { return out[b] == nil }) {
		out[band{size: pooled}] = c.marginsOf(all, risks)
	}
	return out
}

// weightsByDay returns how much the cases of each day up to today count.
func weightsByDay(today int) []float32 {
	weights := make([]float32, today+1)
	for d := range weights {
		weights[d] = float32(math.Exp2(-float64(today-d) / halfLife))
	}
	return weights
}

// known returns how many cases are over by step now.
func (c *calibration) known(now int) int {
	n, _ := slices.BinarySearchFunc(c.order, now-c.horizon+1, func(i, step int) int { return c.moments[i].Origin - step })
	return n
}

// marginsOf returns the margins that held on past cases, by risk. It reorders them.
func (c *calibration) marginsOf(outcomes []outcome, risks []float64) []float32 {
	slices.SortFunc(outcomes, func(a, b outcome) int { return cmp.Compare(a.needed, b.needed) })
	margins := make([]float32, len(risks))
	days := c.distinctDays(outcomes)
	for r, risk := range risks {
		if c.pick != nil {
			margins[r] = c.pick(outcomes, risk)
		} else {
			margins[r] = conformal(outcomes, days, risk)
		}
	}
	return margins
}

// distinctDays weighs the days of machines that outcomes are of.
func (c *calibration) distinctDays(outcomes []outcome) float64 {
	seen := make([]bool, (c.last+1)*c.days)
	var n float64
	for _, o := range outcomes {
		if at := int(o.machine)*c.days + int(o.day); !seen[at] {
			seen[at] = true
			n += float64(o.weight)
		}
	}
	return n
}

// conformal returns the margin that a fresh case passes with at most the given
// risk, of outcomes in rising order, the recent of which count more (Barber, Candès,
// Ramdas and Tibshirani, "Conformal prediction beyond exchangeability", Annals of
// Statistics 2023, section 3). The hours of one machine's day are one event, so
// it is days that count for how far the rank is moved up (Dunn, Wasserman and
// Ramdas, "Distribution-free prediction sets for two-layer hierarchical models",
// JASA 2023). Where they are too few to tell, it is the largest margin needed, or
// the sum of maxima where even that is passed twice too often.
func conformal(outcomes []outcome, days, risk float64) float32 {
	largest := outcomes[len(outcomes)-1].needed
	share := (1 - risk) * (days + 1) / days
	switch {
	case share <= 1:
		return quantile(outcomes, share)
	case 1/(days+1) > 2*risk:
		return max(1, largest)
	}
	return largest
}

// quantile returns the margin that a share of the weight of outcomes, in rising
// order, needed at most.
func quantile(outcomes []outcome, share float64) float32 {
	var total, sum float64
	for _, o := range outcomes {
		total += float64(o.weight)
	}
	for _, o := range outcomes {
		if sum += float64(o.weight); sum >= share*total*(1-1e-9) {
			return o.needed
		}
	}
	return outcomes[len(outcomes)-1].needed
}
