package score

import (
	"math/bits"

	"github.com/auspex-project/auspex/packing"
	"github.com/auspex-project/auspex/placement"
)

// waste is the measure by a learned worth.
type waste struct {
	worth  *packing.Worth
	query  *placement.Query
	cpu    *placement.Need // nil: none
	memory float64         // asked for, bytes
	share  int32           // of each device, in parts of packing.Whole
	parts  bool            // worth.Parts
}

var (
	_ placement.Chooser  = (*waste)(nil)
	_ placement.Foreseen = (*waste)(nil)
)

const (
	cpuColumn, memoryColumn = 0, 1 // in every schema

	// halfway is the added waste, in devices, that takes a node half of the way from
	// indifferent, 50, to the end of the scale.
	halfway = .25

	maxDevices = packing.MostDevices
)

func (m *waste) Score(_ *placement.State, b *placement.Block, candidates uint64, raw, value *placement.Lane) {
	if m.query.Accelerator.Devices == 0 {
		each(candidates&^b.Accelerated, func(i int) { raw[i], value[i] = 0, 50 })
		candidates &= b.Accelerated
	}
	each(candidates, func(i int) {
		added, _ := m.added(b, i)
		x := added / halfway
		raw[i], value[i] = added, percent(.5-.5*x/(1+max(x, -x)))
	})
}

// Choose implements placement.Chooser.
func (m *waste) Choose(_ *placement.State, b *placement.Block, i int) (devices uint64, ok bool) {
	_, devices = m.added(b, i)
	return devices, devices != 0
}

// added returns the waste the workload would add to a node, and the devices it
// would get, one bit each: none where too few are free, and then all that is free
// counts for wasted.
func (m *waste) added(b *placement.Block, i int) (devices float32, chosen uint64) {
	var left [maxDevices]int32
	all := b.Occupants[i].Devices
	all = all[:min(len(all), maxDevices)]
	sum, suitable, whole := int32(0), uint64(0), uint64(0)
	need := m.query.Accelerator
	for k := range all {
		left[k] = packingShare(all[k].Free)
		sum += left[k]
		if left[k] == packing.Whole {
			whole |= 1 << k
		}
		if need.Devices > 0 && b.Suits(i, k, need, m.query.Models) {
			suitable |= 1 << k
		}
	}
	if sum == 0 {
		return 0, 0
	}
	cores, coresAfter := m.query.Room(b, i, cpuColumn, m.cpu)
	memory := float64(b.Ceiling[memoryColumn][i]) - b.Columns[memoryColumn].Requested[i]
	before := m.shared(sum, whole, float64(cores), memory)
	if need.Devices == 0 {
		after := m.shared(sum, whole, float64(coresAfter), memory-m.memory)
		return after - before + packing.Idle*float32(sum)/packing.Whole, 0
	}
	chosen, change, ok := m.worth.Choose(left[:len(all)], suitable, int32(need.Devices), m.share)
	if !ok {
		return float32(sum) / packing.Whole, 0
	}
	sum -= int32(need.Devices) * m.share
	cost := change + m.shared(sum, whole&^chosen, float64(coresAfter), memory-m.memory)
	if m.share < packing.Whole && (chosen&whole != 0 || m.parts) { // a device in use may add more by itself and break up less
		others := suitable & whole // or the other way round
		if chosen&whole != 0 {
			others = suitable &^ whole
		}
		if other, change, ok := m.worth.Choose(left[:len(all)], others, 1, m.share); ok {
			if c := change + m.shared(sum, whole&^other, float64(coresAfter), memory-m.memory); c < cost {
				cost, chosen = c, other
			}
		}
	}
	return cost - before, chosen
}

// shared returns the waste of a node that none of its devices has alone; sum is
// what is free of them, whole those free entirely, one bit each.
func (m *waste) shared(sum int32, whole uint64, cores, memory float64) float32 {
	return m.worth.Lacking(sum, cores, memory) - m.worth.Together(bits.OnesCount64(whole), cores, memory)
}

// packingShare converts a share of a device, in parts of placement.WholeDevice.
func packingShare(share int32) int32 { return share / (placement.WholeDevice / packing.Whole) }

// wasteStanding is that of waste for work without a need of devices: more need of cores
// or memory never makes for less waste, but where the margin is less for one member
// more, and where it is of use that a large job finds no place.
type wasteStanding struct {
	query *placement.Query
	parts bool // Worth.Parts
}

func (st wasteStanding) Stand(_ *placement.State, b *placement.Block, i int) (value float32, mark int) {
	if b.Accelerated>>i&1 == 1 && free(b.Occupants[i].Devices) > 0 {
		if before, after := st.query.Room(b, i, cpuColumn, new(placement.Need)); after > before || st.parts {
			return 100, 0
		}
	}
	return 50, 0
}

func (*waste) Rise(_ *placement.State, _ *placement.Block, builds uint64, _ int, value *placement.Lane) {
	each(builds, func(i int) { value[i] = 0 })
}
