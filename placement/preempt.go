package placement

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/auspex-project/auspex/workload"
)

// Preemption is advice for when nothing fits: pausing or moving these workloads,
// all of them revocable, would make room on the node. Nothing is done about it.
type Preemption struct {
	Node    string
	Victims []Victim // the fewest found; those of the lightest classes
}

// Victim is a workload that would have to yield.
type Victim struct {
	Workload string
	Class    workload.Class
}

const (
	maxPreempted = 8   // nodes that are tried
	maxAsked     = 512 // nodes that are looked at for revocable work
)

// Preemption looks for the fewest revocable workloads of one node whose going
// would let the plan's workload in, nil where it finds none. It tries a few nodes,
// for it is asked when the fleet is full and busy.
func (p *Plan) Preemption(s *State) *Preemption {
	if p.Query.Policy.Tier != workload.Guaranteed {
		return nil
	}
	var best *yield
	var trial *State
	stays := p.shutForGood(s)
	defer stays.done()
	asked, tried := 0, 0
	for bi, b := range s.Blocks {
		if asked >= maxAsked || tried >= maxPreempted {
			break
		}
		for m := p.couldYield(s, b, stays); m != 0 && asked < maxAsked && tried < maxPreempted; m &= m - 1 {
			i := bits.TrailingZeros64(m)
			asked++
			yielding := s.revocable(b.Occupants[i].Members)
			if len(yielding) == 0 {
				continue
			}
			tried++
			y := &yield{node: bi*BlockSize + i, rank: b.Rank[i], victims: yielding[:1]}
			y.weigh(s.Policy)
			if best != nil && len(best.victims) == 1 && !y.better(best) {
				continue // nor would any other of yielding be
			}
			if !p.roomWithout(s, y.node, yielding...) {
				continue
			}
			if trial == nil {
				trial = s.trial()
			}
			if y.victims = p.fewest(trial, y.node, yielding, best); y.victims == nil {
				continue
			}
			if y.weigh(s.Policy); best == nil || y.better(best) {
				best = y
			}
		}
	}
	if best == nil {
		return nil
	}
	out := &Preemption{Node: s.NodeName(best.node)}
	for _, v := range best.victims {
		out.Victims = append(out.Victims, Victim{v.ID, v.class})
	}
	return out
}

// yield is work whose going lets a workload in on a node.
type yield struct {
	node    int
	rank    uint64 // of the node
	victims []*Member
	weight  float64 // of their classes
}

func (y *yield) weigh(p *Policy) {
	y.weight = 0
	for _, v := range y.victims {
		y.weight += p.classes[v.class].policy.Weight
	}
}

func (y *yield) better(than *yield) bool {
	return cmp.Or(cmp.Compare(len(y.victims), len(than.victims)), cmp.Compare(y.weight, than.weight), cmp.Compare(y.rank, than.rank)) < 0
}

// shutForGood returns the places that less work would not open, nil where there are none.
func (p *Plan) shutForGood(s *State) (t *terrain) {
	for _, g := range p.gates {
		if p.rules[g.rule].Preemptible {
			continue
		}
		if t == nil {
			t = newTerrain(len(s.Places))
		}
		t.ask(s, g)
	}
	return t
}

// couldYield returns the nodes of b that only rules turn away which less work
// could satisfy, where the places are left out that stay shut.
func (p *Plan) couldYield(s *State, b *Block, stays *terrain) uint64 {
	nodes := b.Live
	for i := range p.rules {
		if r := &p.rules[i]; r.Check != nil && !r.Preemptible && nodes != 0 {
			nodes = r.Check.Pass(s, b, nodes)
		}
	}
	for m := nodes; stays != nil && m != 0; m &= m - 1 {
		if i := bits.TrailingZeros64(m) & (BlockSize - 1); !stays.opens(b, i) {
			nodes &^= 1 << i
		}
	}
	return nodes
}

// revocable returns those of members that yield to guaranteed work, those of the
// lightest classes first, then the largest.
func (s *State) revocable(members []*Member) []*Member {
	var out []*Member
	for _, m := range members {
		if rules := s.Policy.classes[m.class]; rules != nil && rules.policy.Tier == workload.Revocable {
			out = append(out, m)
		}
	}
	if len(out) < 2 {
		return out
	}
	share := func(m *Member) float64 {
		var room workload.Workload
		w := m.description.Workload(&room)
		_, share := w.Requests.DominantShare(s.Catalogue.Capacity)
		return share
	}
	slices.SortStableFunc(out, func(x, y *Member) int {
		return cmp.Or(cmp.Compare(s.Policy.classes[x.class].policy.Weight, s.Policy.classes[y.class].policy.Weight), cmp.Compare(share(y), share(x)))
	})
	return out
}

// fewest returns as few of yielding as let the workload in on a node, nil where
// not even all do, or only more than were found better elsewhere, if anything was. It
// leaves the trial as it was.
func (p *Plan) fewest(trial *State, node int, yielding []*Member, elsewhere *yield) []*Member {
	without := func(m *Member) { trial.Take(node, m.ID) }
	back := func(m *Member) {
		c := *m // a state writes to what it is given
		trial.Put(node, &c)
	}
	for _, m := range yielding {
		if !p.roomWithout(trial, node, m) {
			continue
		}
		without(m)
		enough := p.Allows(trial, node)
		back(m)
		if enough {
			return []*Member{m}
		}
	}
	if len(yielding) == 1 || elsewhere != nil && len(elsewhere.victims) == 1 {
		return nil
	}
	var gone []*Member
	for _, m := range yielding {
		without(m)
		if gone = append(gone, m); p.Allows(trial, node) {
			break
		}
	}
	enough := p.Allows(trial, node)
	var victims []*Member
	for _, m := range gone {
		back(m)
		if enough && !p.Allows(trial, node) { // it has to go after all
			without(m)
			victims = append(victims, m)
		}
	}
	for _, m := range victims {
		back(m)
	}
	return victims
}

// roomWithout reports whether a node could have the room that rules ask for, and pass
// those that can tell, were some of its members gone: where not, there is no need to try.
func (p *Plan) roomWithout(s *State, node int, gone ...*Member) bool {
	b, i := s.Peek(node)
	for k := range p.rules {
		if c, ok := p.rules[k].Check.(Thinned); ok && !c.PassWithout(b, i, gone) {
			return false
		}
		room := p.rules[k].Room
		if room.Amount <= 0 {
			continue
		}
		needed := b.Columns[room.Resource].Requested[i] + room.Amount
		for _, m := range gone {
			for n := range m.Needs {
				if m.Needs[n].Index == room.Resource {
					needed -= m.Needs[n].Request
				}
			}
		}
		if needed > b.Capacity[room.Resource][i]*(1+slack) {
			return false
		}
	}
	return true
}
