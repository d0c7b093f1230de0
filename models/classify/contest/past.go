package contest

import (
	"math"
	"time"
)

// past is what became of the workloads of one owner, app or shape, as far as it
// is known at a moment.
type past struct {
	ended    int
	newest   [3]float64 // log2 of the last values, newest first
	mean, sq float64    // of the log, decayed
	weight   float64
	classes  []float64 // decayed counts of endings by class
	lastEnd  time.Time

	started   int
	lastStart time.Time
	running   int
	sum       float64 // of the starts of what runs, seconds since the epoch
}

// halved is after how many endings one counts half.
const halved = 4

// end notes that one ended with a value.
func (p *past) end(at, start time.Time, value float64, class, classes int) {
	if p.classes == nil {
		p.classes = make([]float64, classes)
	}
	for k := range p.classes {
		p.classes[k] *= math.Exp2(-1. / halved)
	}
	p.classes[class]++
	x := log2(value)
	p.newest[2], p.newest[1], p.newest[0] = p.newest[1], p.newest[0], x
	decay := math.Exp2(-1. / halved)
	p.mean, p.sq, p.weight = p.mean*decay+x, p.sq*decay+x*x, p.weight*decay+1
	p.ended++
	p.lastEnd = at
	p.running--
	p.sum -= seconds(start)
}

// begin notes that one arrived.
func (p *past) begin(at time.Time) {
	p.started++
	p.lastStart = at
	p.running++
	p.sum += seconds(at)
}

// pastColumns are of one past.
func pastColumns(of string, classes []string) []string {
	names := []string{"last", "last_2", "last_3"}
	for _, c := range classes {
		names = append(names, "share_"+c)
	}
	names = append(names, "mean", "sd", "hours_since_end", "hours_since_start", "running", "running_hours")
	for i, n := range names {
		names[i] = of + "_" + n
	}
	return names
}

// features appends the values of pastColumns.
func (p *past) features(to []float64, now time.Time, classes []string) []float64 {
	unknown := math.NaN()
	if p == nil || p.started == 0 {
		for range pastColumns("", classes) {
			to = append(to, unknown)
		}
		return to
	}
	for i, x := range p.newest {
		if i >= p.ended {
			x = unknown
		}
		to = append(to, x)
	}
	mean, sd, since, ran := unknown, unknown, unknown, unknown
	if p.ended > 0 {
		mean = p.mean / p.weight
		sd = math.Sqrt(max(0, p.sq/p.weight-mean*mean))
		since = logHours(now.Sub(p.lastEnd))
	}
	if p.running > 0 {
		ran = logHours(time.Duration((seconds(now) - p.sum/float64(p.running)) * float64(time.Second)))
	}
	for k := range classes {
		if p.ended > 0 {
			to = append(to, p.classes[k]/p.weight)
		} else {
			to = append(to, unknown)
		}
	}
	return append(to, mean, sd, since, logHours(now.Sub(p.lastStart)), math.Log2(1+float64(p.running)), ran)
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// logHours is fine for minutes and coarse for weeks.
func logHours(d time.Duration) float64 { return math.Log2(max(d.Hours(), 0) + 1./60) }

// log2 is of at least a second, a core or a byte less than one.
func log2(x float64) float64 { return math.Log2(max(x, 1./1024)) }
