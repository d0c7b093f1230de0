package training

import (
	"slices"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/resource"
)

// composed is the contestant of additive forecasts: the largest slot of the
// summed profiles, towards the sum of peaks. Members without a past of their own
// are forecast by the prior, else count as their limit, just as they are served.
type composed struct {
	name     string
	evidence *evidence
	peaks    [][]float32   // by track and judged row
	learned  []string      // artefacts that raised them, sorted
	prior    *models.Prior // nil for none
	profiles [][]float32   // by track, judged row and slot; nil for those of earlier days
	profiler string        // artefact that told them, "" for earlier days
	ahead    int           // slots from the origin on whose peak is predicted; 0 for all
}

var _ backtest.Contestant = composed{}

func (c composed) Name() string { return c.name }

func (c composed) Enter(p *backtest.Panel, origins []int) backtest.Entry {
	e := &composedEntry{composed: c, panel: p, origins: origins, young: make([][]forecast.Demand, len(p.Tracks))}
	for k, t := range p.Tracks {
		from, _ := slices.BinarySearch(origins, t.First()+1)
		for _, origin := range origins[from:] {
			if _, own := slices.BinarySearch(c.evidence.judged[k].steps, origin); !own {
				e.meet(k, t.Limit(origin))
			}
			if origin > t.End() {
				break
			}
		}
	}
	return e
}

type composedEntry struct {
	composed
	panel   *backtest.Panel
	origins []int
	young   [][]forecast.Demand // by track; of a newcomer with one of its limits
}

// meet keeps what the prior says of track k as a newcomer with a limit.
func (c *composedEntry) meet(k int, limit float32) {
	if _, ok := c.newcomer(k, limit); ok || limit <= 0 {
		return
	}
	s := c.evidence.judged[k].subject
	s.Limits = resource.Vector{}.With(c.evidence.resource, float64(limit))
	if d, ok := c.prior.Predict(&s, c.evidence.resource, c.evidence.plan.whole.To, c.evidence.plan.Grid); ok {
		c.young[k] = append(c.young[k], d)
	}
}

func (c *composedEntry) newcomer(k int, limit float32) (d forecast.Demand, ok bool) {
	for _, d := range c.young[k] {
		if d.Limit == limit {
			return d, true
		}
	}
	return d, false
}

func (c *composedEntry) Bounds(i int, at backtest.Membership, _ *backtest.Sum) (low, high float32) {
	sums := make([]float32, c.evidence.plan.Grid.Slots)
	for m, k := range at.Present {
		limit := at.Limits[m]
		profile, peak := c.forecast(k, c.origins[i], limit)
		for s := range sums {
			if profile == nil {
				sums[s] += limit
			} else {
				sums[s] += min(profile[s], peak, limit)
			}
		}
		high += min(peak, limit)
	}
	if c.ahead == 0 {
		return slices.Max(sums), high
	}
	first := c.evidence.plan.Grid.Index(c.panel.Time(c.origins[i]))
	for k := range c.ahead {
		low = max(low, sums[(first+k)%len(sums)])
	}
	return low, high
}

// forecast returns what is served of track k at an origin; no profile stands for
// the limit in every slot.
func (c *composedEntry) forecast(k, origin int, limit float32) (profile []float32, peak float32) {
	j := &c.evidence.judged[k]
	if row, ok := slices.BinarySearch(j.steps, origin); ok {
		if c.profiles != nil {
			n := c.evidence.plan.Grid.Slots
			return c.profiles[k][row*n : (row+1)*n], c.peaks[k][row]
		}
		return j.owns[row].profile, c.peaks[k][row]
	}
	d, ok := c.newcomer(k, limit)
	if !ok {
		return nil, limit
	}
	// What it has already used counts.
	t := c.panel.Tracks[k]
	if used := t.Max(t.First(), origin); used > d.Peak {
		return d.Profile, used
	}
	return d.Profile, d.Peak
}

// ownPeaks are the largest usages of the weeks that are remembered, and servedPeaks those that the
// chain with champions predicts.
func (e *evidence) ownPeaks() [][]float32 {
	peaks := make([][]float32, len(e.judged))
	for k, j := range e.judged {
		for _, o := range j.owns {
			peaks[k] = append(peaks[k], o.peak)
		}
	}
	return peaks
}

func (e *evidence) servedPeaks(set *models.Set) ([][]float32, error) {
	peaks := e.ownPeaks()
	shares := map[*models.Learned][][]float32{}
	for k := range e.judged {
		j := &e.judged[k]
		champion, ok := set.Champion(models.Target{Class: j.class, Resource: e.resource})
		if !ok {
			continue
		}
		if shares[champion.Model] == nil {
			s, err := e.shares(champion.Model)
			if err != nil {
				return nil, err
			}
			shares[champion.Model] = s
		}
		for i := range peaks[k] {
			predicted := shares[champion.Model][k][i*len(models.Levels())+models.PeakLevel] * j.rows.scales[i]
			peaks[k][i] = models.RaisedPeak(peaks[k][i], predicted)
		}
	}
	return peaks, nil
}
