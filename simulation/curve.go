package simulation

import (
	"time"

	"github.com/auspex-project/auspex/resource"
)

// curve takes down how a replay goes: a point whenever another step of demand has
// arrived, and the means over time.
type curve struct {
	step float64 // how much arrives between two points
	most int     // points: one pod may ask for millions of steps

	last          time.Time
	seconds       float64
	gpu, cpu, mem float64 // integrals over time
	fragmented    float64 // sum over points
}

// elapse accounts for the time that has passed until now.
func (c *curve) elapse(r *replay, now time.Time) {
	if !c.last.IsZero() {
		dt := now.Sub(c.last).Seconds()
		c.seconds += dt
		c.gpu += dt * r.books.allocated(resource.GPU)
		c.cpu += dt * r.books.allocated(resource.CPU)
		c.mem += dt * r.books.allocated(resource.Memory)
	}
	c.last = now
}

// arrive takes down a point when one is due.
func (c *curve) arrive(r *replay) {
	const rounding = 1e-9
	due := func() bool {
		n := len(r.result.points)
		return n < c.most && r.result.arrived+rounding >= float64(n+1)*c.step
	}
	if due() {
		p := r.point()
		c.fragmented += p.Fragmented
		for due() {
			r.result.points = append(r.result.points, p)
		}
	}
}

// end sums up.
func (c *curve) end(r *replay, departures bool) {
	p := r.point()
	if departures && c.seconds > 0 {
		p.GPU, p.CPU, p.Memory = c.gpu/c.seconds, c.cpu/c.seconds, c.mem/c.seconds
		if n := len(r.result.points); n > 0 {
			p.Fragmented = c.fragmented / float64(n)
		}
	}
	r.result.now = p
}
