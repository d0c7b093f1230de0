package packing

import (
	"math"
	"math/bits"
)

// Worth says how much of what is free of devices is expected to stay unused. It is
// immutable.
type Worth struct {
	Targets []Target // the mix it is for, the commonest first
	Models  []string // in the order of their bits in Targets
	Room    *Room    // of cores and memory; nil: nothing is known

	residual [Whole + 1]float32 // by what is free of a device, in devices
	cores    float64            // that the mix needs beside a device in use
	memory   float64
	large    []large
}

// Devices reports whether w says anything of devices: the mix may be of tasks alone
// that need none, and then only Room is known. w may be nil.
func (w *Worth) Devices() bool { return w != nil && len(w.Targets) > 0 }

// Residual returns how much of a device, a share of which is free, is expected to
// stay unused in the end; in devices.
func (w *Worth) Residual(free int32) float32 { return w.residual[free] }

// Choose picks, of the devices of a machine that suit a task, one bit each, those
// of which it takes a share at the least added waste; ok is false where too few have
// it free. Of equals the lowest come first.
func (w *Worth) Choose(free []int32, suitable uint64, devices, share int32) (chosen uint64, added float32, ok bool) {
	for range devices {
		least, at := never, -1
		for m := suitable; m != 0; m &= m - 1 {
			k := bits.TrailingZeros64(m)
			if r := free[k]; r >= share {
				if x := w.residual[r-share] - w.residual[r]; x < least {
					least, at = x, k
				}
			}
		}
		if at < 0 {
			return 0, 0, false
		}
		chosen |= 1 << at
		suitable &^= 1 << at
		added += least
	}
	return chosen, added, true
}

// Lacking returns how much of a machine's free devices, in parts of Whole, is to
// be counted lost for lack of free cores or memory (bytes) beside them; in devices.
func (w *Worth) Lacking(free int32, cores, memory float64) float32 {
	if free <= 0 {
		return 0
	}
	devices := float64(free) / Whole
	lack := 0.0
	if w.cores > 0 {
		lack = 1 - cores/(w.cores*devices)
	}
	if w.memory > 0 {
		lack = max(lack, 1-memory/(w.memory*devices))
	}
	lack = min(max(lack, 0), 1)
	return float32(devices * lack * lack)
}

var never = float32(math.Inf(1))

// Idle is what a task without devices is charged for each free device of the
// machine it goes to: too little to outweigh any waste, enough to send it, of
// machines that are alike to it, to the one whose devices are taken.
const Idle = 1e-3

// ending is the chance, at each arrival, that it was the last that could have come
// to a device. Small values look far ahead: a device fills up and stays full. Where
// work leaves, what is beside a rest soon gives way to something else, so that what
// could be made of the rest now counts for more.
const (
	ending        = .02 // where nothing leaves
	endingLeaving = .3  // where as much leaves as comes
)

// Unplanned returns the worth that follows from the mix alone: each device is on
// its own and takes every task that fits. With p(d) the rate at which shares of d
// arrive and h the chance of an end,
//
//	w(r) = (h r + (1-h) Σ p(d) w(r-d)) / (h + (1-h) Σ p(d)), sums over d <= r
func Unplanned(targets []Target, models []string) *Worth {
	return unplanned(targets, models, ending, nil)
}

// unplanned is Unplanned; kept is that of largeClasses.
func unplanned(targets []Target, models []string, ending float64, kept func(devices int32) float64) *Worth {
	w := &Worth{Targets: targets, Models: models}
	var rate [Whole + 1]float64
	var cores, memory, devices float64
	for _, t := range targets {
		if t.Devices > 0 {
			rate[t.Share] += t.Part * float64(t.Devices)
			cores += t.Part * t.NeedCores
			memory += t.Part * t.NeedMemory
			devices += t.Part * t.Demand()
		}
	}
	if devices > 0 {
		w.cores, w.memory = cores/devices, memory/devices
		w.large = largeClasses(targets, devices, kept)
	}
	var residual [Whole + 1]float64
	for r := 1; r <= Whole; r++ {
		end, fitting := ending*float64(r)/Whole, 0.0
		for d := 1; d <= r; d++ {
			if rate[d] > 0 {
				end += (1 - ending) * rate[d] * residual[r-d]
				fitting += rate[d]
			}
		}
		residual[r] = end / (ending + (1-ending)*fitting)
		w.residual[r] = float32(residual[r])
	}
	return w
}
