package resource

import "fmt"

// Name identifies a resource. The names below have fixed units; any other
// valid name is custom and counted in plain units.
type Name string

const (
	CPU       Name = "cpu"        // cores
	Memory    Name = "memory"     // bytes
	GPU       Name = "gpu"        // devices; fractions share one device
	GPUMemory Name = "gpu_memory" // bytes
	Disk      Name = "disk"       // bytes of capacity
	DiskIO    Name = "disk_io"    // bytes per second
	Network   Name = "network"    // bytes per second
)

// standard lists the names with a fixed slot in a Vector, in printing order.
var standard = [...]Name{CPU, Memory, GPU, GPUMemory, Disk, DiskIO, Network}

// Standard returns the names with a fixed unit, in printing order.
func Standard() []Name { return append([]Name(nil), standard[:]...) }

// Unit is the base unit in which a resource's amounts are held.
type Unit string

const (
	Cores          Unit = "cores"
	Bytes          Unit = "bytes"
	Devices        Unit = "devices"
	BytesPerSecond Unit = "bytes/s"
	Count          Unit = "count" // custom resources
)

// Unit returns the base unit of n.
func (n Name) Unit() Unit {
	switch n {
	case CPU:
		return Cores
	case GPU:
		return Devices
	case Memory, GPUMemory, Disk:
		return Bytes
	case DiskIO, Network:
		return BytesPerSecond
	}
	return Count
}

// maxNameLen bounds custom names so that they stay usable as column, tag and
// metric labels.
const maxNameLen = 63

// Validate reports why n cannot name a resource: a name is 1 to 63 characters
// of a-z, 0-9, '_', '-', '.' or '/', starting with a letter.
func (n Name) Validate() error {
	if n == "" {
		return fmt.Errorf("resource name: empty")
	}
	if len(n) > maxNameLen {
		return fmt.Errorf("resource name %.20q...: longer than %d characters", string(n), maxNameLen)
	}
	for i := 0; i < len(n); i++ {
		c := n[i]
		letter := c >= 'a' && c <= 'z'
		other := c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.' || c == '/'
		if !letter && (i == 0 || !other) {
			return fmt.Errorf("resource name %q: character %q at %d (want a-z, 0-9, '_', '-', '.', '/', a letter first)", string(n), c, i)
		}
	}
	return nil
}

// slot returns n's fixed position in a Vector, or -1 for a custom name.
func (n Name) slot() int {
	switch n {
	case CPU:
		return 0
	case Memory:
		return 1
	case GPU:
		return 2
	case GPUMemory:
		return 3
	case Disk:
		return 4
	case DiskIO:
		return 5
	case Network:
		return 6
	}
	return -1
}
