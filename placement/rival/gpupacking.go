package rival

import "github.com/auspex-project/auspex/placement"

// GPUPacking keeps whole devices and then whole nodes free: it takes devices that
// are shared already, the fullest first, else free devices of a node in use, else an
// idle node, a small one first (Weng et al., "MLaaS in the Wild", NSDI 2022, section
// 6.3). It has no opinion on work without devices.
type GPUPacking struct{}

var _ placement.Scorer = GPUPacking{}

func (GPUPacking) Name() string           { return "gpupacking" }
func (GPUPacking) Unit() string           { return "free devices to use" }
func (GPUPacking) DefaultWeight() float64 { return 1 }

func (GPUPacking) Prepare(q *placement.Query) placement.Measure {
	need := q.Accelerator
	if need.Devices == 0 {
		return nil
	}
	const best, used, idle = 100, 50, 33 // the most of each of the three choices
	return measure(func(b *placement.Block, i int) (raw, points float64) {
		all := b.Occupants[i].Devices
		whole := 0
		for _, d := range all {
			if d.Free == placement.WholeDevice {
				whole++
			}
		}
		if whole == len(all) {
			return float64(need.Devices), max(idle-float64(whole), 0)
		}
		var chosen [maxDevices]int
		devices, _ := b.Select(i, need, q.Models, chosen[:0])
		fresh, left := 0, 0.0
		for _, k := range devices {
			if all[k].Free == placement.WholeDevice {
				fresh++
			} else {
				left += float64(all[k].Free) / placement.WholeDevice
			}
		}
		if fresh > 0 {
			return float64(fresh), max(used-float64(fresh), idle)
		}
		return 0, max(best-10*left, used)
	})
}

const maxDevices = 64 // of a node, that need no allocation
