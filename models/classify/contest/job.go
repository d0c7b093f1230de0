package contest

import (
	"cmp"
	"container/heap"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/auspex-project/auspex/datasets"
	"github.com/auspex-project/auspex/resource"
)

// Arrivals are the workloads of a trace by the time they arrive.
type Arrivals struct {
	list []datasets.Arrival
	end  time.Time // the last moment the trace tells of
}

// mostCases bounds the cases of a question. Of more, every so manieth is asked;
// the others still count for what is known.
const mostCases = 20_000

// ReadArrivals reads them all, some 500 bytes each. An error of a row is counted,
// any other ends it.
func ReadArrivals(arrivals iter.Seq2[datasets.Arrival, error], refused func(error) bool) (*Arrivals, error) {
	a := &Arrivals{}
	for x, err := range arrivals {
		if err != nil {
			if refused(err) {
				continue
			}
			return nil, err
		}
		if x.Arrive.IsZero() {
			return nil, fmt.Errorf("arrival of %s has no time: what was known at it cannot be told", x.Workload.ID)
		}
		a.list = append(a.list, x)
		for _, t := range [...]time.Time{x.Arrive, x.Depart} {
			if t.After(a.end) {
				a.end = t
			}
		}
	}
	slices.SortStableFunc(a.list, func(x, y datasets.Arrival) int { return x.Arrive.Compare(y.Arrive) })
	return a, nil
}

// Questions are what can be asked of arrivals in a format: lifetimes where some
// depart, sizes of deployments where an app is one, classes where there are two.
func (a *Arrivals) Questions(format string) []*Question {
	var qs []*Question
	if slices.ContainsFunc(a.list, func(x datasets.Arrival) bool { return !x.Depart.IsZero() }) {
		qs = append(qs, a.Lifetime())
	}
	if strings.HasPrefix(format, "azure") {
		qs = append(qs, a.Deployment())
	}
	if q := a.Class(); len(q.Buckets.Names) > 1 {
		qs = append(qs, q)
	}
	return qs
}

// Lifetime asks when a workload arrives how long it will run. One that still
// runs at the end of the trace is a case if it has outlived every bucket but the
// last.
func (a *Arrivals) Lifetime() *Question {
	b := lifetimes()
	longest := time.Duration(b.Edges[len(b.Edges)-1]) * time.Second
	return a.ask("lifetime", b, func(x datasets.Arrival) outcome {
		run, ran := runTime(x)
		switch {
		case ran:
			return outcome{known: x.Depart, value: max(run, 1)}
		case a.end.Sub(x.Arrive) > longest:
			return outcome{known: x.Arrive.Add(longest), value: longest.Seconds() + 1, least: true}
		}
		return outcome{}
	})
}

// runTime is in seconds, without the wait in a queue.
func runTime(x datasets.Arrival) (float64, bool) {
	if run, err := strconv.ParseFloat(x.Workload.Labels["run_seconds"], 64); err == nil {
		return run, !x.Depart.IsZero()
	}
	return x.Depart.Sub(x.Arrive).Seconds(), !x.Depart.IsZero()
}

// Deployment asks when the first machine of an app arrives how many there will
// be. An app ends with its last arrival; one that had arrivals on the last day of
// the trace may have more to come, and is no case.
func (a *Arrivals) Deployment() *Question {
	type group struct {
		size int
		last time.Time
	}
	groups := map[string]*group{}
	firsts := &Arrivals{end: a.end}
	for _, x := range a.list {
		g := groups[x.Workload.App]
		if g == nil {
			g = &group{}
			groups[x.Workload.App] = g
			firsts.list = append(firsts.list, x)
		}
		g.size++
		g.last = x.Arrive
	}
	return firsts.ask("deployment", deployments(), func(x datasets.Arrival) outcome {
		g := groups[x.Workload.App]
		if a.end.Sub(g.last) < 24*time.Hour {
			return outcome{}
		}
		return outcome{known: g.last.Add(24 * time.Hour), value: float64(g.size)}
	})
}

// Class asks when a workload arrives which class it says it is of. What others
// are is known when they arrive; what it says itself is not used.
func (a *Arrivals) Class() *Question {
	var names []string
	for _, x := range a.list {
		if c := string(x.Workload.Class); c != "" && !slices.Contains(names, c) {
			names = append(names, c)
		}
	}
	slices.Sort(names)
	return a.ask("class", Buckets{Names: names}, func(x datasets.Arrival) outcome {
		i, said := slices.BinarySearch(names, string(x.Workload.Class))
		if !said {
			return outcome{}
		}
		return outcome{known: x.Arrive, value: float64(i)}
	})
}

