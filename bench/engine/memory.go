package engine

import "runtime"

// Memory is what an open fleet takes, in bytes, the descriptions the caller made
// included.
type Memory struct {
	PerNode     float64 // without work
	PerWorkload float64 // placed
}

// MeasureMemory opens a fleet empty and filled.
func MeasureMemory(c Case) (Memory, error) {
	start := heap()
	empty := c
	empty.Full = 0
	bare, err := Open(empty)
	if err != nil {
		return Memory{}, err
	}
	shapes := float64(len(bare.shapes)) * 2000 // roughly what requests and forecasts take
	m := Memory{PerNode: (heap() - start - shapes) / float64(c.Nodes)}
	runtime.KeepAlive(bare)
	bare = nil

	start = heap()
	full, err := Open(c)
	if err != nil {
		return Memory{}, err
	}
	m.PerWorkload = (heap() - start - shapes - m.PerNode*float64(c.Nodes)) / float64(full.Placed)
	runtime.KeepAlive(full)
	return m, nil
}

func heap() float64 {
	runtime.GC()
	runtime.GC() // the second frees what the first found in pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
