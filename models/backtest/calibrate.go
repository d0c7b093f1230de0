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

// outcome is what a past case needed, and where it was.
type outcome struct {
	needed float32
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
// has passed. Size pooled is all of them, for bands with too few cases. It is empty
// before there are any.
func (c *calibration) margins(low, high []float32, now int, risks []float64) map[band][]float32 {
	from := c.setting.calibratedFrom(now)
	first, _ := slices.BinarySearchFunc(c.order, from, func(i, step int) int { return c.moments[i].Origin - step })
	byBand := map[band][]outcome{}
	var all []outcome
	for _, i := range c.order[first:] {
		m := &c.moments[i]
		if m.Origin+c.horizon > now {
			break
		}
		o := outcome{forecast.Needed(low[i], high[i], m.Limit, m.Actual), c.blocks[i]}
		byBand[c.bands[i]] = append(byBand[c.bands[i]], o)
		all = append(all, o)
	}
	out := map[band][]float32{}
	for band, outcomes := range byBand {
		if len(outcomes) >= fewest {
			out[band] = c.marginsOf(outcomes, risks)
		}
	}
	if len(all) > 0 && len(out) < len(byBand) {
		out[band{size: pooled}] = c.marginsOf(all, risks)
	}
	return out
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

// distinctDays counts the days of machines that outcomes are of.
func (c *calibration) distinctDays(outcomes []outcome) int {
	seen := make([]bool, (c.last+1)*c.days)
	n := 0
	for _, o := range outcomes {
		if at := int(o.machine)*c.days + int(o.day); !seen[at] {
			seen[at] = true
			n++
		}
	}
	return n
}

// conformal returns the margin that a fresh case passes with at most the given
// risk, of outcomes in rising order. The hours of one machine's day are one event, so
// it is days that count for how far the rank is moved up (Dunn, Wasserman and
// Ramdas, "Distribution-free prediction sets for two-layer hierarchical models",
// JASA 2023). Where they are too few to tell, it is the largest margin needed, or
// the sum of maxima where even that is passed twice too often.
func conformal(outcomes []outcome, days int, risk float64) float32 {
	n := float64(days)
	share := math.Ceil((n+1)*(1-risk)-1e-9) / n
	if share <= 1 {
		return outcomes[max(int(math.Ceil(share*float64(len(outcomes))-1e-9)), 1)-1].needed
	}
	largest := outcomes[len(outcomes)-1].needed
	if 1/(n+1) > 2*risk {
		return max(1, largest)
	}
	return largest
}
