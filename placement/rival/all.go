package rival

import (
	"math"
	"math/bits"

	"github.com/auspex-project/auspex/packing"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/resource"
)

// All returns every scorer of the package.
func All() []placement.Scorer {
	return []placement.Scorer{
		FGD{}, BestFit{}, DotProd{}, GPUPacking{}, GPUClustering{}, Random{}, LeastAllocated{}, MostAllocated{},
	}
}

// measure scores nodes one by one: points from 0 to 100, cut to a whole number.
type measure func(b *placement.Block, i int) (raw, points float64)

func (f measure) Score(_ *placement.State, b *placement.Block, candidates uint64, raw, value *placement.Lane) {
	for m := candidates; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m) & (placement.BlockSize - 1)
		r, points := f(b, i)
		raw[i], value[i] = float32(r), float32(min(max(math.Floor(points+rounding), 0), 100))
	}
}

// rounding keeps points that are whole but for the slack of ceilings from being cut.
const rounding = 1e-2

const cpuColumn, memoryColumn = 0, 1 // in every schema

// cores returns the free cores of a node before and after the workload.
func cores(q *placement.Query) func(b *placement.Block, i int) (before, after float64) {
	cpu := q.Need(resource.CPU)
	return func(b *placement.Block, i int) (float64, float64) {
		before, after := q.Room(b, i, cpuColumn, cpu)
		return float64(before), float64(after)
	}
}

// devices returns what is free of the devices of a node, in devices.
func devices(b *placement.Block, i int) float64 {
	sum := 0.0
	for _, d := range b.Occupants[i].Devices {
		sum += float64(d.Free) / placement.WholeDevice
	}
	return sum
}

// demand returns what a workload takes of devices, in devices.
func demand(a placement.Accelerator) float64 {
	return float64(a.Devices) * float64(a.Share) / placement.WholeDevice
}

// milli converts a share of a device, in parts of placement.WholeDevice.
func milli(share int32) int32 { return share / (placement.WholeDevice / packing.Whole) }
