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

// preemption looks for the fewest revocable workloads of one node whose going
// would let the plan's workload in, nil where it finds none. It tries a few nodes,
// for it is asked when the fleet is full and busy.
func (p *plan) preemption(s *State) *Preemption {
	if p.query.Policy.Tier != workload.Guaranteed {
		return nil
	}
	type find struct {
		node    int
		rank    uint64
		victims []*Member
		weight  float64
	}
	var best *find
	better := func(f *find) bool {
		return best == nil || cmp.Or(cmp.Compare(len(f.victims), len(best.victims)), cmp.Compare(f.weight, best.weight), cmp.Compare(f.rank, best.rank)) < 0
	}
	var trial *State
	asked, tried := 0, 0
	for bi, b := range s.Blocks {
		if asked >= maxAsked || tried >= maxPreempted {
			break
		}
		for m := p.couldYield(s, b); m != 0 && asked < maxAsked && tried < maxPreempted; m &= m - 1 {
			i := bits.TrailingZeros64(m)
			asked++
			yielding := s.revocable(b.Occupants[i].Members)
			if len(yielding) == 0 {
				continue
			}
			if tried++; trial == nil {
				trial = s.trial()
			}
			f := &find{node: bi*BlockSize + i, rank: b.Rank[i]}
			if f.victims = p.fewest(trial, f.node, yielding); f.victims == nil {
				continue
			}
			for _, v := range f.victims {
				f.weight += s.Policy.classes[v.class].policy.Weight
			}
			if better(f) {
				best = f
			}
		}
	}
	if best == nil {
		return nil
	}
	out := &Preemption{Node: s.name(best.node)}
	for _, v := range best.victims {
		out.Victims = append(out.Victims, Victim{v.ID, v.class})
	}
	return out
}

// couldYield returns the nodes of b that only rules turn away which less work
// could satisfy.
func (p *plan) couldYield(s *State, b *Block) uint64 {
	nodes := b.Live
	for i := range p.rules {
		if r := &p.rules[i]; r.Check != nil && !r.Preemptible && nodes != 0 {
			nodes = r.Check.Pass(s, b, nodes)
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
		w := m.description.workload(&room)
		_, share := w.Requests.DominantShare(s.Catalogue.Capacity)
		return share
	}
	slices.SortStableFunc(out, func(x, y *Member) int {
		return cmp.Or(cmp.Compare(s.Policy.classes[x.class].policy.Weight, s.Policy.classes[y.class].policy.Weight), cmp.Compare(share(y), share(x)))
	})
	return out
}

// fewest returns as few of yielding as let the workload in on a node, nil where
// not even all do. It leaves the trial as it was.
func (p *plan) fewest(trial *State, node int, yielding []*Member) []*Member {
	without := func(m *Member) { trial.take(node, m.ID) }
	back := func(m *Member) {
		c := *m // a state writes to what it is given
		trial.put(node, &c)
	}
	for _, m := range yielding {
		without(m)
		enough := p.allows(trial, node)
		back(m)
		if enough {
			return []*Member{m}
		}
	}
	var gone []*Member
	for _, m := range yielding {
		without(m)
		if gone = append(gone, m); p.allows(trial, node) {
			break
		}
	}
	enough := p.allows(trial, node)
	var victims []*Member
	for _, m := range gone {
		back(m)
		if enough && !p.allows(trial, node) { // it has to go after all
			without(m)
			victims = append(victims, m)
		}
	}
	for _, m := range victims {
		back(m)
	}
	return victims
}
