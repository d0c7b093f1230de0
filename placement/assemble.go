package placement

import (
	"cmp"
	"context"
	"math/bits"
	"slices"

	"github.com/auspex-project/auspex/workload"
)

// The search for places of a gang's members: a member gets the best node there
// is for it after those before it, the hardest first. Where that leaves one out,
// it is moved to the front, and last the best few nodes of each are tried in
// depth. A gang that fits may therefore be refused, but only one of many members
// that each have many nodes, most of them taken by each other: on fleets where
// none has more than breadth nodes and the tries suffice, no gang that fits is.

const (
	maxOrders = 8   // tries that differ in who comes first
	breadth   = 8   // nodes tried for a member in depth
	maxTries  = 128 // for each member, in depth
)

// sitter is a member on its way to a place.
type sitter struct {
	index int // among the members
	query *Query
	shape *shape // shared by members alike

	plan  *Plan    // these say where it sits, and
	found Findings // what was known when it sat down
	node  int
}

// Seating says which members of a gang found places.
type Seating struct {
	Part string // of the fleet, that holds all, or was likeliest to; "" where none was asked for or does

	order  []*sitter // in which places were found, those found
	failed *sitter   // the first that found none; nil when all have one
}

// Failed returns the member that found no place, -1 when all have one.
func (s *Seating) Failed() int {
	if s.failed == nil {
		return -1
	}
	return s.failed.index
}

// Order returns the members that found places, in the order in which they did.
func (s *Seating) Order() []int {
	order := make([]int, len(s.order))
	for i, m := range s.order {
		order[i] = m.index
	}
	return order
}

// Retrace seats the members anew on a trial of base, in their order, and tells of each
// what it found with those before it in their places; last of the one that found none.
func (s *Seating) Retrace(base *State, tell func(member int, p *Plan, on *State, found Findings)) {
	on := base.trial()
	for _, m := range s.order {
		tell(m.index, m.plan, on, m.found)
		m.sit(on)
	}
	if s.failed != nil {
		tell(s.failed.index, s.failed.plan, on, s.failed.found)
	}
}

// Assemble finds places on base for the members of a gang, who are asked for together in
// one part of the fleet of a level, "" for anywhere; orApart makes that a wish. It
// changes what the members are about to a trial of base. When ctx ends the answer means
// nothing.
func (e *Engine) Assemble(ctx context.Context, base *State, members []*Query, together workload.Level, orApart bool) *Seating {
	a := &assembly{engine: e, state: base.trial(), tries: maxTries * len(members), seating: new(Seating)}
	for i, q := range members {
		a.members = append(a.members, &sitter{index: i, query: q})
	}
	a.assemble(ctx, together, orApart)
	return a.seating
}

// assembly is a search under way. state holds the members that sit.
type assembly struct {
	members []*sitter
	engine  *Engine
	state   *State
	within  *part // of the fleet; nil = all
	tries   int   // left, in depth
	seating *Seating
}

// assemble finds a place for every member, or the member that finds none.
func (a *assembly) assemble(ctx context.Context, together workload.Level, orApart bool) {
	a.meet()
	order := a.hardestFirst()
	if together == "" {
		a.find(ctx, order)
		return
	}
	parts := a.parts(together)
	for _, p := range parts {
		a.within = p
		if a.find(ctx, order) {
			a.seating.Part = p.name
			return
		}
		if ctx.Err() != nil {
			return
		}
	}
	switch {
	case orApart:
		a.within = nil
		a.find(ctx, order)
	case len(parts) > 0: // the refusal speaks of the best of them
		a.within, a.seating.Part = parts[0], parts[0].name
		a.oneByOne(order)
	default:
		a.seating.failed = order[0]
		order[0].found = a.look(order[0], 1)
		order[0].found.best = nil
	}
}

// meet gives every member the shape it shares with those alike. It holds at most
// as much of them as the service keeps of shapes that come again.
func (a *assembly) meet() {
	for _, m := range a.members {
		a.state.names.id(name{kind: tenantName, text: m.query.Workload.Security.Tenant})
		m.query.State = a.state
	}
	room := max(1, maxShapeBytes/(bytesPerBlock*max(1, len(a.state.Blocks))))
	var shapes []*shape
	for _, m := range a.members {
		i := slices.IndexFunc(shapes, func(sh *shape) bool { return sh.is(m.query) })
		switch {
		case i >= 0:
			m.shape = shapes[i]
		case len(shapes) < room:
			m.shape = &shape{workload: m.query.Workload, class: m.query.Policy.Class, forecast: m.query.Forecast}
			shapes = append(shapes, m.shape)
		}
	}
}

// hardestFirst orders members by how few nodes would take them, then by how much
// they ask for.
func (a *assembly) hardestFirst() []*sitter {
	type difficulty struct {
		feasible int
		share    float64
	}
	how := make(map[*sitter]difficulty, len(a.members))
	for _, m := range a.members {
		_, share := m.query.Workload.Requests.DominantShare(a.state.Catalogue.Capacity)
		how[m] = difficulty{a.look(m, 1).feasible, share}
	}
	order := slices.Clone(a.members)
	slices.SortStableFunc(order, func(x, y *sitter) int {
		return cmp.Or(cmp.Compare(how[x].feasible, how[y].feasible), cmp.Compare(how[y].share, how[x].share))
	})
	return order
}

