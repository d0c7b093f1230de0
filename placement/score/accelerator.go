package score

import "github.com/auspex-project/auspex/placement"

// Accelerator keeps devices usable. Work without a need of devices is sent where
// none are free. A part of a device goes where it leaves the smallest rest, whole
// devices where the fewest whole ones remain.
type Accelerator struct{}

var _ placement.Scorer = Accelerator{}

func (Accelerator) Name() string           { return "accelerator" }
func (Accelerator) Unit() string           { return "devices left free" }
func (Accelerator) DefaultWeight() float64 { return 4 }

func (Accelerator) Prepare(q *placement.Query) placement.Measure {
	m := &accelerator{need: q.Accelerator, models: q.Models}
	return m
}

type accelerator struct {
	need   placement.Accelerator
	models []uint32
}

func (m *accelerator) Score(_ *placement.State, b *placement.Block, candidates uint64, raw, value *placement.Lane) {
	if m.need.Devices == 0 {
		each(candidates&^b.Accelerated, func(i int) { raw[i], value[i] = 0, 100 })
		candidates &= b.Accelerated
	}
	each(candidates, func(i int) {
		switch {
		case m.need.Devices == 0:
			left := free(b.Occupants[i].Devices)
			raw[i], value[i] = left, percent(1-left/max(1, float32(len(b.Occupants[i].Devices))))
		case m.need.Share < placement.WholeDevice:
			left := m.rest(b, i)
			raw[i], value[i] = left, percent(1-left)
		default:
			left := whole(b.Occupants[i].Devices) - float32(m.need.Devices)
			raw[i], value[i] = left, percent(1-left/max(1, float32(len(b.Occupants[i].Devices))))
		}
	})
}

// rest returns what is left of the device the part would come from.
func (m *accelerator) rest(b *placement.Block, i int) float32 {
	var chosen [64]int
	devices, ok := b.Select(i, m.need, m.models, chosen[:0])
	if !ok {
		return 1
	}
	return float32(b.Occupants[i].Devices[devices[0]].Free-m.need.Share) / placement.WholeDevice
}

func free(devices []placement.DeviceState) float32 {
	sum := float32(0)
	for _, d := range devices {
		sum += float32(d.Free) / placement.WholeDevice
	}
	return sum
}

func whole(devices []placement.DeviceState) float32 {
	n := float32(0)
	for _, d := range devices {
		if d.Free == placement.WholeDevice {
			n++
		}
	}
	return n
}
