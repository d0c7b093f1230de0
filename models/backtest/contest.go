package backtest

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/workload"
)

// Contestant is a way to predict the peaks of machines.
type Contestant interface {
	Name() string

	// Enter readies the contestant to predict machines of p at origins, steps in
	// rising order. The entry must be safe for concurrent use.
	Enter(p *Panel, origins []int) Entry
}

// Entry predicts in one contest.
type Entry interface {
	// Bounds returns, for a machine whose members at origins[i] are at, the peak
	// over the horizon that begins there, and what calibration may move it
	// towards: a bound that is hardly ever passed. It may look at nothing in the
	// panel from the origin on. sum is that of at.
	Bounds(i int, at Membership, sum *Sum) (low, high float32)
}

// Case is one machine at one origin: what was predicted, and what came.
type Case struct {
	Origin  int
	Machine int
	Limit   float32 // sum of the members' limits
	Actual  float32 // the oracle's peak over the horizon
	Low     float32
	High    float32
}

// Needed returns the margin with which the case would just have been no
// violation.
func (c Case) Needed() float32 { return forecast.Needed(c.Low, c.High, c.Limit, c.Actual) }

// Predicted returns the peak predicted with margin q, which for a contestant
// that predicts too much may be negative.
func (c Case) Predicted(q float32) float32 { return max(0, forecast.Peak(c.Low, c.High, c.Limit, q)) }

// Contest says what is replayed.
type Contest struct {
	Panel    *Panel
	Machines []*Machine
	Origins  []int // steps at which peaks are predicted, rising
	Horizon  time.Duration
	Workers  int // 0 = GOMAXPROCS

	// Newborn, if set, lets every member be seen first less than that before each
	// origin, at a time drawn from the seed: whatever came before is hidden from
	// the sum. Contestants that do not look at Membership.Since still know it.
	Newborn time.Duration
	Seed    uint64

	// OnProgress, if set, hears how many machines have been replayed. Calls do not
	// overlap.
	OnProgress func(done, total int)
}

// Moment is a machine at an origin, and what came of it.
type Moment struct {
	Origin  int
	Machine int
	Members int
	Limit   float32        // sum of the members' limits
	Actual  float32        // the oracle's peak over the horizon
	Age     int            // steps since the median member was first seen
	Class   workload.Class // of all members, "mixed" where they differ
}

// Predictions are what one contestant said of each moment.
type Predictions struct {
	Name      string
	Low, High []float32     // beside the moments
	Enter     time.Duration // spent on getting ready, training included
	Train     time.Duration // spent on training
	Predict   time.Duration // spent on Bounds
}

// Replay is what came of a contest.
type Replay struct {
	Moments     []Moment      // by machine, then origin
	Predictions []Predictions // one per contestant
}

// Run replays the contest and returns the cases of each contestant, in the
// order of machine and origin. Origins at which a machine has no member make no
// case. The result does not depend on the number of workers.
func (c Contest) Run(ctx context.Context, contestants []Contestant) ([][]Case, error) {
	r, err := c.Replay(ctx, contestants)
	if err != nil {
		return nil, err
	}
	cases := make([][]Case, len(contestants))
	for k, p := range r.Predictions {
		cases[k] = make([]Case, len(r.Moments))
		for i, m := range r.Moments {
			cases[k][i] = Case{m.Origin, m.Machine, m.Limit, m.Actual, p.Low[i], p.High[i]}
		}
	}
	return cases, nil
}