// find seats every member. Where it cannot, nobody sits, and the gang knows who
// was left out by the first order.
func (a *assembly) find(ctx context.Context, order []*sitter) bool {
	failed := a.oneByOne(order)
	next := order
	for range maxOrders {
		if failed == nil || failed == next[0] || ctx.Err() != nil {
			break
		}
		next = moveToFront(next, failed)
		failed = a.oneByOne(next)
	}
	if failed == nil {
		return true
	}
	if a.inDepth(ctx, next, 0) {
		a.seating.order, a.seating.failed = next, nil
		return true
	}
	a.oneByOne(order)
	return false
}

func moveToFront(order []*sitter, m *sitter) []*sitter {
	moved := append(make([]*sitter, 0, len(order)), m)
	for _, o := range order {
		if o != m {
			moved = append(moved, o)
		}
	}
	return moved
}

// oneByOne gives each member the best node left, and returns the one that finds
// none; then nobody sits.
func (a *assembly) oneByOne(order []*sitter) (failed *sitter) {
	for i, m := range order {
		m.found = a.look(m, 2)
		if len(m.found.best) == 0 {
			for _, o := range slices.Backward(order[:i]) {
				o.rise(a.state)
			}
			a.seating.order, a.seating.failed = order[:i], m
			return m
		}
		m.node = m.found.best[0].node
		m.sit(a.state)
	}
	a.seating.order, a.seating.failed = order, nil
	return nil
}

// inDepth seats order[i:], trying the best few nodes of each.
func (a *assembly) inDepth(ctx context.Context, order []*sitter, i int) bool {
	if i == len(order) {
		return true
	}
	m := order[i]
	found := a.look(m, breadth)
	for k, c := range found.best {
		if a.tries--; a.tries < 0 || ctx.Err() != nil {
			return false
		}
		m.found, m.node = found, c.node
		m.found.best = []candidate{c}
		if k == 0 {
			m.found.best = found.best[:min(2, len(found.best))]
		}
		m.sit(a.state)
		if a.inDepth(ctx, order, i+1) {
			return true
		}
		m.rise(a.state)
	}
	return false
}

// look returns the most best nodes for m.
func (a *assembly) look(m *sitter, most int) Findings {
	sh := m.shape
	if sh == nil {
		sh = &shape{workload: m.query.Workload, class: m.query.Policy.Class, forecast: m.query.Forecast}
	}
	m.query.meet(a.state) // those that sit are company
	m.plan = sh.searchAlone(a.engine, m.query, a.state)
	t := m.plan.survey(a.state)
	defer t.done()
	if a.within == nil {
		return sh.choose(t, a.state, most)
	}
	return sh.bestWithin(t, a.state, a.within, most)
}

// bestWithin is choose among the nodes of p, and counts these alone. None may be open.
func (sh *shape) bestWithin(t *terrain, s *State, p *part, most int) Findings {
	f := Findings{turnedAway: make([]int, len(sh.mu.plan.rules)), best: make([]candidate, 0, most+1)}
	for _, at := range p.nodes {
		b, j := s.Blocks[at.block], &sh.mu.judged[at.block]
		f.considered += bits.OnesCount64(j.live & at.mask)
		passed := t.pass(b, j.passed&at.mask, f.turnedAway)
		f.feasible += bits.OnesCount64(passed)
		for m := j.live &^ j.passed & at.mask; m != 0; m &= m - 1 {
			f.turnedAway[j.nodes[bits.TrailingZeros64(m)].rule]++
		}
		for m := passed; m != 0; m &= m - 1 {
			f.offer(t.candidate(j, b, at.block, bits.TrailingZeros64(m)), most)
		}
	}
	return f
}

// sit counts m on its node of s.
func (m *sitter) sit(s *State) {
	b, i := s.Peek(m.node)
	devices, _ := m.query.Devices(s, b, i, nil)
	s.Put(m.node, m.query.Member(s, described(m.query.Workload), devices))
}

// rise undoes sit.
func (m *sitter) rise(s *State) { s.Take(m.node, m.query.Workload.ID) }

// part is a part of the fleet, of one level.
type part struct {
	name  string
	nodes []masked // sorted by block
	score float32  // of the best nodes for all members, were each alone
}

// masked is some nodes of a block.
type masked struct {
	block int
	mask  uint64
}

// parts returns the parts of a level that have a node for every member alone,
// those where they would score highest first.
func (a *assembly) parts(level workload.Level) []*part {
	byName := make(map[string]*part)
	for block, b := range a.state.Blocks {
		for m := b.Live; m != 0; m &= m - 1 {
			i := bits.TrailingZeros64(m)
			name := partName(level, a.state.Places[b.Place[i]], b.Node[i].Name)
			if name == "" {
				continue
			}
			p := byName[name]
			if p == nil {
				p = &part{name: name}
				byName[name] = p
			}
			if n := len(p.nodes); n == 0 || p.nodes[n-1].block != block {
				p.nodes = append(p.nodes, masked{block: block})
			}
			p.nodes[len(p.nodes)-1].mask |= 1 << i
		}
	}
	var parts []*part
	for _, p := range byName {
		if a.couldHold(p) {
			parts = append(parts, p)
		}
	}
	slices.SortFunc(parts, func(x, y *part) int {
		return cmp.Or(cmp.Compare(y.score, x.score), cmp.Compare(x.name, y.name))
	})
	return parts
}

// couldHold reports whether p has a node for every member alone, and adds up what
// these score.
func (a *assembly) couldHold(p *part) bool {
	a.within = p
	defer func() { a.within = nil }()
	known := make(map[*shape]float32)
	for _, m := range a.members {
		score, seen := known[m.shape]
		if !seen || m.shape == nil {
			found := a.look(m, 1)
			if len(found.best) == 0 {
				return false
			}
			score = found.best[0].score
			known[m.shape] = score
		}
		p.score += score
	}
	return true
}
