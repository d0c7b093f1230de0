package packing

import "math"

// Refused counts what found no place, by how many devices it asked for, the latest the
// most. It says what a place for a large job is worth where work leaves again. A job
// that is let in keeps its devices from all that come while it stays; with
// R(d) the refusals of what asks for less than d devices in about as long,
//
//	v(d) = max(1 - R(d), leastKept)
//
// of the jobs of d devices that find a place are gained. This is the reward less the
// implied cost of a call that takes up several circuits (Kelly, "Loss Networks", Annals
// of Applied Probability 1, 1991, section 4), the cost being measured and not solved for.
// While only large jobs are refused, places for them are worth all of v = 1 and nodes are
// kept whole; when what is small is refused too there is not enough for all, and a
// job of eight is let in at the cost of many.
//
// The zero value has counted nothing. It is a value: a copy is independent.
type Refused struct {
	small [MostDevices + 1]float64 // refusals by devices asked for, rounded up
}

const leastKept = -.5 // it still decides among nodes that are alike otherwise

// Add counts a refusal of a class.
func (r *Refused) Add(c Class) {
	r.small[min(int(math.Ceil(c.Demand())), MostDevices)]++
}

// Fade has all that was counted so far count for a part.
func (r *Refused) Fade(part float64) {
	for d := range r.small {
		r.small[d] *= part
	}
}

// Kept returns the part, at most 1, that places for jobs of some devices are worth, in
// steps of a quarter. Below 0 it is better if there are none.
func (r *Refused) Kept(devices int32) float64 {
	cost := 0.0
	for d := range min(int(devices), len(r.small)) {
		cost += r.small[d]
	}
	return math.Round(4*max(1-cost, leastKept)) / 4
}
