package backtest

import (
	"math"
	"slices"
	"sort"
	"time"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

// Panel is the usage of one resource by many workloads on one grid of time:
// step i covers [Start + i*Step, Start + (i+1)*Step).
type Panel struct {
	Resource resource.Name
	Start    time.Time
	Step     time.Duration
	Steps    int
	Tracks   []*Track

	Strays int    // samples that were left out, their times being far from those of all others
	Stray  string // the first of them, for people
}

// Track is one workload of a panel. It holds only the steps from its first
// sample to its last, so that the short-lived are cheap.
type Track struct {
	Workload string
	Class    workload.Class

	first  int       // step of usage[0]
	usage  []float32 // capped to the limit then; NaN for a gap
	limits []limit   // by time, each holding from its step on
	stays  []stay    // by time, each until the next
}

type limit struct {
	from  int
	value float32
}

// stay says that a track is on a node from a step on.
type stay struct {
	from int
	node string // "" when unknown
}

// NewPanel returns an empty panel of w, whose ends must be given, cut to whole
// steps.
func NewPanel(n resource.Name, w timeseries.Window, step time.Duration) *Panel {
	start := w.From.Truncate(step)
	return &Panel{Resource: n, Start: start, Step: step, Steps: int((w.To.Sub(start) + step - 1) / step)}
}

// NewTrack returns an empty track; it is not in the panel until appended to
// Tracks.
func (p *Panel) NewTrack(id string, class workload.Class) *Track {
	return &Track{Workload: id, Class: class}
}

// Add puts a sample's usage of the panel's resource into t. Samples must come in
// the order of their time; those outside the panel are left out. A limit of 0 is
// that of a workload switched off: it keeps its place, and the limit it had.
func (p *Panel) Add(t *Track, s *timeseries.Sample) {
	if !s.Usage.Has(p.Resource) {
		return
	}
	i := p.IndexOf(s.Time)
	if i < 0 || i >= p.Steps {
		return
	}
	usage := float32(s.Usage.Get(p.Resource))
	if most := float32(s.Limit.Get(p.Resource)); most > 0 {
		if n := len(t.limits); n == 0 || t.limits[n-1].value != most {
			t.limits = append(t.limits, limit{i, most})
		}
		usage = min(usage, most)
	}
	if n := len(t.stays); n == 0 || t.stays[n-1].node != s.Key.Node {
		t.stays = append(t.stays, stay{i, s.Key.Node})
	}
	if !(t.At(i) >= usage) {
		t.put(i, usage)
	}
}

// put sets step i, which must not lie before the first one.
func (t *Track) put(i int, v float32) {
	if len(t.usage) == 0 {
		t.first = i
	}
	for t.End() <= i {
		t.usage = append(t.usage, float32(math.NaN()))
	}
	t.usage[i-t.first] = v
}

// At returns the largest usage seen in step i, capped to the limit then, NaN for
// a gap.
func (t *Track) At(i int) float32 {
	if i < t.first || i >= t.End() {
		return float32(math.NaN())
	}
	return t.usage[i-t.first]
}

// First and End bound the steps that can hold usage: [First, End).
func (t *Track) First() int { return t.first }
func (t *Track) End() int   { return t.first + len(t.usage) }

// between returns the usage in steps [from, to) as far as there is any, and the
// step it begins at.
func (t *Track) between(from, to int) (usage []float32, first int) {
	first = min(max(from, t.first), t.End())
	return t.usage[first-t.first : max(min(to, t.End()), first)-t.first], first
}

// IndexOf returns the step that holds at; it may lie outside the panel.
func (p *Panel) IndexOf(at time.Time) int {
	return int(math.Floor(float64(at.Sub(p.Start)) / float64(p.Step)))
}

// Time returns the beginning of step i.
func (p *Panel) Time(i int) time.Time { return p.Start.Add(time.Duration(i) * p.Step) }

// StepsIn returns the number of steps in d.
func (p *Panel) StepsIn(d time.Duration) int { return int(d / p.Step) }

// Limit returns the newest limit known before step i, 0 when none is.
func (t *Track) Limit(i int) float32 {
	n := sort.Search(len(t.limits), func(k int) bool { return t.limits[k].from >= i })
	if n == 0 {
		return 0
	}
	return t.limits[n-1].value
}

// Caps returns the limit that held in each step [First, End), 0 where none was
// known.
func (t *Track) Caps() []float32 {
	caps := make([]float32, len(t.usage))
	next, most := 0, float32(0)
	for i := range caps {
		for next < len(t.limits) && t.limits[next].from <= t.first+i {
			most = t.limits[next].value
			next++
		}
		caps[i] = most
	}
	return caps
}

// Present reports whether the workload runs just before step i: it was seen
// within the last within steps, and has a limit.
func (t *Track) Present(i, within int) bool {
	seen, _ := t.between(i-within, i)
	for _, v := range seen {
		if v == v {
			return t.Limit(i) > 0
		}
	}
	return false
}

// Max returns the largest usage in steps [from, to), NaN when there is none.
func (t *Track) Max(from, to int) float32 {
	largest := float32(math.NaN())
	usage, _ := t.between(from, to)
	for _, v := range usage {
		if !(largest >= v) && v == v {
			largest = v
		}
	}
	return largest
}

// Last returns the last step that holds a value in at least half as many tracks
// as the fullest step does: where the trace can be taken to end. It is -1 for
// an empty panel.
func (p *Panel) Last() int {
	counts := make([]int, p.Steps)
	for _, t := range p.Tracks {
		for i, v := range t.usage {
			if v == v {
				counts[t.first+i]++
			}
		}
	}
	if len(counts) == 0 || slices.Max(counts) == 0 {
		return -1
	}
	half := (slices.Max(counts) + 1) / 2
	for i := len(counts) - 1; ; i-- {
		if counts[i] >= half {
			return i
		}
	}
}
