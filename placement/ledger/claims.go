package ledger

import (
	"math"
	"time"

	"github.com/auspex-project/auspex/allocator"
	"github.com/auspex-project/auspex/workload"
)

// claims are demands that were turned away and wait to be asked for again, the
// first in line of each queue and tier. While one does, weighted fairness keeps
// queues that have more from taking what it waits for.
type claims struct {
	lines   map[line]claim
	added   uint64             // how many there ever were
	demands []allocator.Demand // scratch
}

// unasked is more claims than there will ever be.
const unasked = math.MaxUint64

type line struct {
	queue string
	tier  workload.Tier
}

type claim struct {
	workload string
	demand   allocator.Demand
	until    time.Time
}

// add notes that a workload was turned away, unless another of its line was
// before it and has not given up by now.
func (c *claims) add(workload string, d allocator.Demand, now time.Time, patience time.Duration) {
	if patience <= 0 {
		return
	}
	if c.lines == nil {
		c.lines = make(map[line]claim)
	}
	at := line{d.Queue, d.Tier}
	if first, waits := c.lines[at]; waits && first.workload != workload && now.Before(first.until) {
		return
	}
	c.lines[at] = claim{workload, d, now.Add(patience)}
	c.added++
}

// remove notes that a workload has got what it waited for.
func (c *claims) remove(workload string, d allocator.Demand) {
	at := line{d.Queue, d.Tier}
	if c.lines[at].workload == workload {
		delete(c.lines, at)
	}
}

// others returns the demands that wait beside the one of this workload, until it is asked
// again.
func (c *claims) others(workload string, now time.Time) []allocator.Demand {
	if len(c.lines) == 0 {
		return nil
	}
	c.demands = c.demands[:0]
	for at, first := range c.lines {
		switch {
		case !now.Before(first.until):
			delete(c.lines, at)
		case first.workload != workload:
			c.demands = append(c.demands, first.demand)
		}
	}
	return c.demands
}
