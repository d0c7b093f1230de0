package packing

import "math"

// Jobs of several devices need them whole and together, which the worth of a device
// on its own knows nothing of. A machine with g whole devices, c cores and m bytes
// free could take
//
//	s(k) = ⌊min(g / devices of k, c / cores of k, m / memory of k)⌋
//
// more tasks of class k. With q(k) the part of class k in the demand for devices, the
// machine offers Σ q(k) s(k) (devices of k) to the classes of several devices, and a
// part of that is what keeping it whole is worth: it can be broken up at any time but,
// where nothing leaves, never restored. The part is Σ q(k) (devices of k) / (devices of
// the largest class), between leastKeeping and mostKeeping: the more of the demand is
// for large jobs, the less of it can fill up a broken machine. Where work leaves, what
// is broken is mended in time, and a place is worth what Refused says of it. Where tasks
// name models there is no such term: it would send those that name none to the nodes of
// few devices, whose models others wait for.
type large struct {
	devices          int
	perCore, perByte float64 // tasks for each core and byte, +Inf where it needs none
	value            float64 // of a slot, in devices
}

const (
	leastKeeping     = .2
	mostKeeping      = .5
	fewNameModels    = .01 // of the demand: up to there it counts for one that any model will do for
	mostLargeClasses = 32
)

// largeClasses returns the classes of several devices, commonest first; demand is
// that of all targets. kept is the part that places for some devices are worth where
// work leaves, nil where nothing does.
func largeClasses(targets []Target, demand float64, kept func(devices int32) float64) []large {
	var classes []large
	named, several, largest := 0.0, 0.0, 1.0 // several counts each class by its size
	for _, t := range targets {
		if t.Models != 0 {
			named += t.Part * t.Demand()
		}
		if t.Devices > 1 {
			several += t.Part * t.Demand() * t.Demand()
			largest = max(largest, t.Demand())
		}
	}
	if named > fewNameModels*demand {
		return nil
	}
	keeping := min(max(several/(largest*demand), leastKeeping), mostKeeping)
	for _, t := range targets {
		if t.Devices > 1 && len(classes) < mostLargeClasses {
			if kept != nil {
				keeping = kept(t.Devices)
			}
			classes = append(classes, large{
				devices: int(t.Devices), perCore: 1 / max(t.NeedCores, 0), perByte: 1 / max(t.NeedMemory, 0),
				value: keeping * t.Part * t.Demand() / demand * float64(t.Devices),
			})
		}
	}
	return classes
}

// slots returns how many tasks of the class fit.
func (l *large) slots(whole int, cores, memory float64) float64 {
	if whole < l.devices {
		return 0
	}
	n := float64(whole / l.devices)
	if !math.IsInf(l.perCore, 1) {
		n = min(n, cores*l.perCore+wholeTask)
	}
	if !math.IsInf(l.perByte, 1) {
		n = min(n, memory*l.perByte+wholeTask)
	}
	return math.Floor(max(n, 0))
}

// Parts reports whether it is of use that some jobs of several devices find no place, so
// that a node can be worth more with less of it free.
func (w *Worth) Parts() bool {
	for i := range w.large {
		if w.large[i].value < 0 {
			return true
		}
	}
	return false
}

// Together returns what is to be counted less wasted of a machine with some whole
// devices, cores and memory (bytes) free because jobs of several devices could take
// them; in devices.
func (w *Worth) Together(whole int, cores, memory float64) float32 {
	sum := 0.0
	for i := range w.large {
		sum += w.large[i].value * w.large[i].slots(whole, cores, memory)
	}
	return float32(sum)
}
