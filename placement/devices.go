package placement

import (
	"math/bits"
	"slices"
)

// Devices appends to chosen the devices of node i of b that the workload would get
// there; ok is false when the node has too few.
func (q *Query) Devices(s *State, b *Block, i int, chosen []int) (_ []int, ok bool) {
	if q.chooser != nil && q.Accelerator.Devices > 0 {
		if devices, ok := q.chooser.Choose(s, b, i); ok {
			for ; devices != 0; devices &= devices - 1 {
				chosen = append(chosen, bits.TrailingZeros64(devices))
			}
			return chosen, true
		}
	}
	return b.Select(i, q.Accelerator, q.Models, chosen)
}

// Select appends to chosen the devices of node i of b that a workload with need a
// would get, models being the numbers of the acceptable models, nil for any. A
// part of a device comes from the one with the least left that suffices, so that
// large rests survive; whole devices are taken by lowest index. ok is false when
// the node has too few.
func (b *Block) Select(i int, a Accelerator, models []uint32, chosen []int) (_ []int, ok bool) {
	if a.Devices == 0 {
		return chosen, true
	}
	if a.Share == WholeDevice {
		for k, d := range b.Occupants[i].Devices {
			if len(chosen) < a.Devices && b.suits(i, k, d, a, models) {
				chosen = append(chosen, k)
			}
		}
		return chosen, len(chosen) == a.Devices
	}
	best := -1
	for k, d := range b.Occupants[i].Devices {
		if b.suits(i, k, d, a, models) && (best < 0 || d.Free < b.Occupants[i].Devices[best].Free) {
			best = k
		}
	}
	if best < 0 {
		return chosen, false
	}
	return append(chosen, best), true
}

// CanSelect reports whether Select would find devices, and if not, whether the
// node at least has enough of an acceptable model.
func (b *Block) CanSelect(i int, a Accelerator, models []uint32) (ok, ofModel bool) {
	suitable, acceptable := 0, 0
	for k, d := range b.Occupants[i].Devices {
		if accepts(models, b.Models[i][k]) {
			acceptable++
			if d.Free >= a.Share && d.Memory >= a.Memory {
				suitable++
			}
		}
	}
	return suitable >= a.Devices, acceptable >= a.Devices
}

// CanSelectWithout reports whether Select would find devices were some members of node i
// gone.
func (b *Block) CanSelectWithout(i int, a Accelerator, models []uint32, gone []*Member) bool {
	suitable := 0
	for k, d := range b.Occupants[i].Devices {
		for _, m := range gone {
			if m.devices != nil && slices.Contains(m.devices.number, k) {
				d.Free += m.devices.of.Share
				d.Memory += m.devices.of.Memory
			}
		}
		if b.suits(i, k, d, a, models) {
			suitable++
		}
	}
	return suitable >= a.Devices
}

// Suits reports whether device k of node i would do for a workload with need a.
func (b *Block) Suits(i, k int, a Accelerator, models []uint32) bool {
	return b.suits(i, k, b.Occupants[i].Devices[k], a, models)
}

func (b *Block) suits(i, k int, d DeviceState, a Accelerator, models []uint32) bool {
	return d.Free >= a.Share && d.Memory >= a.Memory && accepts(models, b.Models[i][k])
}

// LastDevice returns the highest index of a device in use on a node, -1 when there is
// none.
func (s *State) LastDevice(node int) int {
	b, i := s.Peek(node)
	last := -1
	for _, m := range b.Occupants[i].Members {
		if m.devices != nil {
			last = max(last, slices.Max(m.devices.number))
		}
	}
	return last
}

func accepts(models []uint32, model uint32) bool {
	if models == nil {
		return true
	}
	for _, m := range models {
		if m == model {
			return true
		}
	}
	return false
}