// outcome is what became of an arrival; known is zero where that is not told.
type outcome struct {
	known time.Time
	value float64
	least bool
}

// kinds are what arrivals have in common with earlier ones.
var kinds = [...]struct {
	name string
	key  func(x datasets.Arrival) string
}{
	{"owner", owner},
	{"app", func(x datasets.Arrival) string { return x.Workload.App }},
	{"owner_shape", func(x datasets.Arrival) string { return owner(x) + "\x00" + shape(x) }},
	{"queue", func(x datasets.Arrival) string { return x.Workload.Queue }},
	{"shape", shape},
}

// owner is who asks: the user, or else the subscription.
func owner(x datasets.Arrival) string { return cmp.Or(x.Workload.Owner, x.Workload.Queue) }

// shape is what is asked for.
func shape(x datasets.Arrival) string {
	return x.Workload.Requests.String() + x.Workload.Labels["requested_seconds"]
}

func jobColumns(classes []string) []string {
	names := []string{"log2_cores", "log2_memory", "log2_requested_seconds", "devices", "hour_sin", "hour_cos", "weekend"}
	for _, k := range kinds {
		names = append(names, pastColumns(k.name, classes)...)
	}
	return names
}

// ask makes the cases of a question. Arrivals and endings are taken in the order
// of their time, an ending before an arrival at the same moment.
func (a *Arrivals) ask(name string, b Buckets, what func(datasets.Arrival) outcome) *Question {
	q := &Question{Name: name, Buckets: b, Columns: jobColumns(b.Names)}
	pasts := map[string]*past{}
	last := map[string]int{}
	var open endings
	every := (len(a.list) + mostCases - 1) / mostCases
	for n, x := range a.list {
		for len(open) > 0 && !open[0].known.After(x.Arrive) {
			e := heap.Pop(&open).(ending)
			for _, p := range e.pasts {
				p.end(e.known, e.start, e.value, b.of(e.value), len(b.Names))
			}
			last[e.owner] = b.of(e.value)
		}
		out := what(x)
		features := jobFeatures(x)
		var of []*past
		for i, k := range kinds {
			key := k.key(x)
			if key == "" {
				features = (*past)(nil).features(features, x.Arrive, b.Names)
				continue
			}
			key = strconv.Itoa(i) + "\x00" + key
			p := pasts[key]
			if p == nil {
				p = &past{}
				pasts[key] = p
			}
			features = p.features(features, x.Arrive, b.Names)
			p.begin(x.Arrive)
			of = append(of, p)
		}
		if out.known.IsZero() {
			q.Dropped++
			continue
		}
		heap.Push(&open, ending{out, x.Arrive, owner(x), of})
		if n%every > 0 {
			continue
		}
		c := Case{Asked: x.Arrive, Known: out.known, Features: features, Truth: b.of(out.value), Value: out.value, Least: out.least, Last: -1}
		if label, ok := last[owner(x)]; ok && owner(x) != "" {
			c.Last = label
		}
		q.Cases = append(q.Cases, c)
	}
	return q
}

func jobFeatures(x datasets.Arrival) []float64 {
	w := x.Workload
	requested := math.NaN()
	if s, err := strconv.ParseFloat(w.Labels["requested_seconds"], 64); err == nil && s > 0 {
		requested = math.Log2(s)
	}
	known := func(n resource.Name) float64 {
		if v := w.Requests.Get(n); v > 0 {
			return math.Log2(v)
		}
		return math.NaN()
	}
	hour := float64(x.Arrive.Unix()%86400) / 86400 * 2 * math.Pi
	weekend := 0.
	if d := x.Arrive.Weekday(); d == time.Saturday || d == time.Sunday {
		weekend = 1
	}
	return []float64{known(resource.CPU), known(resource.Memory), requested, float64(w.Accelerator.Devices), math.Sin(hour), math.Cos(hour), weekend}
}

// ending is a workload whose outcome is not known yet.
type ending struct {
	outcome
	start time.Time
	owner string
	pasts []*past
}

// endings yields the earliest first.
type endings []ending

func (h endings) Len() int           { return len(h) }
func (h endings) Less(i, j int) bool { return h[i].known.Before(h[j].known) }
func (h endings) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *endings) Push(x any)        { *h = append(*h, x.(ending)) }
func (h *endings) Pop() any {
	x := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return x
}