// Replay is Run, by columns and with the time it took.
func (c Contest) Replay(ctx context.Context, contestants []Contestant) (*Replay, error) {
	entries := make([]Entry, len(contestants))
	out := &Replay{Predictions: make([]Predictions, len(contestants))}
	err := Parallel(ctx, c.Workers, len(contestants), func(k int) {
		started := time.Now()
		entries[k] = contestants[k].Enter(c.Panel, c.Origins)
		out.Predictions[k] = Predictions{Name: contestants[k].Name(), Enter: time.Since(started)}
	})
	if err != nil {
		return nil, err
	}
	for k, entry := range entries {
		if t, ok := entry.(interface{ Trained() time.Duration }); ok {
			out.Predictions[k].Train = t.Trained()
			out.Predictions[k].Enter += t.Trained()
		}
	}
	perMachine := make([]*Replay, len(c.Machines))
	var mu sync.Mutex
	done := 0
	err = Parallel(ctx, c.Workers, len(c.Machines), func(i int) {
		perMachine[i] = c.replay(i, entries)
		if c.OnProgress != nil {
			mu.Lock()
			done++
			c.OnProgress(done, len(c.Machines))
			mu.Unlock()
		}
	})
	if err != nil {
		return nil, err
	}
	for _, r := range perMachine {
		out.Moments = append(out.Moments, r.Moments...)
		for k, p := range r.Predictions {
			out.Predictions[k].Low = append(out.Predictions[k].Low, p.Low...)
			out.Predictions[k].High = append(out.Predictions[k].High, p.High...)
			out.Predictions[k].Predict += p.Predict
		}
	}
	return out, nil
}

// lookback is how far back of an origin a machine's sum is known.
const lookback = 21 * 24 * time.Hour

func (c Contest) replay(machine int, entries []Entry) *Replay {
	m := c.Machines[machine]
	steps := c.Panel.StepsIn(c.Horizon)
	sum := NewSum(c.Panel, blockOf(c.Origins, steps), c.Panel.StepsIn(lookback), steps)
	out := &Replay{Predictions: make([]Predictions, len(entries))}
	for i, origin := range c.Origins {
		at := m.At(origin)
		if at.Limit <= 0 {
			continue
		}
		c.forget(&at, machine, origin)
		sum.Follow(at, origin)
		moment := Moment{Origin: origin, Machine: machine, Members: len(at.Present), Limit: at.Limit, Actual: sum.Max(origin, origin+steps)}
		moment.describe(c.Panel, at)
		out.Moments = append(out.Moments, moment)
		for k, entry := range entries {
			started := time.Now()
			low, high := entry.Bounds(i, at, sum)
			p := &out.Predictions[k]
			p.Predict += time.Since(started)
			p.Low, p.High = append(p.Low, low), append(p.High, high)
		}
	}
	return out
}

// forget hides the past of newborn members.
func (c Contest) forget(at *Membership, machine, origin int) {
	steps := c.Panel.StepsIn(c.Newborn)
	if steps == 0 {
		return
	}
	rng := rand.New(rand.NewPCG(c.Seed, uint64(machine)<<32|uint64(origin)))
	for range at.Present {
		at.Since = append(at.Since, origin-rng.IntN(steps))
	}
}

func (m *Moment) describe(p *Panel, at Membership) {
	ages := make([]int, len(at.Present))
	m.Class = p.Tracks[at.Present[0]].Class
	for i, k := range at.Present {
		ages[i] = m.Origin - max(p.Tracks[k].First(), at.since(i))
		if p.Tracks[k].Class != m.Class {
			m.Class = mixed
		}
	}
	slices.Sort(ages)
	m.Age = ages[len(ages)/2]
}

// mixed is the class of a machine whose members differ in theirs.
const mixed = workload.Class("mixed")

// blockOf returns the largest block of steps that all origins and the horizon
// are multiples of.
func blockOf(origins []int, steps int) int {
	block := steps
	for _, o := range origins {
		for o != 0 {
			block, o = o, block%o
		}
	}
	return max(block, 1)
}

// Parallel calls f for each of n tasks on some workers (0 = GOMAXPROCS), and
// returns early when ctx ends.
func Parallel(ctx context.Context, workers, n int, f func(i int)) error {
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(workers, n) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n) && ctx.Err() == nil; i = next.Add(1) - 1 {
				f(int(i))
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}
