package placement

import (
	"slices"

	"github.com/auspex-project/auspex/forecast"
)

// A node without work counts as asleep and draws nothing; the first workload
// wakes it and pays its idle draw, devices included. An awake node draws, in each
// slot, its power curve at the predicted peak of CPU there plus, for each device,
// its idle draw and its swing times the share in use.

// Rack is a group of nodes under one power cap. It is immutable once frozen.
type Rack struct {
	Name     string
	CapWatts float32   // 0 = none
	Watts    []float32 // predicted draw of all its nodes, by slot

	nodes []int // positions, sorted
	epoch uint64
}

// cpuColumn is where CPU stands in every schema.
const cpuColumn = 0

// power recomputes the draw of node i of b.
func (s *State) power(b *Block, i int) {
	slots := s.Grid.Slots
	watts := b.Watts(i, slots)
	if len(b.Occupants[i].Members) == 0 || b.Powered>>i&1 == 0 {
		clear(watts)
		return
	}
	s.Draw(b, i, nil, 0, watts)
}

// Draw writes to watts, slot by slot, what node i of b would draw awake with one
// more workload: cpu is its need of CPU, nil for none; extra the watts it adds to
// the devices.
func (s *State) Draw(b *Block, i int, cpu *Need, extra float32, watts []float32) {
	members := int(b.Count[i])
	if cpu != nil {
		members++
	}
	c := &b.Columns[cpuColumn]
	limit, peak := c.Limit[i], c.Peak[i]
	if cpu != nil {
		limit += cpu.Limit
		peak += cpu.Peak
	}
	q := s.Policy.powerMargin(members)
	curve := &s.Curves[b.Curve[i]]
	perCore := 0.0
	if cores := b.Capacity[cpuColumn][i]; cores > 0 {
		perCore = 1 / cores
	}
	devices := b.DeviceWatts[i] + extra
	for t, p := range b.Profile(i, cpuColumn, s.Grid.Slots) {
		if cpu != nil {
			p += cpu.At(t)
		}
		use := forecast.Peak(p, peak, limit, q)
		watts[t] = float32(curve.Watts(float64(use)*perCore)) + devices
	}
}

// rack returns the position of the rack of this name, -1 for "".
func (s *State) rack(name string) int32 {
	if name == "" {
		return -1
	}
	i, known := s.tables.racks[name]
	if !known {
		i = int32(len(s.Racks))
		s.tables.racks[name] = i
		s.ownTable()
		s.Racks = append(slices.Clip(s.Racks), &Rack{
			Name: name, CapWatts: float32(s.Policy.RackCaps[name]), Watts: make([]float32, s.Grid.Slots), epoch: s.epoch,
		})
	}
	return i
}

// ownRack returns rack i for changing.
func (s *State) ownRack(i int) *Rack {
	r := s.Racks[i]
	if r.epoch <= s.shared {
		s.ownTable()
		c := *r
		c.Watts = slices.Clone(r.Watts)
		c.nodes = slices.Clone(r.nodes)
		c.epoch = s.epoch
		s.Racks[i] = &c
		r = &c
	}
	return r
}

// sumRack recomputes the draw of rack i, -1 for none, from its nodes in order.
func (s *State) sumRack(i int) {
	if i < 0 || s.Racks[i].CapWatts == 0 {
		return
	}
	r := s.ownRack(i)
	clear(r.Watts)
	for _, node := range r.nodes {
		s.note(node) // all of them share the cap
		b, at := s.peek(node)
		for t, w := range b.Watts(at, s.Grid.Slots) {
			r.Watts[t] += w
		}
	}
}

func (r *Rack) add(node int) {
	if at, held := slices.BinarySearch(r.nodes, node); !held {
		r.nodes = slices.Insert(r.nodes, at, node)
	}
}

func (r *Rack) remove(node int) {
	if at, held := slices.BinarySearch(r.nodes, node); held {
		r.nodes = slices.Delete(r.nodes, at, at+1)
	}
}

// recap takes over the rack caps and the margin of the policy.
func (s *State) recap() {
	for bi, b := range s.Blocks {
		b = s.own(bi)
		for i := range BlockSize {
			if b.Live>>i&1 == 1 && len(b.Occupants[i].Members) > 0 {
				s.ownOccupants(b, i)
				s.power(b, i)
			}
		}
	}
	for i := range s.Racks {
		s.ownRack(i).CapWatts = float32(s.Policy.RackCaps[s.Racks[i].Name])
		s.sumRack(i)
	}
}
