package baseline

import (
	"fmt"

	"github.com/auspex-project/auspex/models/backtest"
)

// Together is the largest value over days of the summed history of today's
// members: full credit for peaks that have not fallen together yet. Calibrated,
// it moves towards the sum of all-time maxima: over 21 days it is then what is
// called M-21|SA.
type Together struct {
	days int
	name string
}

var _ backtest.Contestant = Together{}

// M returns the contestant over days.
func M(days int) Together { return Together{days, fmt.Sprintf("M-%d", days)} }

// Name returns the name the contestant goes by in reports.
func (m Together) Name() string { return m.name }

// Enter sums up the all-time maxima.
func (m Together) Enter(p *backtest.Panel, origins []int) backtest.Entry {
	return &together{origins, m.days * p.StepsIn(day), newTable(p, origins, allTime)}
}

type together struct {
	origins []int
	steps   int
	high    table
}

func (m *together) Bounds(i int, at backtest.Membership, sum *backtest.Sum) (low, high float32) {
	low = sum.Max(m.origins[i]-m.steps, m.origins[i])
	for k, track := range at.Present {
		if m.high[track][i] != m.high[track][i] { // cold: what it summed up to says nothing
			low += at.Limits[k]
		}
	}
	return min(low, at.Limit), m.high.sum(i, at)
}
