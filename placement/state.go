package placement

import (
	"math"
	"slices"
	"sync/atomic"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// State is the fleet as the engine sees it: what the nodes are and what is on
// them, in columns. A State returned by freeze is never changed; it shares the
// blocks that have not changed since with the State it came from.
type State struct {
	Blocks []*Block
	Grid   forecast.Grid

	// Resources is the schema: the position of a resource here is the position of
	// its columns in every Block. Devices and their memory are not among them.
	Resources []resource.Name

	Domains   []*Domain       // by Described.Feeds
	Groups    []*Group        // that constraints are about; nil where one has been
	Places    []Place         // by Described.Place
	TaintSets [][]fleet.Taint // by Described.Taints; 0 is the empty set
	Curves    []fleet.PowerCurve

	Dedications []fleet.Dedication // by Described.Dedicated; 0 is for anyone

	Catalogue *Catalogue
	Policy    *Policy

	names   *names
	unmet   *unmet // notes what is looked up in vain; nil: nobody asks
	groups  *groups
	tables  *tables
	tight   [domainKinds]int // domains that are, by kind
	stale   bool             // Catalogue is older than the nodes or the policy
	changes changes          // of nodes; a new Policy stands for a change of all
	loan    *loan            // of a frozen state that is lent
	epoch   uint64           // is put on all that this state makes or copies
	shared  uint64           // what is of this epoch or older may be seen through another state
	table   uint64           // epoch of the lists Blocks, Domains and Groups
	last    *atomic.Uint64   // newest epoch handed out in this family of states
}

// newState returns the fleet without nodes.
func newState(g forecast.Grid, p *Policy) *State {
	s := &State{
		Grid:      g,
		Resources: []resource.Name{resource.CPU, resource.Memory},
		TaintSets: [][]fleet.Taint{nil},

		Dedications: []fleet.Dedication{{}},

		Catalogue: &Catalogue{},
		Policy:    p,
		names:     newNames(),
		groups:    newGroups(),
		tables:    newTables(),
		last:      new(atomic.Uint64),
		stale:     true, // the policy says where data are
	}
	s.epoch = s.last.Add(1)
	s.table = s.epoch
	return s
}

// freeze returns s as it is now, to which s does nothing until shared says that
// it may.
func (s *State) freeze() *State {
	f := s.Fork()
	s.shared = f.shared
	s.epoch = s.last.Add(1)
	return f
}

// trial returns a fork to try workloads on. What is first met there, a name or a
// change, it keeps to itself.
func (s *State) trial() *State {
	f := s.Fork()
	f.changes = changes{forgotten: s.changes.count()}
	f.names = s.names.overlay()
	return f
}

// Fork returns a state that starts out as s and copies whatever it changes. What
// s itself is made of must not be changed any more.
func (s *State) Fork() *State {
	f := *s
	f.changes = s.changes.frozen()
	f.loan = nil
	f.shared = s.last.Add(1)
	f.epoch = s.last.Add(1)
	return &f
}

// Index returns the position of a resource in the schema, -1 when no node has it.
func (s *State) Index(n resource.Name) int { return slices.Index(s.Resources, n) }

// own returns block i for changing.
func (s *State) own(i int) *Block {
	b := s.Blocks[i]
	if b.epoch <= s.shared {
		b = b.clone(s.epoch)
		s.ownTable()
		s.Blocks[i] = b
	}
	return b
}

// ownTable makes the lists of blocks, domains and groups fit for changing.
func (s *State) ownTable() {
	if s.table <= s.shared {
		s.Blocks, s.Domains, s.Groups = slices.Clone(s.Blocks), slices.Clone(s.Domains), slices.Clone(s.Groups)
		s.table = s.epoch
	}
}

// ownOccupants returns what is on node i of b, which s owns, for changing.
func (s *State) ownOccupants(b *Block, i int) *Occupants {
	o := b.Occupants[i]
	if o.epoch <= s.shared {
		o = &Occupants{
			Members: slices.Clone(o.Members), Devices: slices.Clone(o.Devices), Row: slices.Clone(o.Row), epoch: s.epoch,
		}
		b.Occupants[i] = o
	}
	return o
}

// ownDescribed returns what the nodes of b, which s owns, are, for changing.
func (s *State) ownDescribed(b *Block) *Described {
	if b.Described.epoch <= s.shared {
		b.Described = b.Described.clone(s.epoch)
	}
	return b.Described
}

// at returns the block of a node and its position there, for changing the node.
func (s *State) at(node int) (*Block, int) {
	s.note(node)
	return s.own(node / BlockSize), node % BlockSize
}

// Peek returns the block of a node and its position there, for reading.
func (s *State) Peek(node int) (*Block, int) { return s.Blocks[node/BlockSize], node % BlockSize }

// NodeName returns the name of the node at position node.
func (s *State) NodeName(node int) string {
	b, i := s.Peek(node)
	return b.Node[i].Name
}

// Describe puts n at position node, which may be one past the last block. What is
// placed there stays and is summed up anew.
func (s *State) Describe(node int, n *fleet.Node) {
	for node/BlockSize >= len(s.Blocks) {
		s.ownTable()
		s.Blocks = append(s.Blocks, newBlock(len(s.Blocks)*BlockSize, len(s.Resources), s.epoch))
	}
	s.learn(n)
	s.stale = true
	b, i := s.at(node)
	d := s.ownDescribed(b)
	b.Live |= 1 << i
	d.Node[i] = n
	s.move(b, i, s.place(Place{n.Provider, n.Region, n.Zone, n.Rack}))
	d.Taints[i] = s.taintSet(n.Taints)
	d.Curve[i] = s.curve(n.Power)
	s.vouch(d, i)
	d.Data[i] = s.names.add(dataName, n.Data...)
	d.Labels[i] = s.names.addLabels(n.Labels)
	d.Rank[i] = s.Policy.rank(n.Name)
	d.Cost[i] = float32(n.CostPerHour)
	d.CapWatts[i] = float32(n.CapWatts)
	d.Capped = setBit(d.Capped, i, n.CapWatts > 0 && float32(n.CapWatts) < fullDraw(n))
	d.Tainted = setBit(d.Tainted, i, len(n.Taints) > 0)
	d.Maintained = setBit(d.Maintained, i, len(n.Maintenance) > 0)
	d.Accelerated = setBit(d.Accelerated, i, len(n.Devices) > 0)
	d.Powered = setBit(d.Powered, i, n.Power.Known() || drawing(n.Devices))
	d.Models[i] = nil
	for _, dev := range n.Devices {
		d.Models[i] = append(d.Models[i], s.names.add(modelName, dev.Model)...)
	}
	for r, name := range s.Resources {
		amount, ceiling := n.Capacity.Get(name), float32(math.Inf(1))
		if n.Capacity.Has(name) {
			ceiling = max(float32(amount*(1+slack)), tiny)
		}
		d.Capacity[r][i], d.Ceiling[r][i] = amount, ceiling
	}
	s.plug(node, n, s.feeds(n))
	s.sum(node)
}

// move notes that node i of b, both owned, now stands at place.
func (s *State) move(b *Block, i int, place uint32) {
	before := b.Place[i]
	b.Place[i] = place
	if before == place {
		return
	}
	for _, m := range b.Occupants[i].Members {
		s.enlist(m, int(b.First)+i, before, -1)
		s.enlist(m, int(b.First)+i, place, 1)
	}
}

// vouch fills in what the operator, not the node, has the say in.
func (s *State) vouch(d *Described, i int) {
	e := s.Policy.Entry(d.Node[i])
	d.Level[i] = int32(e.Level)
	d.Compartments[i] = s.names.add(compartmentName, e.Compartments...)
	d.Attested = setBit(d.Attested, i, e.Attested)
	d.Dedicated[i] = s.dedication(e.Dedicated)
	d.Reserved = setBit(d.Reserved, i, d.Dedicated[i] != 0)
}

// slack forgives the rounding of single-precision sums when they are held
// against a capacity: a node may be filled to the brim by parts of it.
const slack = 1e-5

// tiny stands for no capacity where a share of capacity is wanted.
const tiny = 1e-30

// SetDraining notes whether a node is to get no new work.
func (s *State) SetDraining(node int, draining bool) {
	b, i := s.at(node)
	b.Draining = setBit(b.Draining, i, draining)
}

// SetSilent notes whether a node has not been heard of for too long.
func (s *State) SetSilent(node int, silent bool) {
	b, i := s.at(node)
	b.Silent = setBit(b.Silent, i, silent)
}

// learn widens the schema by resources that n is the first to have.
func (s *State) learn(n *fleet.Node) {
	wider := s.Resources
	for name := range n.Capacity.All() {
		if name != resource.GPU && name != resource.GPUMemory && !slices.Contains(wider, name) {
			wider = append(slices.Clip(wider), name)
		}
	}
	if len(wider) == len(s.Resources) {
		return
	}
	s.Resources = wider
	s.Policy = s.Policy.forResources(wider)
	for bi := range s.Blocks {
		b := s.own(bi)
		b.widen(s, s.ownDescribed(b))
		for i := range BlockSize {
			if b.Live>>i&1 == 1 {
				s.ownOccupants(b, i).Members = s.reneed(b.Occupants[i].Members)
				s.sum(bi*BlockSize + i)
			}
		}
	}
	s.remeter()
}

// reneed returns members with their needs in the order of the schema as it is now.
func (s *State) reneed(members []*Member) []*Member {
	out := make([]*Member, len(members))
	for i, m := range members {
		c := *m
		var room workload.Workload
		c.Needs = s.needs(m.description.Workload(&room), m.Forecast)
		out[i] = &c
	}
	return out
}

// Forget takes the node at position node out of the fleet. It must be empty.
func (s *State) Forget(node int) {
	b, i := s.at(node)
	d := s.ownDescribed(b)
	s.stale = true
	s.plug(node, d.Node[i], noFeeds)
	b.Live &^= 1 << i
	b.Draining &^= 1 << i
	b.Silent &^= 1 << i
	d.Node[i], d.Models[i], d.Labels[i], d.Data[i], d.Compartments[i] = nil, nil, nil, nil, nil
}

// Member returns w as it counts on a node: x describes it, devices are those it holds.
func (s *State) Member(w *workload.Workload, x *Description, class workload.Class, f *forecast.Forecast, devices []int) *Member {
	return s.member(w, x, class, f, s.needs(w, f), devices)
}

// Member returns the query's workload as it counts on a node of s, as State.Member does.
func (q *Query) Member(s *State, x *Description, devices []int) *Member {
	needs := q.Needs
	if s.Policy != q.State.Policy { // which knows the schema
		needs = s.needs(q.Workload, q.Forecast)
	}
	return s.member(q.Workload, x, q.Policy.Class, q.Forecast, needs, devices)
}

func (s *State) member(w *workload.Workload, x *Description, class workload.Class, f *forecast.Forecast, needs []Need, devices []int) *Member {
	m := &Member{
		ID: w.ID, description: x, class: class, Forecast: f, Needs: needs, tag: tagOf(w.ID),
		tenant: s.names.id(name{kind: tenantName, text: w.Security.Tenant}), alone: w.Security.Exclusive,
	}
	if len(devices) > 0 {
		m.devices = &devicesHeld{AcceleratorOf(w), devices}
	}
	return m
}

// Put adds m, who must be on no other node, to the node at position node.
func (s *State) Put(node int, m *Member) {
	b, i := s.at(node)
	s.meter(b, i, -1)
	s.enlist(m, node, b.Place[i], 1)
	o := s.ownOccupants(b, i)
	o.Members = append(o.Members, m)
	s.add(b, i, m)
	s.summed(b, i)
}

// Take removes the member that holds the workload of this id from the node and
// sums up the others anew, in the order in which they came: the sums are then
// what they would be had it never been there. It returns the member.
func (s *State) Take(node int, id string) (taken *Member) {
	b, i := s.at(node)
	o, tag := s.ownOccupants(b, i), tagOf(id)
	at := -1
	for k, m := range o.Members { // to the end: all are summed up next, and memory is waited for once
		if m.tag == tag && at < 0 && m.ID == id {
			at = k
		}
	}
	taken = o.Members[at]
	o.Members = slices.Delete(o.Members, at, at+1)
	s.enlist(taken, node, b.Place[i], -1)
	s.sum(node)
	return taken
}

// tagOf returns a number that tells most workloads apart without a look at their
// ids: FNV-1a.
func tagOf(id string) uint32 {
	h := uint32(2166136261)
	for i := 0; i < len(id); i++ {
		h = (h ^ uint32(id[i])) * 16777619
	}
	return h
}

// swap exchanges the member of the same workload for m, keeping its turn.
func (s *State) swap(node int, m *Member) {
	b, i := s.at(node)
	members := s.ownOccupants(b, i).Members
	for k := range members {
		if members[k].ID == m.ID {
			members[k] = m
		}
	}
}

// sum recomputes everything that depends on the members of a node.
func (s *State) sum(node int) {
	b, i := s.at(node)
	s.meter(b, i, -1)
	s.reset(b, i)
	for _, m := range b.Occupants[i].Members {
		s.add(b, i, m)
	}
	s.summed(b, i)
}

// add adds m to the sums of node i of b; both are owned. The caller has taken the
// node off the meter, and once all are added calls summed.
func (s *State) add(b *Block, i int, m *Member) {
	slots := s.Grid.Slots
	for k := range m.Needs {
		n := &m.Needs[k]
		if n.Index < 0 {
			continue
		}
		c := &b.Columns[n.Index]
		c.Requested[i] += n.Request
		c.Limit[i] += n.Limit
		c.Peak[i] += n.Peak
		c.Mean[i] += n.Mean
		profile := b.Profile(i, n.Index, slots)
		if n.Profile == nil {
			for t := range profile {
				profile[t] += n.Peak
			}
			continue
		}
		added := n.Profile[:len(profile)]
		for t := range profile {
			profile[t] += added[t]
		}
	}
	b.hold(i, m)
}

// summed works out what follows from the sums of node i of b, and meters it.
func (s *State) summed(b *Block, i int) {
	slots := s.Grid.Slots
	for r := range b.Columns {
		profile := b.Profile(i, r, slots)
		top, low, level := profile[0], profile[0], float32(0)
		for _, p := range profile {
			level += p
			if p > top {
				top = p
			} else if p < low {
				low = p
			}
		}
		c := &b.Columns[r]
		c.Top[i], c.Low[i], c.Level[i] = top, low, level/float32(slots)
	}
	s.power(b, i)
	s.meter(b, i, +1)
	s.settle(b, i)
}

func setBit(mask uint64, i int, on bool) uint64 {
	mask &^= 1 << i
	if on {
		mask |= 1 << i
	}
	return mask
}

func drawing(devices []fleet.Device) bool {
	return slices.ContainsFunc(devices, func(d fleet.Device) bool { return d.MaxWatts > 0 })
}
