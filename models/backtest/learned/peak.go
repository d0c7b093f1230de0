package learned

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/auspex-project/auspex/models/backtest"
)

// Name is the contestant's in reports.
const Name = "auspex"

// Peak is the contestant. It is fitted once per contest.
type Peak struct {
	setting *backtest.Setting
	options Options
	seen    []int // tracks that are learned from
	unseen  []int
	pasts   []past
	epochs  []epoch
	took    time.Duration
}

var _ backtest.Contestant = (*Peak)(nil)

// unseenShare of the workloads is held out of all learning.
const unseenShare = .2

// Options bound what is learned.
type Options struct {
	Rows  int // machines at an origin that are learned from, default 20,000; of beginnings twice as many
	Trees int // default 100: with more, machines of few workloads or few weeks are overfitted; of beginnings twice as many
}

// Fit learns from the setting's panel what may be known at each refit.
func Fit(ctx context.Context, s *backtest.Setting, o Options) (*Peak, error) {
	if o.Rows == 0 {
		o.Rows = 20_000
	}
	if o.Trees == 0 {
		o.Trees = 100
	}
	l := &Peak{setting: s, options: o, pasts: pasts(s.Panel)}
	order := rand.New(rand.NewPCG(s.Seed, 7)).Perm(len(s.Panel.Tracks))
	held := int(unseenShare * float64(len(order)))
	l.unseen, l.seen = order[:held], order[held:]
	slices.Sort(l.unseen)
	slices.Sort(l.seen)
	l.epochs, l.took = l.trained(ctx)
	return l, ctx.Err()
}

// Unseen returns the tracks held out of all learning.
func (l *Peak) Unseen() []int { return l.unseen }

// Newborn returns the contestant as it answers for workloads it has not learned
// beginnings from, beside these: every seen track once. What calibrates forecasts of
// newborn workloads must be as new to the model as they.
func (l *Peak) Newborn() []backtest.Unlearned {
	out := make([]backtest.Unlearned, parts)
	for g := range out {
		out[g] = backtest.Unlearned{Contestant: &apart{l, g}, Tracks: l.part(g)}
	}
	return out
}

// Name returns the name the contestant goes by in reports.
func (l *Peak) Name() string { return Name }

// Enter readies the contestant; it was fitted before.
func (l *Peak) Enter(_ *backtest.Panel, origins []int) backtest.Entry {
	return &entry{l, origins, all}
}

type entry struct {
	*Peak
	origins []int
	part    int // whose beginnings were not learned from, or all: the mean of what was learned without each
}

// Trained returns how long fitting took.
func (e *entry) Trained() time.Duration { return e.took }

// Bounds returns what the forms that have won make of the machine. Where most of it
// has just started there is no history to sum: the peak is learned from the
// beginnings of other workloads then, and moves towards the sum of limits.
func (e *entry) Bounds(i int, at backtest.Membership, sum *backtest.Sum) (low, high float32) {
	var v view
	e.look(&v, at, sum, e.origins[i])
	now := epochAt(e.epochs, e.origins[i])
	if now == nil {
		return team{}.bounds(&v)
	}
	if v.young > .5 {
		if share, ok := now.beginning(&v, e.part); ok {
			return min(v.limit, max(0, share)*v.limit), v.all
		}
	}
	v.ask(now.warm)
	return now.team.bounds(&v)
}
