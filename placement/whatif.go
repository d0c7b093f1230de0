package placement

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/auspex-project/auspex/forecast"
)

// Advisor is a Filter that can say what would have to change for a node it turns
// away.
type Advisor interface {
	Filter

	// Advise returns the smallest changes that would make node i of b pass, each one
	// line with its amount; none where the node passes or nothing could be done. It
	// is asked by people: it may take its time.
	Advise(q *Query, b *Block, i int) []string
}

// ScoreDifference sets a scorer's points for the chosen node beside those for
// the next best.
type ScoreDifference struct {
	Scorer           string
	Chosen, RunnerUp float64
}

// Rival sets a node beside the one it loses against, both as they are now.
type Rival struct {
	Node   string
	Behind float64 // points; negative when the asked node would win now
	Scores []ScoreDifference

	// Flips are single weights that would make the asked node win, the smallest
	// change first.
	Flips []Flip
}

// Flip is a change of one weight.
type Flip struct {
	Scorer     string
	Weight, At float64 // as it is; from where on the asked node wins
}

// Advice returns what would have to change for one node, filter by filter.
func (e *Engine) Advice(q *Query, node int) (changes []string) {
	b, i := q.State.Peek(node)
	for _, f := range e.filters {
		if a, ok := f.(Advisor); ok {
			changes = append(changes, a.Advise(q, b, i)...)
		}
	}
	return changes
}

// Compare returns what separates a node, with its scores, from its rival.
func Compare(rival string, theirs, ours []ScoreLine) *Rival {
	r := &Rival{Node: rival}
	weighed := 0.0 // points times the sum of weights
	for i := range theirs {
		r.Scores = append(r.Scores, ScoreDifference{theirs[i].Scorer, theirs[i].Points, ours[i].Points})
		r.Behind += theirs[i].Points - ours[i].Points
		weighed += theirs[i].Weight * (theirs[i].Value - ours[i].Value)
	}
	if weighed <= 0 {
		return r
	}
	for i := range theirs {
		lead := theirs[i].Value - ours[i].Value
		if at := theirs[i].Weight - weighed/lead; lead != 0 && at >= 0 && !math.IsInf(at, 0) {
			r.Flips = append(r.Flips, Flip{theirs[i].Scorer, theirs[i].Weight, at})
		}
	}
	slices.SortStableFunc(r.Flips, func(a, b Flip) int {
		return cmp.Compare(math.Abs(a.At-a.Weight), math.Abs(b.At-b.Weight))
	})
	return r
}

// Over returns by how much the predicted peak exceeds the ceiling of node i of b
// in the worst slot of the horizon, and that slot; 0 where it stays below.
func (l *Load) Over(b *Block, i, slots int) (excess float64, slot int) {
	c := &b.Columns[l.Index]
	profile := b.Profile(i, l.Index, slots)
	worst := l.first
	most := float32(math.Inf(-1))
	for k := range l.slots {
		t := (l.first + k) % slots
		if p := forecast.Peak(profile[t]+l.At(t), c.Peak[i]+l.Peak, c.Limit[i]+l.Limit, l.margin(b, i)); p > most {
			most, worst = p, t
		}
	}
	return max(0, float64(most)-b.Capacity[l.Index][i]), worst
}

// SlotTime returns when slot t of the grid begins, the first that has not ended.
func (q *Query) SlotTime(t int) time.Time {
	grid := q.State.Grid
	return q.Stay.From.Add(time.Duration((t-q.First+grid.Slots)%grid.Slots) * grid.Slot)
}
