package rival

import "github.com/auspex-project/auspex/placement"

// BestFit takes the node with the least left of cores and devices, both as a share
// of the largest node.
type BestFit struct{}

var _ placement.Scorer = BestFit{}

func (BestFit) Name() string           { return "bestfit" }
func (BestFit) Unit() string           { return "share of the largest node left" }
func (BestFit) DefaultWeight() float64 { return 1 }

func (BestFit) Prepare(q *placement.Query) placement.Measure {
	cores, taken := cores(q), demand(q.Accelerator)
	c := q.State.Catalogue
	return measure(func(b *placement.Block, i int) (raw, points float64) {
		_, left := cores(b, i)
		raw = left / max(c.MostCores, 1e-9)
		if c.MostDevices > 0 {
			raw = (raw + (devices(b, i)-taken)/float64(c.MostDevices)) / 2
		}
		return raw, 100 * (1 - raw)
	})
}
