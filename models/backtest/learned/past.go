package learned

import (
	"time"

	"github.com/auspex-project/auspex/models/backtest"
)

const day = 24 * time.Hour

// past has the maxima of one workload hour by hour.
type past struct {
	first  int       // hour of maxima[0]
	maxima []float32 // 0 where there was no sample
	ever   []float32 // the largest up to each hour, that included
}

// pasts looks at every track once.
func pasts(p *backtest.Panel) []past {
	hour := p.StepsIn(time.Hour)
	all := make([]past, len(p.Tracks))
	for k, t := range p.Tracks {
		a := &all[k]
		a.first = t.First() / hour
		largest := float32(0)
		for h := a.first; h*hour < t.End(); h++ {
			v := t.Max(h*hour, (h+1)*hour)
			if v != v {
				v = 0
			}
			largest = max(largest, v)
			a.maxima = append(a.maxima, v)
			a.ever = append(a.ever, largest)
		}
	}
	return all
}

// over returns the largest usage in hours [from, to).
func (a *past) over(from, to int) float32 {
	var largest float32
	for _, v := range a.maxima[min(max(from-a.first, 0), len(a.maxima)):min(max(to-a.first, 0), len(a.maxima))] {
		largest = max(largest, v)
	}
	return largest
}

// before returns the largest usage before an hour.
func (a *past) before(hour int) float32 {
	n := min(hour-a.first, len(a.ever))
	if n <= 0 {
		return 0
	}
	return a.ever[n-1]
}
