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

// Shut counts what needs no devices and found no place, by what it asked for, the latest
// the most: Refused for Room. Work of this kind is more alike in how long it stays, so
// that what is let in takes the place of a few of the smaller and not of all.
type Shut []ShutClass

// ShutClass is how often what asks for so much was refused.
type ShutClass struct {
	Cores, Memory float64 // bytes
	Count         float64
}

const (
	mostShut   = 64 // classes; what else is refused is not counted
	shutForOne = 30 // refusals that cost one
	leastRoom  = -1.
)

// Add counts a refusal.
func (s *Shut) Add(cores, memory float64) {
	for i := range *s {
		if c := &(*s)[i]; c.Cores == cores && c.Memory == memory {
			c.Count++
			return
		}
	}
	if len(*s) < mostShut {
		*s = append(*s, ShutClass{cores, memory, 1})
	}
}

// Fade has all that was counted so far count for a part, and returns the sum. What
// counts for next to nothing is forgotten.
func (s *Shut) Fade(part float64) (sum float64) {
	kept := (*s)[:0]
	for _, c := range *s {
		if c.Count *= part; c.Count > 1e-3 {
			kept = append(kept, c)
			sum += c.Count
		}
	}
	*s = kept
	return sum
}

// Level returns how far a sum of refusals takes the worth of the largest, in steps of a
// quarter.
func Level(sum float64) int { return int(min(4*sum/shutForOne, 4*(1-leastRoom))) }

// kept returns what room for tasks of which the empty fleet takes some is worth, in parts
// of what it is while nothing is refused; slots says the same of any task.
func (s Shut) kept(of float64, slots func(cores, memory float64) float64) float64 {
	cost := 0.0
	for _, c := range s {
		if slots(c.Cores, c.Memory) > of {
			cost += c.Count / shutForOne
		}
	}
	return max(1-cost, leastRoom)
}
