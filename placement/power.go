package placement

import (
	"math"
	"slices"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/forecast"
)

// A node without work counts as asleep and draws nothing; the first workload
// wakes it and pays its idle draw, devices included. An awake node draws, in each
// slot, its power curve at the predicted peak of CPU there plus, for each device,
// its idle draw and its swing times the share in use.

// DomainKind says how large a power domain is.
type DomainKind int

const (
	RackDomain DomainKind = iota
	PDUDomain
	SiteDomain
	domainKinds
)

// Domain is a group of nodes under one power cap. It is immutable once frozen.
// Draws are whole microwatts: sums of these are exact, so that what comes and goes
// leaves no trace.
type Domain struct {
	Kind  DomainKind
	Name  string
	Cap   int64   // 0 = none
	Watts []int64 // predicted draw of all its nodes, by slot; kept only under a cap

	widest int64    // what the hungriest of its nodes may draw
	tight  bool     // the cap may turn a node away
	nodes  []listed // by block
	epoch  uint64   // owns Watts
	listed uint64   // owns nodes
}

// listed is nodes of one block.
type listed struct {
	block int32
	nodes uint64
}

// Tight reports whether the cap may turn any node of d away: where it is further
// than the hungriest node may draw it cannot.
func (d *Domain) Tight() bool { return d.tight }

// AnyTight reports whether a domain of a kind may turn any node away.
func (s *State) AnyTight(kind DomainKind) bool { return s.tight[kind] > 0 }

// Microwatts converts a draw, rounding halves away from zero: the product is exact, and
// so is the sum.
func Microwatts(watts float32) int64 {
	return int64(float64(watts)*1e6 + math.Copysign(.5, float64(watts)))
}

// capOf returns a cap in microwatts, with room for the rounding of watts.
func capOf(watts float64) int64 { return int64(watts * 1e6 * (1 + 1e-6)) }

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

// domain returns the position of a power domain, -1 for "".
func (s *State) domain(kind DomainKind, name string) int32 {
	if name == "" {
		return -1
	}
	key := domainKey{kind, name}
	i, known := s.tables.domains[key]
	if !known {
		i = int32(len(s.Domains))
		s.tables.domains[key] = i
		s.ownTable()
		s.Domains = append(slices.Clip(s.Domains), &Domain{
			Kind: kind, Name: name, Cap: capOf(s.Policy.caps(kind)[name]), Watts: make([]int64, s.Grid.Slots), epoch: s.epoch, listed: s.epoch,
		})
	}
	return i
}

// feeds returns the positions of the power domains of n.
func (s *State) feeds(n *fleet.Node) [domainKinds]int32 {
	return [domainKinds]int32{s.domain(RackDomain, n.Rack), s.domain(PDUDomain, n.PDU), s.domain(SiteDomain, n.Site)}
}

var noFeeds = [domainKinds]int32{-1, -1, -1}

// ownDomain returns domain i for changing.
func (s *State) ownDomain(i int32) *Domain {
	d := s.Domains[i]
	if d.epoch <= s.shared {
		s.ownTable()
		c := *d
		c.Watts = slices.Clone(d.Watts)
		c.epoch = s.epoch
		s.Domains[i] = &c
		d = &c
	}
	return d
}

// plug moves the node at position node, described by n, to the domains of feeds.
func (s *State) plug(node int, n *fleet.Node, feeds [domainKinds]int32) {
	b, i := s.Peek(node)
	before := b.Feeds[i]
	if before != feeds {
		s.meter(b, i, -1)
		b.Feeds[i] = feeds
		s.meter(b, i, +1)
	}
	for kind := range feeds {
		if from := before[kind]; from >= 0 && from != feeds[kind] {
			s.ownDomain(from).list(s, node, false)
			s.settleDomain(from)
		}
		if to := feeds[kind]; to >= 0 {
			d := s.ownDomain(to)
			d.widest = max(d.widest, Microwatts(fullDraw(n)))
			if before[kind] != to {
				d.list(s, node, true)
			}
		}
	}
}

// fullDraw returns what n may draw at most, and a little more.
func fullDraw(n *fleet.Node) float32 {
	watts := 1.0
	if table := n.Power.Table(); table != nil {
		watts += slices.Max(table)
	}
	for _, d := range n.Devices {
		watts += d.MaxWatts
	}
	return float32(watts)
}

// meter adds the draw of node i of b to its domains, or with sign -1 takes it
// away.
func (s *State) meter(b *Block, i int, sign int64) {
	slots := s.Grid.Slots
	if b.Count[i] == 0 || len(b.Occupants[i].Row) < (len(b.Columns)+1)*slots {
		return
	}
	var buffer [maxMetered]int64
	draw := buffer[:0]
	for _, w := range b.Watts(i, slots) {
		draw = append(draw, sign*Microwatts(w))
	}
	for _, at := range b.Feeds[i] {
		if at >= 0 && s.Domains[at].Cap != 0 {
			s.ownDomain(at).draw(draw)
		}
	}
}

// draw adds watts to what is drawn, slot by slot.
func (d *Domain) draw(watts []int64) {
	sum := d.Watts[:len(watts)]
	for t, w := range watts {
		sum[t] += w
	}
}

// maxMetered is the longest grid whose draw is metered without an allocation.
const maxMetered = 48

// settle notes what a change of node i of b means to those that share its caps.
func (s *State) settle(b *Block, i int) {
	for _, at := range b.Feeds[i] {
		if at >= 0 && s.Domains[at].Cap != 0 {
			s.settleDomain(at)
		}
	}
}

// settleDomain notes a domain whose cap may turn nodes away, or might have before:
// while it could not, the answer of none has changed.
func (s *State) settleDomain(at int32) {
	d := s.Domains[at]
	tight := d.Cap != 0 && d.Cap-slices.Max(d.Watts) < d.widest
	if tight || d.tight {
		s.noteDraw(at)
	}
	if tight != d.tight {
		s.ownDomain(at).tight = tight
		if tight {
			s.tight[d.Kind]++
		} else {
			s.tight[d.Kind]--
		}
	}
}

// list adds a node to d, or takes it off.
func (d *Domain) list(s *State, node int, on bool) {
	if d.listed <= s.shared {
		d.nodes, d.listed = slices.Clone(d.nodes), s.epoch
	}
	block, bit := int32(node/BlockSize), uint64(1)<<(node%BlockSize)
	at, held := slices.BinarySearchFunc(d.nodes, block, func(l listed, block int32) int { return int(l.block - block) })
	switch {
	case on && held:
		d.nodes[at].nodes |= bit
	case on:
		d.nodes = slices.Insert(d.nodes, at, listed{block, bit})
	case held:
		if d.nodes[at].nodes &^= bit; d.nodes[at].nodes == 0 {
			d.nodes = slices.Delete(d.nodes, at, at+1)
		}
	}
}

// remeter sums up the draw of every domain anew.
func (s *State) remeter() {
	for i := range s.Domains {
		clear(s.ownDomain(int32(i)).Watts)
	}
	for _, b := range s.Blocks {
		for i := range BlockSize {
			if b.Live>>i&1 == 1 {
				s.meter(b, i, +1)
			}
		}
	}
	for i := range s.Domains {
		s.settleDomain(int32(i))
	}
}

// recap takes over the caps and the margin of the policy.
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
	for i := range s.Domains {
		d := s.ownDomain(int32(i))
		d.Cap = capOf(s.Policy.caps(d.Kind)[d.Name])
	}
	s.remeter()
}
