package engine

import "time"

// Bar is what a case should reach, on a quiet machine of two cores from 2024 on,
// decisions and their releases counted against one core.
type Bar struct {
	PerCPU float64       // decisions a second of CPU time
	P99    time.Duration // of a decision
}

// Bar returns the bar of c, false where none is set.
//
// How they were derived: between two requests of one of fifty shapes a hundred
// nodes change (fifty decisions, fifty releases), each of which takes about .1 µs to
// hold against the shape anew, in full blocks and seldom to the end; choosing takes about
// 3 µs, all else about a decision (queues, ledger, sums, book, garbage) 20 µs. That makes
// 33 µs. A request of a shape never
// seen adds two numbers to one kept of every node: 100,000 at 5 ns are half a
// millisecond; a thousand nodes asked to the end, each far from the next in memory, take
// as long. Tails are left room for a collection of garbage that takes one of the cores.
func (c Case) Bar() (Bar, bool) {
	switch {
	case c.Mix == Different && c.Nodes == 100_000:
		return Bar{500, 5 * time.Millisecond}, true // twice that on two cores
	case c.Mix != Different && c.Nodes == 10_000:
		return Bar{30_000, 200 * time.Microsecond}, true
	}
	return Bar{}, false
}
