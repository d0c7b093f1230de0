package backtest

import (
	"fmt"
	"time"
)

// mostApart is the share of samples that lie no further apart than a step of the
// grid.
const mostApart = .9

// coarsen makes the step as long as samples of one workload mostly lie apart, so
// that what is measured every quarter of an hour has no gaps on a grid of five
// minutes.
func (r *reader) coarsen() error {
	perHour := int(time.Hour / r.step)
	counts := make([]int, perHour+1) // by steps to the sample before, the last: more than an hour
	all := 0
	for _, c := range r.byID {
		last := 0
		for i, v := range c.usage {
			if v == v && i > 0 {
				counts[min(i-last, perHour+1)-1]++
				last = i
				all++
			}
		}
	}
	factor, within := 1, 0
	for apart, n := range counts[:perHour] {
		if within += n; float64(within) >= mostApart*float64(all) {
			factor = apart + 1
			break
		}
	}
	if float64(within) < mostApart*float64(all) {
		return fmt.Errorf("%d of %d samples come more than an hour after the one before (want a sample an hour or more)", counts[perHour], all)
	}
	for perHour%factor != 0 {
		factor++
	}
	if factor == 1 {
		return nil
	}
	for _, c := range r.byID {
		c.coarsen(int64(factor))
	}
	r.factor = int64(factor)
	return nil
}

// coarsen makes one step of factor, with the largest usage in it.
func (c *column) coarsen(factor int64) {
	first := c.first / factor
	usage := gaps(int((c.first+int64(len(c.usage))-1)/factor - first + 1))
	for i, v := range c.usage {
		if u := &usage[(c.first+int64(i))/factor-first]; v == v && !(*u >= v) {
			*u = v
		}
	}
	c.first, c.usage = first, usage
}
