package backtest

import (
	"math/rand/v2"
	"slices"
)

// Day is the steps [From, To) of a panel, one day of UTC or what there is of it.
type Day struct{ From, To int }

// calendar says when a panel holds data.
type calendar struct {
	counts []int // tracks with a value, by step
	usual  int   // nearly the most there are
	days   []Day
}

const (
	dayShare     = .1 // of the usual tracks makes a day one that holds data
	coveredShare = .9 // of the steps of a horizon must hold data
)

// newCalendar counts what there is in each step. Days are those of UTC, as long
// as the panel starts with one.
func newCalendar(p *Panel) *calendar {
	c := &calendar{counts: make([]int, p.Steps)}
	for _, t := range p.Tracks {
		for i := t.First(); i < t.End(); i++ {
			if v := t.At(i); v == v {
				c.counts[i]++
			}
		}
	}
	c.usual = usualCount(c.counts)
	perDay := p.StepsIn(dayLength)
	for from := 0; from < p.Steps; from += perDay {
		day := Day{from, min(from+perDay, p.Steps)}
		if slices.ContainsFunc(c.counts[day.From:day.To], c.holds) {
			c.days = append(c.days, day)
		}
	}
	return c
}

// usualCount is a count that few steps exceed, of those that hold anything.
func usualCount(counts []int) int {
	some := slices.DeleteFunc(slices.Clone(counts), func(n int) bool { return n == 0 })
	if len(some) == 0 {
		return 0
	}
	slices.Sort(some)
	return some[len(some)*9/10]
}

func (c *calendar) holds(count int) bool {
	return count > 0 && float64(count) >= dayShare*float64(c.usual)
}

// covers reports whether there is data just before step i and nearly all through
// the steps after it.
func (c *calendar) covers(i, steps int) bool {
	if i < presence || i+steps > len(c.counts) || !slices.ContainsFunc(c.counts[i-presence:i], c.holds) {
		return false
	}
	held := 0
	for _, n := range c.counts[i : i+steps] {
		if c.holds(n) {
			held++
		}
	}
	return float64(held) >= coveredShare*float64(steps)
}

// origins returns the steps in span, every so many counted from step 0, whose
// horizon of steps is covered.
func (c *calendar) origins(span Day, every, steps int) []int {
	var origins []int
	for i := (span.From + every - 1) / every * every; i < span.To; i += every {
		if c.covers(i, steps) {
			origins = append(origins, i)
		}
	}
	return origins
}

// shortLived reports whether fewer than half of the tracks are there at a time.
func (c *calendar) shortLived(tracks int) bool {
	steps, total := 0, 0
	for _, n := range c.counts {
		if c.holds(n) {
			steps++
			total += n
		}
	}
	return steps > 0 && float64(total)/float64(steps) < .5*float64(tracks)
}

// dailyMachines deals tracks anew each day, to machines that exist on that day
// alone, from those that have a value on it: for traces few of whose workloads
// are there at a time.
func dailyMachines(p *Panel, days []Day, tracks []int, size, replicates int, seed uint64) []*Machine {
	var machines []*Machine
	for d, day := range days {
		var alive []int
		for _, k := range tracks {
			if v := p.Tracks[k].Max(day.From, day.To); v == v {
				alive = append(alive, k)
			}
		}
		for replicate := range replicates {
			rng := rand.New(rand.NewPCG(seed, uint64(d)<<32|uint64(replicate)))
			rng.Shuffle(len(alive), func(i, j int) { alive[i], alive[j] = alive[j], alive[i] })
			for hand := range slices.Chunk(alive, size) {
				if len(hand) < size {
					break
				}
				m := &Machine{panel: p}
				for _, k := range hand {
					m.Members = append(m.Members, Member{k, day.From - 1, day.To})
				}
				machines = append(machines, m)
			}
		}
	}
	return distinct(machines)
}
