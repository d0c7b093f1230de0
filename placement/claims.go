package placement

import (
	"time"

	"github.com/auspex-project/auspex/allocator"
)

// maxClaims bounds how many demands are remembered as waiting.
const maxClaims = 1024

// claims are demands that were turned away and wait to be asked for again. While
// they do, weighted fairness keeps queues that have more from taking what they
// wait for.
type claims struct {
	byWorkload map[string]waiting
}

type waiting struct {
	demand allocator.Demand
	until  time.Time
}

func (c *claims) add(workload string, d allocator.Demand, until time.Time) {
	if c.byWorkload == nil {
		c.byWorkload = make(map[string]waiting)
	}
	if _, known := c.byWorkload[workload]; known || len(c.byWorkload) < maxClaims {
		c.byWorkload[workload] = waiting{d, until}
	}
}

func (c *claims) remove(workload string) { delete(c.byWorkload, workload) }

// others returns the demands that wait beside the one of this workload.
func (c *claims) others(workload string, now time.Time) []allocator.Demand {
	if len(c.byWorkload) == 0 {
		return nil
	}
	demands := make([]allocator.Demand, 0, len(c.byWorkload))
	for id, w := range c.byWorkload {
		switch {
		case !now.Before(w.until):
			delete(c.byWorkload, id)
		case id != workload:
			demands = append(demands, w.demand)
		}
	}
	return demands
}
