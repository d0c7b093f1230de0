package baseline

import (
	"fmt"
	"math"

	"github.com/auspex-project/auspex/models/backtest"
)

// NSigma predicts mean plus n standard deviations of the machine's usage over
// limit in the last ten hours, as if it were normal (Bashir et al., EuroSys'21,
// section 4.2).
type NSigma struct{ n float64 }

var _ backtest.Contestant = NSigma{}

// Sigma returns the contestant for n standard deviations.
func Sigma(n float64) NSigma { return NSigma{n} }

// Name returns the name the contestant goes by in reports.
func (s NSigma) Name() string { return fmt.Sprintf("n-sigma-%g", s.n) }

// Enter looks up the limits of the past.
func (s NSigma) Enter(p *backtest.Panel, origins []int) backtest.Entry {
	e := &nSigma{n: s.n, p: p, origins: origins, steps: p.StepsIn(googleWindow), caps: make([][]float32, len(p.Tracks)), high: newTable(p, origins, allTime)}
	for k, t := range p.Tracks {
		e.caps[k] = t.Caps()
	}
	return e
}

type nSigma struct {
	n       float64
	p       *backtest.Panel
	origins []int
	steps   int
	caps    [][]float32
	high    table
}

// Bounds adds the limits of cold members to the prediction for the others.
func (s *nSigma) Bounds(i int, at backtest.Membership, _ *backtest.Sum) (low, high float32) {
	origin := s.origins[i]
	used, limits := make([]float64, s.steps), make([]float64, s.steps)
	var warm, cold float32
	for m, k := range at.Present {
		t := s.p.Tracks[k]
		if t.First() > origin-coldSamples {
			cold += at.Limits[m]
			continue
		}
		warm += at.Limits[m]
		for age := 1; age <= s.steps; age++ {
			if v := t.At(origin - age); v == v {
				used[age-1] += float64(v)
				limits[age-1] += float64(s.caps[k][origin-age-t.First()])
			}
		}
	}
	mean, deviation := spread(used, limits)
	share := min(1, mean+s.n*deviation)
	return cold + float32(share)*warm, s.high.sum(i, at)
}

// spread returns mean and sample standard deviation of used over limits where
// there are limits; without two of them the share is 1.
func spread(used, limits []float64) (mean, deviation float64) {
	n := 0.
	var sum, squares float64
	for k, l := range limits {
		if l > 0 {
			r := used[k] / l
			n++
			sum += r
			squares += r * r
		}
	}
	if n < 2 {
		return 1, 0
	}
	mean = sum / n
	return mean, math.Sqrt(max(0, squares-n*mean*mean) / (n - 1))
}
