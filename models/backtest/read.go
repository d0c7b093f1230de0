package backtest

import (
	"cmp"
	"container/heap"
	"fmt"
	"hash/fnv"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

const dayLength = 24 * time.Hour

// ReadPanel reads the usage of n from samples, in any order, onto a grid that begins
// at midnight UTC. A step of the grid is step long, or as many times that, up to an
// hour, as nine in ten samples of a workload lie apart. Of more than most workloads it
// keeps that many, drawn by seed; 0 keeps all. workloads is how many there were.
//
// A few samples whose time lies more than five years from that of all others are left
// out, and counted in the panel. The first error among the samples ends the reading. It
// is an error, too, if the trace holds no usage of n or no limit of it, spans more than
// five years, or has samples more than an hour apart.
func ReadPanel(samples iter.Seq2[timeseries.Sample, error], n resource.Name, step time.Duration, most int, seed uint64) (p *Panel, workloads int, err error) {
	r := reader{resource: n, step: step, factor: 1, most: most, seed: seed, byID: map[string]*column{}, passed: map[string]bool{}}
	for s, err := range samples {
		if err != nil {
			return nil, 0, fmt.Errorf("read panel: %w", err)
		}
		r.add(&s)
	}
	if len(r.byID) == 0 {
		return nil, 0, fmt.Errorf("read panel: the trace holds no usage of %s", n)
	}
	if r.strays > 1+mostStrays*r.kept {
		return nil, 0, fmt.Errorf("read panel: %s, as are %d of %d samples: they are no one trace (want five years at most; are the times right?)", r.stray, int(r.strays), int(r.strays+r.kept))
	}
	if err := r.coarsen(); err != nil {
		return nil, 0, fmt.Errorf("read panel: %w", err)
	}
	p = r.panel()
	p.Strays, p.Stray = int(r.strays), r.stray
	if !slices.ContainsFunc(p.Tracks, func(t *Track) bool { return len(t.limits) > 0 }) {
		return nil, 0, fmt.Errorf("read panel: the trace holds no limits of %s, without which there is nothing to save (in csv: column %s_limit)", n, n)
	}
	return p, len(r.byID) + len(r.passed), nil
}

// reader gathers columns before the ends of the trace are known.
type reader struct {
	resource resource.Name
	step     time.Duration
	most     int
	seed     uint64
	byID     map[string]*column
	drawn    draw            // the same columns, the next to be dropped on top
	passed   map[string]bool // workloads that were not drawn
	last     *column

	first, end   int64   // steps that hold anything
	factor       int64   // steps of the reader to one of the panel
	kept, strays float64 // samples
	stray        string  // the first of these
}

const (
	// longest bounds the time between the first and the last sample of a trace: beyond it
	// a time is taken to be wrong.
	longest = 5 * 365 * dayLength

	// mostStrays is the share of samples with wrong times that a trace may have, one besides.
	mostStrays = .01
)

// column is a workload's usage from its first step on, steps counted from 1970.
type column struct {
	id     string
	lot    uint64
	first  int64
	usage  []float32
	newest timeseries.Sample
	limits []run[float32]
	stays  []run[string] // nodes
}

func (r *reader) add(s *timeseries.Sample) {
	if !s.Usage.Has(r.resource) {
		return
	}
	step := s.Time.UnixNano() / int64(r.step)
	if !r.within(step, s) {
		return
	}
	c := r.column(s.Key.Workload)
	if c == nil {
		return
	}
	if c.usage == nil {
		c.first = step
	}
	if step < c.first {
		c.usage = slices.Insert(c.usage, 0, gaps(int(c.first-step))...)
		c.first = step
	}
	if missing := int(step-c.first) + 1 - len(c.usage); missing > 0 {
		c.usage = append(c.usage, gaps(missing)...)
	}
	usage := float32(s.Usage.Get(r.resource))
	if most := float32(s.Limit.Get(r.resource)); most > 0 {
		c.limits = note(c.limits, step, most)
		usage = min(usage, most)
	}
	c.stays = note(c.stays, step, s.Key.Node)
	if v := &c.usage[step-c.first]; !(*v >= usage) {
		*v = usage
	}
	if !s.Time.Before(c.newest.Time) {
		c.newest = *s
	}
}

// within reports whether a sample lies within five years of the others. Where more do
// not than do it is the others whose times are wrong: all begins anew with s.
func (r *reader) within(step int64, s *timeseries.Sample) bool {
	if r.kept == 0 {
		r.first, r.end = step, step+1
	}
	first, end := min(r.first, step), max(r.end, step+1)
	if end-first > int64(longest/r.step) {
		at := func(step int64) string { return time.Unix(0, step*int64(r.step)).UTC().Format(time.RFC3339) }
		if r.strays++; r.stray == "" {
			r.stray = fmt.Sprintf("sample of %q at %s is more than five years from that at %s", s.Key.Workload, at(step), at(r.first))
		}
		if r.strays < r.kept {
			return false
		}
		*r = reader{resource: r.resource, step: r.step, factor: 1, most: r.most, seed: r.seed, byID: map[string]*column{}, passed: map[string]bool{}, strays: r.strays + r.kept - 1, stray: r.stray}
		first, end = step, step+1
	}
	r.first, r.end = first, end
	r.kept++
	return true
}

// column returns the column of a workload, nil if it is not among those drawn.
func (r *reader) column(id string) *column {
	if r.last != nil && r.last.id == id {
		return r.last
	}
	c := r.byID[id]
	if c == nil {
		if r.passed[id] {
			return nil
		}
		c = &column{id: id, lot: lotOf(id, r.seed)}
		r.byID[id] = c
		heap.Push(&r.drawn, c)
		if r.most > 0 && len(r.drawn) > r.most {
			out := heap.Pop(&r.drawn).(*column)
			delete(r.byID, out.id)
			r.passed[out.id] = true
			if out == c {
				return nil
			}
		}
	}
	r.last = c
	return c
}

func (r *reader) panel() *Panel {
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for _, c := range r.byID {
		first, last = min(first, c.first), max(last, c.first+int64(len(c.usage)))
	}
	step := r.step * time.Duration(r.factor)
	at := func(i int64) time.Time { return time.Unix(0, i*int64(step)).UTC() }
	p := NewPanel(r.resource, timeseries.Window{From: at(first).Truncate(dayLength), To: at(last)}, step)
	start := p.Start.UnixNano() / int64(step)
	for _, c := range r.byID {
		t := p.NewTrack(c.id, c.newest.Key.Class)
		t.first, t.usage = int(c.first-start), c.usage
		for _, l := range changes(c.limits) {
			t.limits = append(t.limits, limit{int(l.from/r.factor - start), l.value})
		}
		for _, n := range changes(c.stays) {
			t.stays = append(t.stays, stay{int(n.from/r.factor - start), n.value})
		}
		p.Tracks = append(p.Tracks, t)
	}
	slices.SortFunc(p.Tracks, func(a, b *Track) int { return strings.Compare(a.Workload, b.Workload) })
	return p
}

// run is a value that samples told one after the other, and the steps of the earliest
// and the latest of them.
type run[T comparable] struct {
	from, to int64
	value    T
}

// note adds what the next sample told.
func note[T comparable](runs []run[T], step int64, value T) []run[T] {
	if n := len(runs) - 1; n >= 0 && runs[n].value == value {
		runs[n].from, runs[n].to = min(runs[n].from, step), max(runs[n].to, step)
		return runs
	}
	return append(runs, run[T]{step, step, value})
}

// changes returns what held from which step on, in the order of time, whatever that of
// the samples was.
func changes[T comparable](runs []run[T]) []run[T] {
	ends := make([]run[T], 0, 2*len(runs))
	for _, r := range runs {
		ends = append(ends, r, run[T]{r.to, r.to, r.value})
	}
	slices.SortStableFunc(ends, func(a, b run[T]) int { return cmp.Compare(a.from, b.from) })
	return slices.CompactFunc(ends, func(a, b run[T]) bool { return a.value == b.value })
}

func gaps(n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(math.NaN())
	}
	return out
}

func lotOf(id string, seed uint64) uint64 {
	h := fnv.New64a()
	h.Write([]byte(id))
	return scatter(h.Sum64() ^ seed)
}

// scatter is the finalizer of splitmix64.
func scatter(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// draw is a heap with the highest lot on top.
type draw []*column

func (d draw) Len() int           { return len(d) }
func (d draw) Less(i, j int) bool { return d[i].lot > d[j].lot }
func (d draw) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *draw) Push(c any)        { *d = append(*d, c.(*column)) }
func (d *draw) Pop() any {
	last := len(*d) - 1
	c := (*d)[last]
	*d = (*d)[:last]
	return c
}
