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

	// Running sums over the hours, one longer than maxima: of samples, usage and
	// its square.
	count, sum, squares []float64
}

// pasts looks at every track once.
func pasts(p *backtest.Panel) []past {
	hour := p.StepsIn(time.Hour)
	all := make([]past, len(p.Tracks))
	for k, t := range p.Tracks {
		a := &all[k]
		a.first = t.First() / hour
		a.count, a.sum, a.squares = make([]float64, 1), make([]float64, 1), make([]float64, 1)
		largest := float32(0)
		for h := a.first; h*hour < t.End(); h++ {
			a.measure(t, h*hour, (h+1)*hour)
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

// measure appends an hour to the running sums.
func (a *past) measure(t *backtest.Track, from, to int) {
	last := len(a.count) - 1
	n, sum, squares := a.count[last], a.sum[last], a.squares[last]
	for i := from; i < to; i++ {
		if v := float64(t.At(i)); v == v {
			n++
			sum += v
			squares += v * v
		}
	}
	a.count, a.sum, a.squares = append(a.count, n), append(a.sum, sum), append(a.squares, squares)
}

// variance returns that of usage in hours [from, to).
func (a *past) variance(from, to int) float64 {
	i, j := min(max(from-a.first, 0), len(a.maxima)), min(max(to-a.first, 0), len(a.maxima))
	n := a.count[j] - a.count[i]
	if n < 2 {
		return 0
	}
	mean := (a.sum[j] - a.sum[i]) / n
	return max(0, (a.squares[j]-a.squares[i])/n-mean*mean)
}
