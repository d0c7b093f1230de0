package learned

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/models/gbdt"
)

// row is a past machine at an origin, and the peak that came.
type row struct {
	view
	origin int
	actual float32
}

const (
	rounds   = 16 // sizes of machines drawn
	smallest = .5 // machine learned from, in sizes of those asked for
	largest  = 10. / 3
)

// gather replays random machines of tracks, of sizes from half to thrice those asked for.
// Newborn hides what was before less than that ahead of each origin.
func (l *Peak) gather(ctx context.Context, tracks []int, newborn time.Duration, most int, seed uint64) []row {
	s := l.setting
	p := s.Panel
	machines := l.trainingMachines(tracks, seed)
	origins := s.OriginsOf(0, p.Steps)
	if len(origins) == 0 || len(machines) == 0 {
		return nil
	}
	lived := len(machines) * len(origins)
	if s.Daily() {
		lived = len(machines) * max(1, len(origins)/len(s.Days))
	}
	stride := max(1, lived/most)
	perMachine := make([][]row, len(machines))
	steps, hour := p.StepsIn(s.Horizon), p.StepsIn(time.Hour)
	err := backtest.Parallel(ctx, s.Workers, len(machines), func(i int) {
		sum := backtest.NewSum(p, hour, p.StepsIn(21*day), steps)
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		for o := rng.IntN(stride); o < len(origins); o += stride {
			origin := origins[o]
			at := machines[i].At(origin)
			if at.Limit <= 0 {
				continue
			}
			if newborn > 0 {
				for range at.Present {
					at.Since = append(at.Since, origin-rng.IntN(p.StepsIn(newborn)))
				}
			}
			sum.Follow(at, origin)
			r := row{origin: origin, actual: sum.Max(origin, origin+steps)}
			l.look(&r.view, at, sum, origin)
			perMachine[i] = append(perMachine[i], r)
		}
	})
	if err != nil {
		return nil
	}
	rows := slices.Concat(perMachine...)
	slices.SortStableFunc(rows, func(a, b row) int { return a.origin - b.origin })
	return rows
}

// trainingMachines are made of some tracks, in many sizes.
func (l *Peak) trainingMachines(tracks []int, seed uint64) []*backtest.Machine {
	rng := rand.New(rand.NewPCG(seed, 0))
	typical := float64(l.setting.Typical())
	low, high := max(1, typical*smallest), max(1, typical*largest)
	var machines []*backtest.Machine
	for round := range rounds {
		size := int(math.Round(low * math.Pow(high/low, rng.Float64())))
		machines = append(machines, l.setting.Random(tracks, max(1, size), 1, seed+uint64(round)+1)...)
	}
	return machines
}

// dataset makes a table of rows and a target.
func dataset(rows []*row, target func(*row) float32) *gbdt.Dataset {
	width := len(rows[0].features)
	d := &gbdt.Dataset{Columns: make([][]float32, width), Targets: make([]float32, len(rows))}
	for f := range d.Columns {
		d.Columns[f] = make([]float32, len(rows))
		for i := range rows {
			d.Columns[f][i] = rows[i].features[f]
		}
	}
	for i := range rows {
		d.Targets[i] = target(rows[i])
	}
	return d
}
