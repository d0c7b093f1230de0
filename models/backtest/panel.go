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
}

// Track is one workload of a panel.
type Track struct {
	Workload string
	Class    workload.Class

	// Usage[i] is the largest usage seen in step i, capped to its limit then,
	// NaN for a gap.
	Usage []float32

	limits []limit // by time, each holding from its step on
}

type limit struct {
	from  int
	value float32
}

// NewPanel returns an empty panel of w, whose ends must be given, cut to whole
// steps.
func NewPanel(n resource.Name, w timeseries.Window, step time.Duration) *Panel {
	start := w.From.Truncate(step)
	return &Panel{Resource: n, Start: start, Step: step, Steps: int((w.To.Sub(start) + step - 1) / step)}
}

// NewTrack returns an empty track as long as the panel; it is not in the panel
// until appended to Tracks.
func (p *Panel) NewTrack(id string, class workload.Class) *Track {
	t := &Track{Workload: id, Class: class, Usage: make([]float32, p.Steps)}
	for i := range t.Usage {
		t.Usage[i] = float32(math.NaN())
	}
	return t
}

// Add puts a sample's usage of the panel's resource into t. Samples must come in
// the order of their time; those outside the panel are left out.
func (p *Panel) Add(t *Track, s *timeseries.Sample) {
	if !s.Usage.Has(p.Resource) {
		return
	}
	i := p.IndexOf(s.Time)
	if i < 0 || i >= p.Steps {
		return
	}
	usage, most := float32(s.Usage.Get(p.Resource)), float32(s.Limit.Get(p.Resource))
	if most > 0 {
		if n := len(t.limits); n == 0 || t.limits[n-1].value != most {
			t.limits = append(t.limits, limit{i, most})
		}
		usage = min(usage, most)
	}
	if !(t.Usage[i] >= usage) {
		t.Usage[i] = usage
	}
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

// Present reports whether the workload runs just before step i: it was seen
// within the last within steps, and has a limit.
func (t *Track) Present(i, within int) bool {
	for k := i - 1; k >= max(0, i-within); k-- {
		if t.Usage[k] == t.Usage[k] {
			return t.Limit(i) > 0
		}
	}
	return false
}

// Max returns the largest usage in steps [from, to), NaN when there is none.
func (t *Track) Max(from, to int) float32 {
	largest := float32(math.NaN())
	for _, v := range t.Usage[max(from, 0):max(min(to, len(t.Usage)), max(from, 0))] {
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
		for i, v := range t.Usage {
			if v == v {
				counts[i]++
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
