package placement

import (
	"encoding/binary"

	"github.com/auspex-project/auspex/workload"
)

// Company is a group that a constraint of a query is about.
type Company struct {
	ref  ref
	once *Group // of the query alone, where no group is followed
}

// Group returns the company as it is in s.
func (c Company) Group(s *State) *Group {
	if c.once != nil {
		return c.once
	}
	return s.group(c.ref)
}

// Company returns the group of some peers of the query's workload.
func (q *Query) Company(p workload.Peers) Company {
	p = p.Of(q.Workload)
	for i := range q.company {
		if c := &q.company[i]; c.repels == "" && c.peers.Equal(p) {
			return c.Company
		}
	}
	return Company{once: nobody}
}

// Repellents returns the groups of placed workloads that want nothing like the
// query's within a level.
func (q *Query) Repellents(within workload.Level) []Company {
	var list []Company
	for i := range q.company {
		if c := &q.company[i]; c.repels == within && !c.own {
			list = append(list, c.Company)
		}
	}
	return list
}

// companion is a group a query is about.
type companion struct {
	Company
	peers  workload.Peers
	repels workload.Level // "" = peers themselves
	own    bool           // follows from a constraint of the workload itself
	fewest int            // on any node that will do
}

// meet finds the groups that constraints of the query, or of what is placed,
// are about. Where one is not followed, its members are counted for this query
// alone.
func (q *Query) meet(s *State) {
	q.company = q.company[:0]
	asked(q.Workload, func(p workload.Peers, repels workload.Level) {
		if repels != "" {
			return // counts for those that come later
		}
		c := companion{peers: p, own: true}
		r, known := s.groups.find(keyOf(p, ""))
		if known && s.group(r) != nobody {
			c.ref = r
		} else {
			c.once = s.gather(p)
		}
		q.company = append(q.company, c)
	})
	var buffer [4]entry
	for _, e := range s.groups.matching(q.Workload, true, buffer[:0]) {
		q.company = append(q.company, companion{Company: Company{ref: e.ref}, peers: e.peers, repels: e.repels})
	}
	q.bond = q.bindTo(s)
}

// gather counts the members of a group that is not followed.
func (s *State) gather(p workload.Peers) *Group {
	g := &Group{Peers: p}
	for bi, b := range s.Blocks {
		for i := range BlockSize {
			if b.Live>>i&1 == 0 {
				continue
			}
			for _, m := range b.Occupants[i].Members {
				if m.description.in(p) {
					g.count(bi*BlockSize+i, b.Place[i], 1)
				}
			}
		}
	}
	return g
}

// bindTo returns what the answers about single nodes depend on beside these: the
// groups, and of each what is fewest on any node that will do and whether there
// are any at all. "" when the query is about no group.
func (q *Query) bindTo(s *State) string {
	if len(q.company) == 0 {
		return ""
	}
	var b []byte
	for i := range q.company {
		c := &q.company[i]
		g := c.Group(s)
		b = binary.AppendUvarint(b, uint64(c.ref.at))
		b = binary.AppendUvarint(b, c.ref.serial)
		if c.once != nil {
			b = binary.AppendUvarint(b, s.last.Add(1)) // like no other
		}
		if c.own {
			b = binary.AppendUvarint(b, uint64(min(g.total, 1)))
			c.fewest = q.fewest(s, g)
			b = binary.AppendUvarint(b, uint64(c.fewest))
		}
	}
	return string(b)
}

// Bound reports whether the query would be about the same groups in s, as far as
// answers about single nodes go: in its own state it is, where all of them are followed.
func (q *Query) Bound(s *State) bool {
	if q.bond == "" && s.groups.followed.Load() == 0 || s == q.State && q.follows() {
		return true
	}
	later := Query{Workload: q.Workload, State: s}
	later.meet(s)
	return later.bond == q.bond
}

// follows reports whether all groups the query is about are followed.
func (q *Query) follows() bool {
	for i := range q.company {
		if q.company[i].once != nil {
			return false
		}
	}
	return true
}

// fewest returns the smallest number of g on any node where the workload is
// required to be; nodes it requires by name are not told apart.
func (q *Query) fewest(s *State, g *Group) int {
	if !q.spreadsNodes() || g.total == 0 {
		return 0
	}
	open, nodes := q.Required(s), 0
	for place, n := range s.Catalogue.At {
		if open == nil || open[place] {
			nodes += int(n)
		}
	}
	fewest := 0
	for _, t := range g.nodes {
		b, i := s.Peek(int(t.at))
		if at := int(b.Place[i]); open != nil && !(at < len(open) && open[at]) {
			continue
		}
		if nodes--; fewest == 0 || int(t.n) < fewest {
			fewest = int(t.n)
		}
	}
	if nodes > 0 {
		return 0
	}
	return fewest
}

func (q *Query) spreadsNodes() bool {
	for i := range q.Workload.Spread {
		if q.Workload.Spread[i].Over == workload.AtNode {
			return true
		}
	}
	return false
}

// Required reports of every place whether the workload may run there as far as
// its required places go; nil when it requires none. Nobody may change it.
func (q *Query) Required(s *State) []bool {
	want := &q.Workload.Locality.Required
	if len(want.Providers)+len(want.Regions)+len(want.Zones)+len(want.Racks) == 0 {
		return nil
	}
	var names []byte
	for _, list := range [...][]string{want.Providers, want.Regions, want.Zones, want.Racks} {
		names = binary.AppendUvarint(names, uint64(len(list)))
		for _, name := range list {
			names = append(binary.AppendUvarint(names, uint64(len(name))), name...)
		}
	}
	return Recall(s, requiredPlaces{len(s.Places), string(names)}, func() []bool {
		open := make([]bool, len(s.Places))
		for i, p := range s.Places {
			open[i] = p.Within(want)
		}
		return open
	})
}

// requiredPlaces is the key of which of so many places some lists name.
type requiredPlaces struct {
	places int
	names  string
}

// Within reports whether p is one of places.
func (p Place) Within(places *workload.Places) bool {
	in := func(list []string, name string) bool {
		for _, x := range list {
			if x == name {
				return true
			}
		}
		return len(list) == 0
	}
	return in(places.Providers, p.Provider) && in(places.Regions, p.Region) && in(places.Zones, p.Zone) && in(places.Racks, p.Rack)
}
