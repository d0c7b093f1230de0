package placement

import (
	"math"
	"sync"

	"github.com/auspex-project/auspex/workload"
)

// A request never seen before must find the best of all nodes without asking them all.
// What a node can score at most is, of each measure, a part that stands for all
// requests of a way (see Foresight), a part that is the same for nodes of a kind, and a
// part that goes by the place. The first is kept for every node, and brought up to
// date when the node changes; the others are asked for once a request. A bound is then
// a sum of three numbers, and the nodes are asked in full from the highest bound down,
// until those that are left cannot be among the best.
//
// Nothing can be missed: every part is at least what the measure adds to a score, and
// rounding more is added on top.

// way is what requests have in common for which one number stands for a node.
type way struct {
	class        workload.Class
	first, slots int    // the horizon
	resources    uint64 // needed, by position in the schema
	roomy        uint64 // and of these: of which rules want room
	foreseen     uint64 // scorers that have a Standing, by position
	devices      use
	worth        bool // of devices is known,
	parts        bool // and it can be of use that jobs of several find no place
}

// use is what of devices is needed.
type use int

const (
	noDevice use = iota
	partOfDevice
	wholeDevices
)

// sieve keeps, for the requests of one way, the part of every node's bound that does
// not depend on the single request.
type sieve struct {
	standings []Standing  // by scorer, nil for those without
	parts     []float32   // points for each unit of a value, by scorer
	base      []float32   // by node: the points of its standings, noNode where there is no node
	kind      []int32     // by node: position in kinds
	left      [][]float32 // by resource and node: at least what is not requested; nil for resources no rule asks about
	kinds     []nodeKind
	known     map[nodeKind]int32 // positions in kinds
	marks     []uint32           // that occur, by scorer, one bit each
	upTo      uint64             // how many of the state's changes are worked in
	used      uint64             // number of the last search that used it
}

// nodeKind is what all nodes have in common for which a request raises the bound by
// the same amount.
type nodeKind struct {
	build int32
	marks uint64 // four bits for each scorer
}

// noNode is the base of positions without a node.
const noNode = -1e9

// sieves keeps one sieve for each way that is in use. Its lock is held while the bounds of
// a request are worked out, by as many processors as help: requests never seen before
// take turns there, and are asked about side by side.
type sieves struct {
	engine *Engine

	mu struct {
		sync.Mutex
		policy   *Policy    // all below is by this one
		seen     *Catalogue // the latest: builds know where the nodes were described to stand by it
		since    uint64     // how many changes there were when it was first seen
		builds   *builds
		byWay    map[way]*sieve
		searches uint64
		off      uint64 // until so many searches there are too many builds
	}
}

const (
	maxSieves     = 24
	maxSieveBytes = 16 << 20
	bytesPerNode  = 12
	maxScorers    = 16

	// maxBuilds bounds what is asked for every build; where nodes are as different as
	// that, sieves are off for tryAgain searches.
	maxBuilds = 2048
	tryAgain  = 10_000
)

// maxRenewals is how often a query is made ready for a later state.
const maxRenewals = 8

func newSieves(e *Engine) *sieves { return &sieves{engine: e} }

// search finds the most best nodes for the query of p on its state, or on what latest
// lends, and returns the state it looked at, still lent, and the plan made for it.
func (c *sieves) search(p *Plan, latest func() *State, most int) (*Plan, *State, Findings) {
	q := p.Query
	for range maxRenewals {
		t := p.survey(q.State)
		u, late := c.sift(p, q.State, t)
		if u != nil {
			f := p.ask(q.State, t, u, most)
			boundsPool.Put(u)
			return p, q.State, f
		}
		if !late || !q.renew(latest()) {
			break
		}
		p = c.engine.Prepare(q)
	}
	return p, q.State, p.scan(q.State, most, false)
}

// renew makes q ready for a later state and gives back its own; false, and it keeps
// that, where much is different there.
func (q *Query) renew(s *State) bool {
	if s.Policy != q.State.Policy || s.Catalogue != q.State.Catalogue {
		s.Done()
		return false
	}
	q.State.Done()
	q.State = s
	q.lookUp(s)
	q.meet(s)
	return true
}

