package packing

import "math"

// Size is what machines that are alike have, and how many of them there are.
type Size struct {
	Cores, Memory float64 // bytes
	Machines      int
}

// Room says what free cores and memory are worth to tasks that need no devices. A
// machine with c cores and m bytes free could take
//
//	s(k) = ⌊min(c / cores of k, m / memory of k)⌋
//
// more tasks of class k; with S(k) the same for the empty fleet, summed over its N
// machines, and p(k) the part of class k of what arrives, its room is
//
//	V = N Σ p(k) s(k) / S(k)
//
// in machines: 1 for an empty one of a fleet of equals. A task goes where V falls
// the least. What does not fit together, such as cores without memory beside them,
// is used up first, and what serves many, or the few who need much, is kept.
//
// Of machines that lose alike, one that already is too small for a common class
// is filled to the brim; where all of them fit the roomiest is taken, which keeps
// machines away from the edge and lets what leaves make room in more places.
//
// Where work leaves, room for a class counts for less, or against the machine, when
// smaller work is refused (see Shut).
//
// It is immutable.
type Room struct {
	classes []roomClass
}

type roomClass struct {
	perCore, perByte float64 // tasks for each core and byte, +Inf where it needs none
	value            float64 // of room for one, in machines
	common           bool
}

const (
	mostRoomClasses = 64
	commonClass     = .01  // part of what arrives
	evenly          = 2e-4 // of its room is what a machine is charged or credited among equals
	wholeTask       = 1e-3 // of a task may be missing: rounding
)

// NewRoom returns what room of machines of some sizes is worth for a mix, commonest
// class first, after what was refused of late where work leaves; nil where nothing of the mix fits anywhere.
func NewRoom(targets []Target, sizes []Size, shut Shut) *Room {
	fleet := func(c *roomClass) (slots float64) {
		for _, s := range sizes {
			slots += float64(s.Machines) * c.slots(s.Cores, s.Memory)
		}
		return slots
	}
	machines := 0
	for _, s := range sizes {
		machines += s.Machines
	}
	r := new(Room)
	for _, t := range targets[:min(len(targets), mostRoomClasses)] {
		c := roomClass{perCore: 1 / max(t.NeedCores, 0), perByte: 1 / max(t.NeedMemory, 0), common: t.Part > commonClass}
		if math.IsInf(c.perCore, 1) && math.IsInf(c.perByte, 1) {
			continue // it needs nothing
		}
		if slots := fleet(&c); slots > 0 {
			c.value = float64(machines) * t.Part / slots * shut.kept(slots, func(cores, memory float64) float64 {
				return fleet(&roomClass{perCore: 1 / max(cores, 0), perByte: 1 / max(memory, 0)})
			})
			r.classes = append(r.classes, c)
		}
	}
	if len(r.classes) == 0 {
		return nil
	}
	return r
}

// slots returns how many tasks of the class fit.
func (c *roomClass) slots(cores, memory float64) float64 {
	n := 1e9 // of a machine that is not known to have an end
	if !math.IsInf(c.perCore, 1) {
		n = cores * c.perCore
	}
	if !math.IsInf(c.perByte, 1) {
		n = min(n, memory*c.perByte)
	}
	return math.Floor(max(n, 0) + wholeTask)
}

// Lost returns the room that a machine loses when what it has free becomes less, in
// machines, with what decides among equals on top.
func (r *Room) Lost(cores, memory, coresAfter, memoryAfter float64) float32 {
	before, lost, small := 0.0, 0.0, false
	for i := range r.classes {
		c := &r.classes[i]
		n := c.slots(cores, memory)
		if n == 0 {
			small = small || c.common
			continue
		}
		before += math.Abs(c.value) * n
		lost += c.value * (n - c.slots(coresAfter, memoryAfter))
	}
	if small {
		return float32(lost + evenly*before)
	}
	return float32(lost - evenly*before)
}
