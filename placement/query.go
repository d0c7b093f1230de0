package placement

import (
	"math"
	"time"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// Query is one workload made ready to be held against nodes. What it is asked for
// must be the same for every workload that differs in its id alone.
type Query struct {
	State       *State // to look names up in
	Workload    *workload.Workload
	Policy      workload.ClassPolicy
	Forecast    *forecast.Forecast // nil = unknown
	Needs       []Need
	Accelerator Accelerator
	Models      []uint32 // numbers of the acceptable device models, nil = any

	First, Slots int // the horizon: Slots slots of the grid from First on, cyclic

	// Stay is when the workload is taken to run: the horizon or its expected runtime,
	// whichever is longer, in whole slots.
	Stay fleet.Window

	rules   *classRules
	shape   *shape  // nil where it is not known to have one
	chooser Chooser // nil: Block.Select
	company []companion
	bond    string // see bindTo
}

// NewQuery prepares w, of class, for s at a moment.
func NewQuery(s *State, w *workload.Workload, class workload.Class, f *forecast.Forecast, now time.Time) (*Query, error) {
	rules, ok := s.Policy.classes[class]
	if !ok {
		return nil, s.Policy.CheckClass(class)
	}
	q := &Query{
		State: s, Workload: w, Policy: rules.policy, Forecast: f, Needs: s.needs(w, f), Accelerator: AcceleratorOf(w),
		rules: rules,
	}
	q.lookUp(s)
	q.First, q.Slots = s.Grid.Horizon(now, rules.policy.Horizon)
	q.Stay.From = now.Truncate(s.Grid.Slot)
	// One slot more, since it may come late in the first.
	running := min(int(w.Runtime/s.Grid.Slot)+2, math.MaxInt32)
	q.Stay.Until = q.Stay.From.Add(s.Grid.Slot * time.Duration(max(q.Slots, running)))
	q.meet(s)
	return q, nil
}

// lookUp finds the numbers of names that w gives in s.
func (q *Query) lookUp(s *State) {
	q.Models = nil
	if models := q.Workload.Accelerator.Models; len(models) > 0 {
		q.Models = s.Models(models)
	}
}

// Need returns what the workload needs of a resource, nil when nothing.
func (q *Query) Need(n resource.Name) *Need {
	for i := range q.Needs {
		if q.Needs[i].Resource == n {
			return &q.Needs[i]
		}
	}
	return nil
}

// Room returns how much of resource r of the schema node i has left beside the
// predicted peak of its sum, and beside that with need, of r or nil, on top: at
// least, by the highest slots of both. It may be below 0.
func (q *Query) Room(b *Block, i, r int, need *Need) (before, after float32) {
	c, ceiling, margins := &b.Columns[r], b.Ceiling[r][i], q.rules.margins[r]
	margin := func(members int) float32 { return margins[min(members, len(margins)-1)] }
	before = ceiling - forecast.Peak(c.Top[i], c.Peak[i], c.Limit[i], margin(int(b.Count[i])))
	if need == nil {
		return before, before
	}
	after = ceiling - forecast.Peak(c.Top[i]+need.Top, c.Peak[i]+need.Peak, c.Limit[i]+need.Limit, margin(int(b.Count[i])+1))
	return before, after
}

// Load is a need held against nodes: the predicted peak of a node's sum with it.
type Load struct {
	*Need
	margins      []float32
	first, slots int     // horizon
	whole        bool    // the horizon is all of the grid
	highest      float32 // slot of the need within the horizon
}

// Load returns the load of n, which must have an Index.
func (q *Query) Load(n *Need) Load {
	l := Load{Need: n, margins: q.rules.margins[n.Index], first: q.First, slots: q.Slots, whole: q.Slots == q.State.Grid.Slots}
	for k := range q.Slots {
		l.highest = max(l.highest, n.At((q.First+k)%q.State.Grid.Slots))
	}
	return l
}

// Average returns the predicted peak averaged over the grid.
func (l *Load) Average(b *Block, i int) float32 {
	c := &b.Columns[l.Index]
	return forecast.Peak(c.Level[i]+l.Level, c.Peak[i]+l.Peak, c.Limit[i]+l.Limit, l.margin(b, i))
}

// Highest returns the highest predicted peak over the horizon. forecast.Peak is
// convex in the profile, so it is highest where the profile is highest or, with a
// margin over 1, perhaps where it is lowest.
func (l *Load) Highest(b *Block, i, slots int) float32 {
	c := &b.Columns[l.Index]
	top, low := l.extremes(b.Profile(i, l.Index, slots))
	peak, limit, q := c.Peak[i]+l.Peak, c.Limit[i]+l.Limit, l.margin(b, i)
	highest := forecast.Peak(top, peak, limit, q)
	if q > 1 {
		highest = max(highest, forecast.Peak(low, peak, limit, q))
	}
	return highest
}

// Least returns what Highest is at least, from the sums alone: the highest slot of
// the load meets no less than the lowest of the node, and over the whole grid the
// highest of the node no less than the lowest of the load.
func (l *Load) Least(b *Block, i int) float32 {
	c := &b.Columns[l.Index]
	profile := c.Low[i] + l.highest
	if l.whole {
		profile = max(profile, c.Top[i]+l.Low)
	}
	const rounding = 1 - slack
	return rounding * forecast.Peak(profile, c.Peak[i]+l.Peak, c.Limit[i]+l.Limit, min(l.margin(b, i), 1))
}

// extremes returns the highest and the lowest slot, within the horizon, of a
// node's summed profile with the load on top.
func (l *Load) extremes(profile []float32) (top, low float32) {
	if l.Profile == nil && l.whole {
		top, low = profile[0], profile[0]
		for _, p := range profile[1:] {
			if p > top {
				top = p
			} else if p < low {
				low = p
			}
		}
		return top + l.Peak, low + l.Peak
	}
	t := l.first
	top = profile[t] + l.At(t)
	low = top
	for range l.slots - 1 {
		if t++; t == len(profile) {
			t = 0
		}
		p := profile[t] + l.At(t)
		if p > top {
			top = p
		} else if p < low {
			low = p
		}
	}
	return top, low
}

// Fits reports whether Highest is within the node's ceiling. It decides by bounds
// where these suffice: with a margin of at most 1 a peak rises with the profile,
// so the highest slots of both together bound it from above, and over the whole
// grid the highest slot of one with the lowest of the other from below.
func (l *Load) Fits(b *Block, i, slots int) bool {
	ceiling := b.Ceiling[l.Index][i]
	c := &b.Columns[l.Index]
	peak, limit, q := c.Peak[i]+l.Peak, c.Limit[i]+l.Limit, l.margin(b, i)
	if limit <= ceiling {
		return true // not even all limits together
	}
	if q <= 1 {
		if forecast.Peak(c.Top[i]+l.Top, peak, limit, q) <= ceiling {
			return true
		}
		if l.whole && forecast.Peak(c.Top[i]+l.Low, peak, limit, q) > ceiling*(1+slack) {
			return false
		}
	}
	return l.Highest(b, i, slots) <= ceiling
}

// Share returns x, an amount of the load's resource, as a share of what node i
// has; 0 where it does not say.
func (l *Load) Share(b *Block, i int, x float32) float32 {
	return x / b.Ceiling[l.Index][i] * (1 + slack)
}

func (l *Load) margin(b *Block, i int) float32 {
	return l.margins[min(int(b.Count[i])+1, len(l.margins)-1)]
}
