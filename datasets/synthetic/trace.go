package synthetic

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// Options describe a trace. The zero value of a field is its default.
type Options struct {
	Seed      uint64
	Days      int           // of history; 21
	Workloads int           // running at once, about; 200
	Step      time.Duration // between samples; 5 minutes
	End       time.Time     // of the history; three weeks after 2020-01-06. Cut to Step
}

const (
	defaultDays      = 21
	defaultWorkloads = 200
	defaultStep      = 5 * time.Minute
	defaultEnd       = 1578268800 + 21*86400 // Unix seconds

	day = 24 * time.Hour
)

// Bounds of what can be asked for.
const (
	mostDays      = 3660
	mostWorkloads = 1_000_000
)

func (o Options) withDefaults() (Options, error) {
	o.Days = cmp.Or(o.Days, defaultDays)
	o.Workloads = cmp.Or(o.Workloads, defaultWorkloads)
	o.Step = cmp.Or(o.Step, defaultStep)
	if o.End.IsZero() {
		o.End = time.Unix(defaultEnd, 0)
	}
	switch {
	case o.Days < 0 || o.Days > mostDays:
		return o, fmt.Errorf("synthetic: %d days, want 1 to %d", o.Days, mostDays)
	case o.Workloads < 0 || o.Workloads > mostWorkloads:
		return o, fmt.Errorf("synthetic: %d workloads, want 1 to %d", o.Workloads, mostWorkloads)
	case o.Step < time.Second || o.Step > day || o.Step%time.Millisecond != 0:
		return o, fmt.Errorf("synthetic: step of %v, want whole milliseconds from 1s to 24h", o.Step)
	}
	o.End = o.End.UTC().Truncate(o.Step)
	return o, nil
}

// Trace is a made-up fleet and its history. It is immutable and safe for
// concurrent use.
type Trace struct {
	options Options
	sites   []site
	members []*Member // by start, then id
}

// New makes the trace that o describes.
func New(o Options) (*Trace, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	t := &Trace{options: o, sites: sitesFor(o.Workloads)}
	t.members = makeMembers(o, makeApps(o))
	t.settle()
	return t, nil
}

// Start and End bound the history: samples lie in (Start, End].
func (t *Trace) Start() time.Time { return t.options.End.Add(-time.Duration(t.options.Days) * day) }
func (t *Trace) End() time.Time   { return t.options.End }

// Steps returns how many moments the history has.
func (t *Trace) Steps() int { return int(t.options.End.Sub(t.Start()) / t.options.Step) }

// Member is one workload of the trace.
type Member struct {
	Workload workload.Workload // its Class is "" for a few, which are to be classified
	Class    workload.Class    // what it is
	Node     string            // where it ran in the history, "" for those that come later
	Start    time.Time
	End      time.Time // exclusive; zero: it stays

	app  *app
	seed uint64
}

// Alive reports whether m runs at a moment.
func (m *Member) Alive(at time.Time) bool {
	return !at.Before(m.Start) && (m.End.IsZero() || at.Before(m.End))
}

// Members lists the workloads in the order of their start: those of the history,
// and those that start in the day after it. Shared; not to be changed.
func (t *Trace) Members() []*Member { return t.members }

// Measurement is what one workload used in one step.
type Measurement struct {
	Member *Member
	Time   time.Time // end of the step
	Usage  resource.Vector
}

// missing is how often a sample is lost on its way, as happens.
const missing = .002

// History streams the samples of the history in the order of time, then of the
// members' start. progress, which may be nil, is told each completed step.
func (t *Trace) History(progress func(step int)) iter.Seq[Measurement] {
	return func(yield func(Measurement) bool) {
		var running []*Member
		next := 0
		for i := 1; i <= t.Steps(); i++ {
			at := t.Start().Add(time.Duration(i) * t.options.Step)
			for ; next < len(t.members) && t.members[next].Start.Before(at); next++ {
				running = append(running, t.members[next])
			}
			running = slices.DeleteFunc(running, func(m *Member) bool { return !m.End.IsZero() && m.End.Before(at) })
			for _, m := range running {
				if uniform(m.seed, uint64(at.Unix()), saltMissing) < missing {
					continue
				}
				if !yield(Measurement{Member: m, Time: at, Usage: t.Usage(m, at)}) {
					return
				}
			}
			if progress != nil {
				progress(i)
			}
		}
	}
}

// Usage returns what m used on average over the step that ends at a moment,
// whether or not that lies in the history. It is empty when m did not run then.
func (t *Trace) Usage(m *Member, at time.Time) resource.Vector {
	middle := at.Add(-t.options.Step / 2)
	if !m.Alive(middle) {
		if !m.Alive(at.Add(-1)) { // a run shorter than half a step, or its first part of one
			return resource.Vector{}
		}
		middle = at.Add(-1)
	}
	l := m.app.load(m, middle)
	limits := m.Limits()
	usage := resource.Of(l.cpu*limits.Get(resource.CPU), l.memory*limits.Get(resource.Memory))
	if limits.Has(resource.GPU) {
		usage = usage.With(resource.GPU, l.gpu*limits.Get(resource.GPU))
		usage = usage.With(resource.GPUMemory, l.gpuMemory*limits.Get(resource.GPUMemory))
	}
	return usage
}

// Limits returns what m may use at most, its share of devices included.
func (m *Member) Limits() resource.Vector { return m.app.limits }
