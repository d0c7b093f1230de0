package rival

import "github.com/auspex-project/auspex/placement"

// GPUClustering puts workloads beside others of their size, a part of a device or a
// number of devices: best on a node of that size alone, else on one that has it, else
// on an empty one; each time the one with the least free (Xiao et al., "Gandiva",
// OSDI 2018, as ATC'23 has it). It has no opinion on work without devices.
type GPUClustering struct{}

var _ placement.Scorer = GPUClustering{}

func (GPUClustering) Name() string           { return "gpuclustering" }
func (GPUClustering) Unit() string           { return "workloads of its size" }
func (GPUClustering) DefaultWeight() float64 { return 1 }

func (GPUClustering) Prepare(q *placement.Query) placement.Measure {
	need, most := q.Accelerator, float64(max(1, q.State.Catalogue.MostDevices))
	if need.Devices == 0 {
		return nil
	}
	return measure(func(b *placement.Block, i int) (raw, points float64) {
		alike, others := 0, 0
		for _, m := range b.Occupants[i].Members {
			switch a := m.Accelerator(); {
			case a.Devices == 0:
			case a.Devices == need.Devices && (a.Share < placement.WholeDevice) == (need.Share < placement.WholeDevice):
				alike++
			default:
				others++
			}
		}
		used := 25 * (1 - devices(b, i)/most)
		switch {
		case alike > 0 && others == 0:
			return float64(alike), 75 + used
		case alike > 0:
			return float64(alike), 50 + used
		case others == 0:
			return 0, 25 + used
		}
		return 0, used
	})
}
