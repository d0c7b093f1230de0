package rival

import "github.com/auspex-project/auspex/placement"

// DotProd takes the node whose free cores and devices point least along the
// request's, both as shares of the largest node (the alignment of Tetris, Grandl et
// al., SIGCOMM 2014, as ATC'23 uses it: the less is free the better).
type DotProd struct{}

var _ placement.Scorer = DotProd{}

func (DotProd) Name() string           { return "dotprod" }
func (DotProd) Unit() string           { return "free times asked for" }
func (DotProd) DefaultWeight() float64 { return 1 }

func (DotProd) Prepare(q *placement.Query) placement.Measure {
	cores, taken := cores(q), demand(q.Accelerator)
	c := q.State.Catalogue
	return measure(func(b *placement.Block, i int) (raw, points float64) {
		before, after := cores(b, i)
		most := max(c.MostCores, 1e-9)
		raw = before / most * (before - after) / most
		if most := float64(c.MostDevices); most > 0 {
			raw = (raw + devices(b, i)/most*taken/most) / 2
		}
		return raw, 100 * (1 - raw)
	})
}
