package rival

import "github.com/auspex-project/auspex/placement"

// LeastAllocated takes the node with the most left of what is asked for, cores,
// memory and devices averaged: kube-scheduler's NodeResourcesFit by default.
type LeastAllocated struct{}

// MostAllocated takes the one with the least left, as kube-scheduler's bin packing
// strategy.
type MostAllocated struct{}

var _, _ placement.Scorer = LeastAllocated{}, MostAllocated{}

func (LeastAllocated) Name() string           { return "least-allocated" }
func (LeastAllocated) Unit() string           { return "share of the node left" }
func (LeastAllocated) DefaultWeight() float64 { return 1 }

func (LeastAllocated) Prepare(q *placement.Query) placement.Measure {
	left := left(q)
	return measure(func(b *placement.Block, i int) (raw, points float64) {
		raw = left(b, i)
		return raw, 100 * raw
	})
}

func (MostAllocated) Name() string           { return "most-allocated" }
func (MostAllocated) Unit() string           { return "share of the node left" }
func (MostAllocated) DefaultWeight() float64 { return 1 }

func (MostAllocated) Prepare(q *placement.Query) placement.Measure {
	left := left(q)
	return measure(func(b *placement.Block, i int) (raw, points float64) {
		raw = left(b, i)
		return raw, 100 * (1 - raw)
	})
}

// left returns the share of a node that is left with the workload on it, averaged
// over the resources it asks for.
func left(q *placement.Query) func(b *placement.Block, i int) float64 {
	cores, taken, memory := cores(q), demand(q.Accelerator), q.Workload.Requests.Get("memory")
	return func(b *placement.Block, i int) float64 {
		sum, n := 0.0, 0.0
		if capacity := b.Capacity[cpuColumn][i]; capacity > 0 {
			_, after := cores(b, i)
			sum, n = sum+after/capacity, n+1
		}
		if capacity := b.Capacity[memoryColumn][i]; capacity > 0 && memory > 0 {
			sum, n = sum+(capacity-b.Columns[memoryColumn].Requested[i]-memory)/capacity, n+1
		}
		if all := float64(len(b.Occupants[i].Devices)); all > 0 && taken > 0 {
			sum, n = sum+(devices(b, i)-taken)/all, n+1
		}
		return sum / max(n, 1)
	}
}
