package contest

import (
	"cmp"
	"iter"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// leastSamples is the fewest samples that make a span of usage.
const leastSamples = 6

// span is what one workload used of its limit in one stretch of time.
type span struct {
	start         time.Time
	mean, sd      float64
	p95, largest  float64
	lastQuarter   float64   // mean of its last quarter
	cores, memory float64   // limits, 0 unknown
	readings      []float64 // until it is closed
}

// Spans are the spans of every workload, by time.
type Spans struct {
	length time.Duration
	of     map[string][]span
}

// ReadSpans cuts the use of a resource into spans of a length, of every workload
// that says what it may use: there are none of a resource without limits. The
// samples of a workload must come by time.
func ReadSpans(samples iter.Seq2[timeseries.Sample, error], n resource.Name, length time.Duration, refused func(error) bool) (*Spans, error) {
	s := &Spans{length: length, of: map[string][]span{}}
	open := map[string]*span{}
	for x, err := range samples {
		if err != nil {
			if refused(err) {
				continue
			}
			return nil, err
		}
		limit := x.Limit.Get(n)
		if !x.Usage.Has(n) || limit <= 0 {
			continue
		}
		id := x.Key.Workload
		start := x.Time.Add(-1).Truncate(length) // a sample ends at its time
		o := open[id]
		if o == nil || !o.start.Equal(start) {
			if o != nil {
				s.close(id, o)
			}
			o = &span{start: start}
			open[id] = o
		}
		o.readings = append(o.readings, min(x.Usage.Get(n)/limit, 1))
		o.cores, o.memory = x.Limit.Get(resource.CPU), x.Limit.Get(resource.Memory)
	}
	for id, o := range open {
		s.close(id, o)
	}
	return s, nil
}

// close sums up a span, or drops one with too few samples.
func (s *Spans) close(id string, o *span) {
	r := o.readings
	o.readings = nil
	if len(r) < leastSamples {
		return
	}
	o.mean = mean(r)
	o.lastQuarter = mean(r[len(r)*3/4:])
	var square float64
	for _, x := range r {
		square += (x - o.mean) * (x - o.mean)
	}
	o.sd = math.Sqrt(square / float64(len(r)))
	slices.Sort(r)
	o.p95, o.largest = r[int(.95*float64(len(r)-1))], r[len(r)-1]
	s.of[id] = append(s.of[id], *o)
}

func mean(xs []float64) float64 {
	var sum float64
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs))
}

// Utilisation asks at the start of each span how busy the workload will be in
// it, on average and at the 95th percentile of its samples.
func (s *Spans) Utilisation(of resource.Name) []*Question {
	var qs []*Question
	for _, k := range []struct {
		name string
		of   func(span) float64
	}{
		{"mean", func(x span) float64 { return x.mean }},
		{"p95", func(x span) float64 { return x.p95 }},
	} {
		b := utilisations()
		q := &Question{Name: string(of) + "_" + k.name, Buckets: b, Columns: spanColumns()}
		for _, id := range slices.Sorted(maps.Keys(s.of)) {
			spans := s.of[id]
			for i, x := range spans {
				c := Case{Asked: x.start, Known: x.start.Add(s.length), Features: spanFeatures(spans[:i], x), Value: k.of(x), Truth: b.of(k.of(x)), Last: -1}
				if i > 0 {
					c.Last = b.of(k.of(spans[i-1]))
				}
				q.Cases = append(q.Cases, c)
			}
		}
		slices.SortStableFunc(q.Cases, func(a, b Case) int { return a.Asked.Compare(b.Asked) })
		if every := (len(q.Cases) + mostCases - 1) / mostCases; every > 1 {
			n := 0
			q.Cases = slices.DeleteFunc(q.Cases, func(Case) bool { n++; return n%every > 0 })
		}
		qs = append(qs, q)
	}
	return qs
}

func spanColumns() []string {
	return []string{"log2_cores", "log2_memory", "weekend", "hour", "spans", "hours_since",
		"mean_1", "p95_1", "max_1", "sd_1", "end_1", "mean_2", "p95_2", "max_2", "mean_7", "p95_7",
		"mean_of_means", "sd_of_means", "max_of_maxima", "mean_of_p95", "sd_of_p95"}
}

// spanFeatures is what was known when the next span began: those before it, and
// the request.
func spanFeatures(before []span, next span) []float64 {
	unknown := math.NaN()
	known := func(x float64) float64 {
		if x > 0 {
			return math.Log2(x)
		}
		return unknown
	}
	weekend := 0.
	if d := next.start.Weekday(); d == time.Saturday || d == time.Sunday {
		weekend = 1
	}
	f := []float64{known(next.cores), known(next.memory), weekend, float64(next.start.Hour()), math.Log2(1 + float64(len(before)))}
	back := func(k int) (span, bool) {
		if k > len(before) {
			return span{mean: unknown, p95: unknown, largest: unknown, sd: unknown, lastQuarter: unknown}, false
		}
		return before[len(before)-k], true
	}
	one, seen := back(1)
	since := unknown
	if seen {
		since = next.start.Sub(one.start).Hours()
	}
	two, _ := back(2)
	week, _ := back(7)
	f = append(f, since, one.mean, one.p95, one.largest, one.sd, one.lastQuarter, two.mean, two.p95, two.largest, week.mean, week.p95)
	recent := before[max(0, len(before)-14):]
	if len(recent) == 0 {
		return append(f, unknown, unknown, unknown, unknown, unknown)
	}
	var means, p95s []float64
	for _, x := range recent {
		means, p95s = append(means, x.mean), append(p95s, x.p95)
	}
	largest := slices.MaxFunc(recent, func(a, b span) int { return cmp.Compare(a.largest, b.largest) }).largest
	return append(f, mean(means), deviation(means), largest, mean(p95s), deviation(p95s))
}

func deviation(xs []float64) float64 {
	m := mean(xs)
	var square float64
	for _, x := range xs {
		square += (x - m) * (x - m)
	}
	return math.Sqrt(square / float64(len(xs)))
}
