package placement

import (
	"slices"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/packing"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// Place is a location in the fleet; parts may be "".
type Place struct {
	Provider, Region, Zone, Rack string
}

// Distance counts the levels between two places: 0 in the same rack, 1 in the
// same zone, 2 in the same region, 3 at the same provider, 4 beyond. A part that
// is "" is like no other.
func (p Place) Distance(o Place) int {
	switch {
	case p.Provider == "" || p.Provider != o.Provider:
		return 4
	case p.Region == "" || p.Region != o.Region:
		return 3
	case p.Zone == "" || p.Zone != o.Zone:
		return 2
	case p.Rack == "" || p.Rack != o.Rack:
		return 1
	}
	return 0
}

// Catalogue is what is known of the fleet as a whole. It is immutable.
type Catalogue struct {
	Nodes    int
	Capacity resource.Vector
	Replicas map[uint32][]uint32 // data set number -> places of its replicas, sorted
	Holders  map[uint32][]int32  // data set number -> nodes that hold it, sorted
	At       []int32             // nodes by place
	Parts    map[workload.Level]Parts
	Unkind   bool // some node has a taint that would rather have workloads elsewhere

	replicas *replicas // what follows from Replicas
	tables   *recalled

	MostCores   float64 // on a node
	MostDevices int     // on a node

	// Worth says what free devices are worth for what arrives; nil until that is
	// known.
	Worth *packing.Worth

	// The largest on any node, by which scorers put amounts on a common scale.
	CostPerCore, CostPerByte, CostPerDevice float64 // an hour
	IdleWatts                               float64 // devices included
	WattsPerCore                            float64 // steepest part of the curve
	DeviceSwing                             float64 // watts between idle and full
}

// survey builds the catalogue of s.
func (s *State) survey() *Catalogue {
	c := &Catalogue{Replicas: make(map[uint32][]uint32), Holders: make(map[uint32][]int32), Worth: s.Catalogue.Worth, replicas: newReplicas(), tables: new(recalled)}
	hold := func(data, place uint32) {
		if at, held := slices.BinarySearch(c.Replicas[data], place); !held {
			c.Replicas[data] = slices.Insert(c.Replicas[data], at, place)
		}
	}
	for name, d := range s.Policy.Data {
		id := s.names.add(dataName, name)[0]
		for _, p := range d.Replicas {
			hold(id, s.place(p))
		}
	}
	c.At, c.Parts = make([]int32, len(s.Places)), s.parts()
	for _, b := range s.Blocks {
		for i, n := range b.Node {
			if b.Live>>i&1 == 0 {
				continue
			}
			c.Nodes++
			c.Capacity = c.Capacity.Add(n.Capacity)
			c.At[b.Place[i]]++
			c.Unkind = c.Unkind || slices.ContainsFunc(n.Taints, func(t fleet.Taint) bool { return t.Effect == fleet.PreferNoSchedule })
			c.MostCores = max(c.MostCores, n.Capacity.Get(resource.CPU))
			c.MostDevices = max(c.MostDevices, len(n.Devices))
			c.price(n)
			c.draw(n)
			for _, data := range b.Data[i] {
				hold(data, b.Place[i])
				c.Holders[data] = append(c.Holders[data], b.First+int32(i))
			}
		}
	}
	return c
}

func (c *Catalogue) price(n *fleet.Node) {
	per := func(largest *float64, r resource.Name) {
		if amount := n.Capacity.Get(r); amount > 0 {
			*largest = max(*largest, n.CostPerHour/amount)
		}
	}
	per(&c.CostPerCore, resource.CPU)
	per(&c.CostPerByte, resource.Memory)
	per(&c.CostPerDevice, resource.GPU)
}

func (c *Catalogue) draw(n *fleet.Node) {
	idle := n.Power.Watts(0)
	for _, d := range n.Devices {
		idle += d.IdleWatts
		c.DeviceSwing = max(c.DeviceSwing, d.MaxWatts-d.IdleWatts)
	}
	c.IdleWatts = max(c.IdleWatts, idle)
	table := n.Power.Table()
	for i := 1; i < len(table); i++ {
		if cores := n.Capacity.Get(resource.CPU); cores > 0 {
			c.WattsPerCore = max(c.WattsPerCore, (table[i]-table[i-1])*float64(len(table)-1)/cores)
		}
	}
}

// tables finds the positions of what grows only and stands in the columns by
// position. A frozen State keeps the lengths it knew; only the owner of the
// living one uses the tables.
type tables struct {
	places    map[Place]uint32
	curves    map[fleet.PowerCurve]uint32
	dedicated map[fleet.Dedication]uint32
	domains   map[domainKey]int32
	needs     sharedNeeds
}

type domainKey struct {
	kind DomainKind
	name string
}

func newTables() *tables {
	return &tables{
		places: make(map[Place]uint32), curves: make(map[fleet.PowerCurve]uint32),
		dedicated: map[fleet.Dedication]uint32{{}: 0}, domains: make(map[domainKey]int32),
	}
}

func (s *State) place(p Place) uint32 { return position(s.tables.places, &s.Places, p) }

func (s *State) curve(c fleet.PowerCurve) uint32 { return position(s.tables.curves, &s.Curves, c) }

func (s *State) dedication(d fleet.Dedication) uint32 {
	return position(s.tables.dedicated, &s.Dedications, d)
}

func (s *State) taintSet(taints []fleet.Taint) uint32 {
	for i, set := range s.TaintSets {
		if slices.Equal(set, taints) {
			return uint32(i)
		}
	}
	s.TaintSets = append(s.TaintSets, taints)
	return uint32(len(s.TaintSets) - 1)
}

func position[T comparable](at map[T]uint32, list *[]T, x T) uint32 {
	i, known := at[x]
	if !known {
		i = uint32(len(*list))
		at[x] = i
		*list = append(*list, x)
	}
	return i
}
