package placement

import (
	"math"
	"slices"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// BlockSize is the number of nodes in a Block: one bit each of a uint64.
const BlockSize = 64

// Lane holds one number for each node of a Block.
type Lane [BlockSize]float32

// Block is BlockSize nodes in columns. Positions that hold no node have their
// bit of Live clear and mean nothing elsewhere.
type Block struct {
	First    int32  // position of its first node; means nothing in a block of gathered nodes
	Live     uint64 // positions that hold a node
	Draining uint64
	Silent   uint64

	*Described // what the nodes are

	Columns   []Column // what is on them, by State.Resources
	Occupants [BlockSize]*Occupants
	Count     [BlockSize]int32 // of Occupants.Members

	DeviceWatts Lane // what the devices draw when the node is awake

	Tenant    [BlockSize]uint32 // the only one there; noTenant on an empty node, ManyTenants
	Exclusive [BlockSize]uint32 // the one that bears no other; noTenant when there is none
	Alone     uint64            // has an Exclusive tenant

	gathered *[BlockSize]int32 // positions, where the nodes are not neighbours; nil: from First on
	epoch    uint64
}

// Described is what changes only when a node is described anew.
type Described struct {
	Node         [BlockSize]*fleet.Node
	Place        [BlockSize]uint32             // position in State.Places
	Feeds        [BlockSize][domainKinds]int32 // positions in State.Domains by kind, -1 without one
	Taints       [BlockSize]uint32             // position in State.TaintSets
	Curve        [BlockSize]uint32             // position in State.Curves
	Level        [BlockSize]int32              // security level
	Compartments [BlockSize][]uint32           // names
	Labels       [BlockSize][]uint32
	Data         [BlockSize][]uint32
	Models       [BlockSize][]uint32 // of the devices, by device
	Dedicated    [BlockSize]uint32   // position in State.Dedications
	Rank         [BlockSize]uint64   // the lower wins among equals
	Cost         Lane                // per hour
	CapWatts     Lane                // 0 = none

	Attested    uint64
	Reserved    uint64 // dedicated to somebody
	Maintained  uint64 // will be down at times
	Tainted     uint64
	Accelerated uint64 // has devices
	Powered     uint64 // its draw is known
	Capped      uint64 // its own cap may turn work away

	Capacity [][BlockSize]float64 // by State.Resources; 0 where the node does not have it
	Ceiling  []Lane               // Capacity for predictions, a rounding wider; +Inf where it does not have it

	epoch uint64
}

// Column is one resource of the nodes of a block: sums over what is placed there.
type Column struct {
	Requested [BlockSize]float64
	Limit     Lane // of limits
	Peak      Lane // of the members' own peaks
	Mean      Lane // of the average use
	Top       Lane // highest slot of the summed profile
	Low       Lane // lowest slot
	Level     Lane // average over the slots of the summed profile
}

// Occupants is what is on one node and too long for a column. It stands apart, so
// that a block is copied without it.
type Occupants struct {
	Members []*Member     // in the order they came
	Devices []DeviceState // what they left of each
	Row     []float32     // per resource the summed profiles by slot, then the watts by slot

	epoch uint64
}

// Member is one workload on a node. It is immutable once put there.
type Member struct {
	// What a node is searched for and summed up by, in one place: on a large fleet no
	// cache holds it.
	tag     uint32 // of ID
	tenant  uint32
	Needs   []Need
	devices *devicesHeld // nil for none
	alone   bool         // bears no other tenant

	ID          string
	description *Description       // others may share it
	Forecast    *forecast.Forecast // nil = unknown
	class       workload.Class     // given or found
}

// devicesHeld is what a workload holds of the devices of its node.
type devicesHeld struct {
	of     Accelerator
	number []int // by index on the node
}

// Accelerator returns what m holds of the devices of its node.
func (m *Member) Accelerator() Accelerator {
	if m.devices == nil {
		return Accelerator{}
	}
	return m.devices.of
}

// Tenant returns the number of the tenant that m is of.
func (m *Member) Tenant() uint32 { return m.tenant }

// Workload returns what m is. It may have to be unpacked.
func (m *Member) Workload() workload.Workload { return m.description.Of(m.ID) }

// Expected returns what m is expected to need at most: of rates its predicted peak, of all
// else its request.
func (m *Member) Expected() resource.Vector {
	var room workload.Workload
	v := Holds(m.description.Workload(&room))
	for i := range m.Needs {
		switch n := &m.Needs[i]; n.Resource {
		case resource.CPU, resource.DiskIO, resource.Network:
			v = v.With(n.Resource, float64(n.Peak))
		}
	}
	return v
}

// DeviceState is what is left of one accelerator.
type DeviceState struct {
	Free   int32 // of WholeDevice
	Memory int64 // bytes
}

// WholeDevice is the share of a device that is all of it, in parts per million.
const WholeDevice = 1_000_000

// ManyTenants marks a node with workloads of several tenants.
const (
	noTenant    = 0
	ManyTenants = math.MaxUint32
)

func newBlock(first, resources int, epoch uint64) *Block {
	d := &Described{epoch: epoch, Capacity: make([][BlockSize]float64, resources), Ceiling: make([]Lane, resources)}
	for i := range d.Feeds {
		d.Feeds[i] = noFeeds
	}
	b := &Block{First: int32(first), Described: d, Columns: make([]Column, resources), epoch: epoch}
	nobody := new(Occupants)
	for i := range b.Occupants {
		b.Occupants[i] = nobody
	}
	return b
}

// Position returns where node i stands in the fleet.
func (b *Block) Position(i int) int {
	if b.gathered != nil {
		return int(b.gathered[i])
	}
	return int(b.First) + i
}

// touch reads what is asked first about node i, in no order, so that memory is waited for
// once. What it returns means nothing, but has to go somewhere, or nothing would be read.
func (b *Block) touch(i int) uint64 {
	i &= BlockSize - 1
	sum := float32(0)
	for r := range b.Columns {
		c := &b.Columns[r]
		sum += float32(c.Requested[i]) + c.Limit[i] + c.Peak[i] + c.Mean[i] + c.Level[i] + b.Ceiling[r][i]
	}
	masks := b.Live ^ b.Alone ^ b.Maintained ^ uint64(b.Count[i]) ^ uint64(b.Place[i]) ^ uint64(b.Level[i])
	return masks ^ uint64(math.Float32bits(sum))
}

func (b *Block) clone(epoch uint64) *Block {
	c := *b
	c.Columns = slices.Clone(b.Columns)
	c.epoch = epoch
	return &c
}

func (d *Described) clone(epoch uint64) *Described {
	c := *d
	c.Capacity = slices.Clone(d.Capacity)
	c.Ceiling = slices.Clone(d.Ceiling)
	c.epoch = epoch
	return &c
}

// widen makes room for the resources s has learned of.
func (b *Block) widen(s *State, d *Described) {
	for r := len(b.Columns); r < len(s.Resources); r++ {
		b.Columns = append(b.Columns, Column{})
		var capacity [BlockSize]float64
		var ceiling Lane
		for i, n := range d.Node {
			ceiling[i] = float32(math.Inf(1))
			if n != nil && n.Capacity.Has(s.Resources[r]) {
				capacity[i] = n.Capacity.Get(s.Resources[r])
				ceiling[i] = max(float32(capacity[i]*(1+slack)), tiny)
			}
		}
		d.Capacity = append(d.Capacity, capacity)
		d.Ceiling = append(d.Ceiling, ceiling)
	}
}

// reset makes node i of b hold nothing, its members not counted yet.
func (s *State) reset(b *Block, i int) {
	for r := range b.Columns {
		c := &b.Columns[r]
		c.Requested[i], c.Limit[i], c.Peak[i], c.Mean[i], c.Top[i], c.Low[i], c.Level[i] = 0, 0, 0, 0, 0, 0, 0
	}
	o := s.ownOccupants(b, i)
	if length := (len(s.Resources) + 1) * s.Grid.Slots; len(o.Row) != length {
		o.Row = make([]float32, length)
	}
	clear(o.Row)
	b.Tenant[i], b.Exclusive[i], b.Count[i] = noTenant, noTenant, 0
	b.Alone &^= 1 << i
	b.DeviceWatts[i] = 0
	o.Devices = o.Devices[:0]
	for _, d := range b.Node[i].Devices {
		o.Devices = append(o.Devices, DeviceState{Free: WholeDevice, Memory: int64(d.MemoryBytes)})
		b.DeviceWatts[i] += float32(d.IdleWatts)
	}
}

// hold counts the devices and the tenant of m, who comes to node i.
func (b *Block) hold(i int, m *Member) {
	b.Count[i]++
	switch b.Tenant[i] {
	case noTenant, m.tenant:
		b.Tenant[i] = m.tenant
	default:
		b.Tenant[i] = ManyTenants
	}
	if m.alone {
		b.Exclusive[i] = m.tenant
		b.Alone |= 1 << i
	}
	if m.devices == nil {
		return
	}
	devices := b.Occupants[i].Devices
	for _, k := range m.devices.number {
		devices[k].Free -= m.devices.of.Share
		devices[k].Memory -= m.devices.of.Memory
		b.DeviceWatts[i] += b.Swing(i, k, m.devices.of.Share)
	}
}

// Swing returns the watts that using a share of device k of node i adds to its
// idle draw.
func (b *Block) Swing(i, k int, share int32) float32 {
	d := &b.Node[i].Devices[k]
	return float32(d.MaxWatts-d.IdleWatts) * float32(share) / WholeDevice
}

// Profile returns the summed profile of resource r on node i, one value per slot.
func (b *Block) Profile(i, r, slots int) []float32 { return b.Occupants[i].Row[r*slots : (r+1)*slots] }

// Peaks returns the predicted peak of resource r on node i of b at a risk, one value per
// slot.
func (s *State) Peaks(b *Block, i, r int, risk float64) []float32 {
	c := &b.Columns[r]
	q := s.Policy.Margins.At(s.Resources[r], int(b.Count[i]), risk)
	peaks := make([]float32, s.Grid.Slots)
	for t, p := range b.Profile(i, r, s.Grid.Slots) {
		peaks[t] = forecast.Peak(p, c.Peak[i], c.Limit[i], q)
	}
	return peaks
}

// Watts returns the predicted draw of node i, one value per slot.
func (b *Block) Watts(i, slots int) []float32 { return b.Occupants[i].Row[len(b.Columns)*slots:] }