// sift returns the bounds for the query of p on s; nil where there are none to be had:
// the nodes differ too much, or s is late, and what is known is of a later state.
func (c *sieves) sift(p *Plan, s *State, t *terrain) (u *bounds, late bool) {
	w, ok := p.way()
	if !ok {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.searches++
	if c.mu.policy != s.Policy {
		c.mu.policy, c.mu.builds, c.mu.byWay, c.mu.off = s.Policy, newBuilds(), make(map[way]*sieve), 0
	}
	if c.mu.searches < c.mu.off {
		return nil, false
	}
	x, now := c.mu.byWay[w], s.changes.count()
	if s.Catalogue != c.mu.seen && now < c.mu.since || x != nil && x.upTo != unseen && x.upTo > now {
		return nil, true
	}
	if s.Catalogue != c.mu.seen {
		c.mu.seen, c.mu.since = s.Catalogue, now
	}
	if x = c.update(x, w, p, s); x == nil {
		return nil, false
	}
	u = boundsPool.Get().(*bounds)
	u.fill(x, x.rises(p, s, c.mu.builds), s, p.rooms(x), p.lay(s, t, c.mu.builds))
	return u, false
}

// update returns x, or where that is nil a new sieve for a way that p is of, with what
// has changed up to s worked in. Where there are too many builds it starts again without
// those that no node is any more; where they are still too many it returns nil, and
// sieves are off.
func (c *sieves) update(x *sieve, w way, p *Plan, s *State) *sieve {
	for range 2 {
		if x == nil {
			x = c.add(w, p, s)
		}
		x.used = c.mu.searches
		if x.update(s, c.mu.builds) {
			return x
		}
		c.mu.builds, c.mu.byWay = newBuilds(), make(map[way]*sieve)
		x = nil
	}
	c.mu.off = c.mu.searches + tryAgain
	return nil
}

// way returns what the requests of p's kind have in common.
func (p *Plan) way() (w way, ok bool) {
	q := p.Query
	w = way{class: q.Policy.Class, first: q.First, slots: q.Slots}
	if worth := q.State.Catalogue.Worth; worth.Devices() {
		w.worth, w.parts = true, worth.Parts()
	}
	switch {
	case q.Accelerator.Devices > 0 && q.Accelerator.Share < WholeDevice:
		w.devices = partOfDevice
	case q.Accelerator.Devices > 0:
		w.devices = wholeDevices
	}
	for i := range q.Needs {
		if n := &q.Needs[i]; n.Index >= 0 && n.Limit > 0 {
			if n.Index >= 64 {
				return w, false
			}
			w.resources |= 1 << n.Index
		}
	}
	for k := range p.measures {
		if m := &p.measures[k]; m.part > 0 && m.measure != nil {
			if _, ok := m.measure.(Foreseen); ok {
				w.foreseen |= 1 << k
			}
		}
	}
	for k := range p.rules {
		if r := p.rules[k].Room; r.Amount > 0 && r.Resource < 64 {
			w.roomy |= 1 << r.Resource
		}
	}
	return w, len(p.measures) <= maxScorers
}

// add starts an empty sieve for w, the way of p's request. Where there is no room for
// another, the least recently used one is dropped.
func (c *sieves) add(w way, p *Plan, s *State) *sieve {
	for room := maxSieveBytes / (bytesPerNode * BlockSize * max(1, len(s.Blocks))); len(c.mu.byWay) >= max(1, min(room, maxSieves)); {
		var oldest way
		least := uint64(math.MaxUint64)
		for w, x := range c.mu.byWay {
			if x.used < least {
				oldest, least = w, x.used
			}
		}
		delete(c.mu.byWay, oldest)
	}
	x := &sieve{
		standings: make([]Standing, len(p.measures)), parts: make([]float32, len(p.measures)), marks: make([]uint32, len(p.measures)),
		known: make(map[nodeKind]int32), left: make([][]float32, len(s.Resources)), upTo: unseen,
	}
	for r := range x.left {
		if r < 64 && w.roomy>>r&1 == 1 {
			x.left[r] = make([]float32, 0, len(s.Blocks)*BlockSize)
		}
	}
	q := p.Query.ofWay(w)
	for k := range p.measures {
		m := &p.measures[k]
		if w.foreseen>>k&1 == 1 {
			if f, ok := m.scorer.(Foresight); ok {
				x.standings[k], x.parts[k] = f.Foresee(q), m.part
			}
		}
	}
	c.mu.byWay[w] = x
	return x
}

// unseen is the upTo of a sieve that has seen no state.
const unseen = math.MaxUint64

// ofWay returns a query for devices as q needs them and for none of any resource that
// requests of the way need. It keeps no node alive.
func (q *Query) ofWay(w way) *Query {
	none := &Query{
		State: q.State.withoutNodes(), Workload: new(workload.Workload), Policy: q.Policy, First: q.First, Slots: q.Slots, Stay: q.Stay, rules: q.rules,
	}
	none.Accelerator = q.Accelerator
	for r, name := range q.State.Resources {
		if r < 64 && w.resources>>r&1 == 1 {
			none.Needs = append(none.Needs, Need{Resource: name, Index: r, Limit: tiny})
		}
	}
	return none
}

// update works in what has changed up to s. It returns false where there are too many
// builds: then x is of no use any more.
func (x *sieve) update(s *State, bs *builds) bool {
	changed, ok := []int32(nil), false
	if x.upTo != unseen {
		changed, ok = s.changes.since(x.upTo)
	}
	x.upTo = unseen // after a panic everything is worked in anew
	bs.grow(len(s.Blocks) * BlockSize)
	for len(x.base) < len(s.Blocks)*BlockSize {
		x.base, x.kind = append(x.base, noNode), append(x.kind, 0)
		for r := range x.left {
			if x.left[r] != nil {
				x.left[r] = append(x.left[r], 0)
			}
		}
	}
	if ok {
		for _, node := range changed {
			if node >= 0 { // the draw of power domains does not count
				x.weigh(s, bs, int(node))
			}
		}
	}
	for node := range x.base {
		if ok || bs.count() > maxBuilds {
			break
		}
		x.weigh(s, bs, node)
	}
	x.upTo = s.changes.count()
	return bs.count() <= maxBuilds
}

// weigh works out the base, the kind and the room left of a node.
func (x *sieve) weigh(s *State, bs *builds, node int) {
	b, i := s.Peek(node)
	if b.Live>>i&1 == 0 {
		x.base[node] = noNode
		return
	}
	kind, sum := nodeKind{build: bs.find(s, b, i)}, float32(0)
	for k, st := range x.standings {
		if st == nil {
			continue
		}
		value, mark := st.Stand(s, b, i)
		sum += x.parts[k] * value
		kind.marks |= uint64(mark) << (4 * k)
	}
	at, known := x.known[kind]
	if !known {
		at = int32(len(x.kinds))
		x.known[kind] = at
		x.kinds = append(x.kinds, kind)
		for k := range x.marks {
			x.marks[k] |= 1 << (kind.marks >> (4 * k) & 15)
		}
	}
	x.base[node], x.kind[node] = sum, at
	for r := range x.left {
		if x.left[r] != nil {
			capacity := b.Capacity[r][i]
			x.left[r][node] = float32(capacity - b.Columns[r].Requested[i] + slack*capacity)
		}
	}
}

// setBack puts nodes that rules turn away behind all others.
const setBack = 1000

// unfit returns, by block of builds, those that rules turn away, one bit each.
func (p *Plan) unfit(s *State, bs *builds) []uint64 {
	unfit := make([]uint64, len(bs.blocks))
	for i, b := range bs.blocks {
		fit := b.Live
		for k := range p.rules {
			if r := &p.rules[k]; r.OfBuild && r.Check != nil && fit != 0 {
				fit = r.Check.Pass(s, b, fit)
			}
		}
		unfit[i] = b.Live &^ fit
	}
	return unfit
}

// rises returns, by kind, the points that the request of p adds to the base of a node,
// setBack less where rules turn the build away.
func (x *sieve) rises(p *Plan, s *State, bs *builds) []float32 {
	rise := make([]float32, len(x.kinds))
	sum := float32(rounding)
	var lane Lane
	byBuild := make([]float32, len(bs.blocks)*BlockSize)
	for k := range p.measures {
		m := &p.measures[k]
		if m.part == 0 || m.measure == nil {
			continue
		}
		if x.standings[k] != nil {
			for mark := range Marks {
				if x.marks[k]>>mark&1 == 0 {
					continue
				}
				for i, b := range bs.blocks {
					m.measure.(Foreseen).Rise(s, b, b.Live, mark, &lane)
					copy(byBuild[i*BlockSize:], lane[:])
				}
				for at, kind := range x.kinds {
					if int(kind.marks>>(4*k)&15) == mark {
						rise[at] += m.part * byBuild[kind.build]
					}
				}
			}
			continue
		}
		switch measure := m.measure.(type) {
		case OfBuild:
			var raw Lane
			for i, b := range bs.blocks {
				measure.Score(s, b, b.Live, &raw, &lane)
				copy(byBuild[i*BlockSize:], lane[:])
			}
			for at, kind := range x.kinds {
				rise[at] += m.part * byBuild[kind.build]
			}
		case Located: // see plan.lay
		case Regional: // the terrain says what places add
			if measure.Local() {
				sum += 100 * m.part
			}
		default:
			sum += 100 * m.part
		}
	}
	unfit := p.unfit(s, bs)
	for at, kind := range x.kinds {
		rise[at] += sum
		if unfit[kind.build/BlockSize]>>(kind.build%BlockSize)&1 == 1 {
			rise[at] -= setBack
		}
	}
	return rise
}
