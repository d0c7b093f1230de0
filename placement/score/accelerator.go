package score

import (
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/resource"
)

// Accelerator keeps devices usable. It goes by what the fleet has learned of the
// mix of workloads that arrive: the waste of devices to be expected of the node with
// the workload, less that without (see package packing). The device within the node
// is the one that wastes the least.
//
// Until enough has arrived to learn from, all that is left beside the workload
// counts for wasted: a part of a device goes where it leaves the smallest rest, whole
// devices where the fewest whole ones remain. Work without a need of devices is
// sent where none are free.
type Accelerator struct{}

var (
	_ placement.Foresight = Accelerator{}
	_ placement.Foreseen  = (*rest)(nil)
)

func (Accelerator) Name() string           { return "accelerator" }
func (Accelerator) Unit() string           { return "devices wasted" }
func (Accelerator) DefaultWeight() float64 { return 4 }

func (Accelerator) Prepare(q *placement.Query) placement.Measure {
	if w := q.State.Catalogue.Worth; w.Devices() {
		m := &waste{worth: w, query: q, cpu: q.Need(resource.CPU), share: packingShare(q.Accelerator.Share), parts: w.Parts()}
		if memory := q.Need(resource.Memory); memory != nil {
			m.memory = memory.Request
		}
		return m
	}
	return &rest{need: q.Accelerator, models: q.Models}
}

// rest is the measure before anything is learned.
type rest struct {
	need   placement.Accelerator
	models []uint32
}

func (m *rest) Score(_ *placement.State, b *placement.Block, candidates uint64, raw, value *placement.Lane) {
	if m.need.Devices == 0 {
		each(candidates&^b.Accelerated, func(i int) { raw[i], value[i] = 0, 100 })
		candidates &= b.Accelerated
	}
	each(candidates, func(i int) {
		devices := b.Occupants[i].Devices
		switch {
		case m.need.Devices == 0:
			left := free(devices)
			raw[i], value[i] = left, percent(1-left/max(1, float32(len(devices))))
		case m.need.Share < placement.WholeDevice:
			left := m.ofDevice(b, i)
			raw[i], value[i] = left, percent(1-left)
		default:
			left := whole(devices) - float32(m.need.Devices)
			raw[i], value[i] = left, percent(1-left/max(1, float32(len(devices))))
		}
	})
}

// ofDevice returns what is left of the device the part would come from.
func (m *rest) ofDevice(b *placement.Block, i int) float32 {
	var chosen [maxDevices]int
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

// Foresee implements placement.Foresight. To work without a need of devices only what
// is free of them counts; before anything is learned, whole devices are counted, and a
// part of one leaves, where no other is in use in part, all but that of a whole one.
func (Accelerator) Foresee(q *placement.Query) placement.Standing {
	switch {
	case q.Accelerator.Devices > 0 && q.State.Catalogue.Worth.Devices():
		return nil
	case q.Accelerator.Devices > 0:
		return restStanding{q.Accelerator.Share < placement.WholeDevice}
	case q.State.Catalogue.Worth.Devices():
		return wasteStanding{q, q.State.Catalogue.Worth.Parts()}
	}
	return plainStanding{}
}

// plainStanding is that of rest for work without a need of devices, all there is to it.
type plainStanding struct{}

func (plainStanding) Stand(s *placement.State, b *placement.Block, i int) (value float32, mark int) {
	if b.Accelerated>>i&1 == 0 {
		return 100, 0
	}
	devices := b.Occupants[i].Devices
	return percent(1 - free(devices)/max(1, float32(len(devices)))), 0
}

// restStanding is that of rest for work that needs devices.
type restStanding struct{ part bool }

const entire = 1 // mark of nodes no device of which is in use in part

func (st restStanding) Stand(_ *placement.State, b *placement.Block, i int) (value float32, mark int) {
	devices := b.Occupants[i].Devices
	switch free, whole := free(devices), whole(devices); {
	case b.Accelerated>>i&1 == 0:
		return 100, 0
	case !st.part:
		return 100 * (1 - whole/float32(len(devices))), entire // parts do not count
	case free == whole:
		return 0, entire
	}
	return 100, 0
}

func (m *rest) Rise(_ *placement.State, b *placement.Block, builds uint64, mark int, value *placement.Lane) {
	each(builds, func(i int) {
		switch {
		case mark != entire:
			value[i] = 0
		case m.need.Share < placement.WholeDevice:
			value[i] = 100 * float32(m.need.Share) / placement.WholeDevice
		default:
			value[i] = 100 * float32(m.need.Devices) / max(1, float32(len(b.Occupants[i].Devices)))
		}
	})
}
