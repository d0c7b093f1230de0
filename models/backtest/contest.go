package backtest

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/auspex-project/auspex/forecast"
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
}

// Run replays the contest and returns the cases of each contestant, in the
// order of machine and origin. Origins at which a machine has no member make no
// case. The result does not depend on the number of workers.
func (c Contest) Run(ctx context.Context, contestants []Contestant) ([][]Case, error) {
	entries := make([]Entry, len(contestants))
	err := Parallel(ctx, c.Workers, len(contestants), func(k int) {
		entries[k] = contestants[k].Enter(c.Panel, c.Origins)
	})
	if err != nil {
		return nil, err
	}
	perMachine := make([][][]Case, len(c.Machines))
	err = Parallel(ctx, c.Workers, len(c.Machines), func(i int) {
		perMachine[i] = c.replay(i, entries)
	})
	if err != nil {
		return nil, err
	}
	cases := make([][]Case, len(contestants))
	for _, of := range perMachine {
		for k := range of {
			cases[k] = append(cases[k], of[k]...)
		}
	}
	return cases, nil
}

func (c Contest) replay(machine int, entries []Entry) [][]Case {
	m := c.Machines[machine]
	steps := c.Panel.StepsIn(c.Horizon)
	sum := NewSum(c.Panel, blockOf(c.Origins, steps))
	cases := make([][]Case, len(entries))
	for i, origin := range c.Origins {
		at := m.At(origin)
		if len(at.Present) == 0 {
			continue
		}
		sum.Follow(at)
		base := Case{Origin: origin, Machine: machine, Limit: at.Limit, Actual: sum.Max(origin, origin+steps)}
		for k, entry := range entries {
			out := base
			out.Low, out.High = entry.Bounds(i, at, sum)
			cases[k] = append(cases[k], out)
		}
	}
	return cases
}

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
