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
	none := c
	none.Nodes = 0
	nobody, err := sizeOf(none) // the shapes asked for later, and their forecasts
	if err != nil {
		return Memory{}, err
	}
	empty := c
	empty.Full = 0
	bare, err := sizeOf(empty)
	if err != nil {
		return Memory{}, err
	}
	full, err := sizeOf(c)
	if err != nil {
		return Memory{}, err
	}
	m := Memory{
		PerNode:     (bare.bytes - nobody.bytes) / float64(c.Nodes),
		PerWorkload: (full.bytes - bare.bytes) / float64(full.placed),
	}
	return m, nil
}

type size struct {
	bytes  float64
	placed int
}

func sizeOf(c Case) (size, error) {
	start := heap()
	b, err := Open(c)
	if err != nil {
		return size{}, err
	}
	s := size{heap() - start, b.Placed}
	runtime.KeepAlive(b)
	return s, nil
}

func heap() float64 {
	runtime.GC()
	runtime.GC() // the second frees what the first found in pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
