package baseline

import (
	"math"
	"time"

	"github.com/auspex-project/auspex/models/backtest"
)

// estimator predicts the peak of one workload at each of some origins from what
// its track held before, not yet capped to the limit; NaN counts as the limit.
type estimator func(p *backtest.Panel, t *backtest.Track, origins []int) []float32

// Summed is the contestant that adds up a peak for each member. Calibration
// moves the sum towards that of the members' all-time maxima.
type Summed struct {
	name string
	of   estimator
}

var _ backtest.Contestant = Summed{}

// Name returns the name the contestant goes by in reports.
func (s Summed) Name() string { return s.name }

// Estimate returns the peak of one workload at each origin, as much as its limit
// where nothing is known of it.
func (s Summed) Estimate(p *backtest.Panel, t *backtest.Track, origins []int) []float32 {
	out := warm(p, t, origins, s.of)
	for i, origin := range origins {
		if limit := t.Limit(origin); !(out[i] <= limit) {
			out[i] = limit
		}
	}
	return out
}

// cold is how long a workload counts as its limit, whatever it uses: 24 samples
// of five minutes (Bashir et al., EuroSys'21, section 5).
const cold = 2 * time.Hour

// warm estimates the peaks of t by of, NaN while it is cold.
func warm(p *backtest.Panel, t *backtest.Track, origins []int, of estimator) []float32 {
	out := of(p, t, origins)
	for i, origin := range origins {
		if origin-t.First() < p.StepsIn(cold) {
			out[i] = float32(math.NaN())
		}
	}
	return out
}

// Enter estimates every track at every origin.
func (s Summed) Enter(p *backtest.Panel, origins []int) backtest.Entry {
	return &sums{p: p, low: newTable(p, origins, s.of), high: newTable(p, origins, allTime)}
}

type sums struct {
	p         *backtest.Panel
	low, high table
}

func (s *sums) Bounds(i int, at backtest.Membership, _ *backtest.Sum) (low, high float32) {
	return s.low.sum(i, at), s.high.sum(i, at)
}

// table has an estimate for each track and origin.
type table [][]float32

func newTable(p *backtest.Panel, origins []int, of estimator) table {
	t := make(table, len(p.Tracks))
	for k, track := range p.Tracks {
		t[k] = warm(p, track, origins, of)
	}
	return t
}

// sum adds up the estimates of the members at the i-th origin, each capped to
// its limit.
func (t table) sum(i int, at backtest.Membership) (sum float32) {
	for m, k := range at.Present {
		v, limit := t[k][i], at.Limits[m]
		if !(v <= limit) {
			v = limit
		}
		sum += v
	}
	return sum
}

// each makes an estimator of a function of one origin.
func each(f func(p *backtest.Panel, t *backtest.Track, origin int) float32) estimator {
	return func(p *backtest.Panel, t *backtest.Track, origins []int) []float32 {
		out := make([]float32, len(origins))
		for i, origin := range origins {
			out[i] = f(p, t, origin)
		}
		return out
	}
}
