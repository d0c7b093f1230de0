package placement

import (
	"container/list"
	"hash/maphash"
	"math"
	"math/bits"
	"slices"
	"sync"
	"unsafe"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/workload"
)

// A shape is what is left of a request without its id: the description of the
// workload, its class and its forecast. Schedulers ask for the same shapes again
// and again, and between two requests of one shape few nodes change. A shape that
// came before therefore keeps what the scan found on every node, and only holds
// the nodes that have changed since against the rules anew. The answer is that
// of the scan, counts included.
type shape struct {
	hash     uint64
	workload *workload.Workload // one of them
	class    workload.Class
	forecast *forecast.Forecast // of that one

	mu struct {
		sync.Mutex
		basis basis
		plan  *plan
		unmet unmet
		upTo  uint64 // how many of the state's changes are worked in

		findings // best apart
		judged   []judged
		leaders  []candidate // by block: the best node of it, node -1 when none passed
		touched  []int32     // blocks with a dirty node
		passedAt []int32     // by place: nodes that passed; nil where places do not count
	}
}

// basis is what the answers of a plan depend on beside the nodes. Where it is
// another, all nodes are held against a new plan.
type basis struct {
	policy       *Policy
	catalogue    *Catalogue
	first, slots int    // the horizon
	from         int64  // Unix time of the slot it begins in
	bond         string // groups, see Query.bindTo
}

// judged is what the scan found on the nodes of one block.
type judged struct {
	live   uint64
	passed uint64
	dirty  uint64 // changed since, only while being brought up to date
	shared uint64 // and of these: whose power domains draw otherwise
	able   uint64 // pass all lasting rules
	nodes  [BlockSize]judgedNode
}

// judgedNode is what the scan found on one node, all of it in one place: it is
// brought up to date by itself.
type judgedNode struct {
	score  float32 // where it passed
	points float32 // of the lasting measures, where it is able
	rule   uint8   // that turned it away, where it is live but did not pass
	barred uint8   // the first lasting rule it breaks, where it is live but not able
}

// shapes keeps the shapes that came more than once. It is bounded by count and
// bytes; the one not asked for the longest goes.
type shapes struct {
	engine     *engine
	seed       maphash.Seed
	smallFleet int

	mu struct {
		sync.Mutex
		byHash map[uint64]*list.Element // of two shapes with one hash the later is kept
		recent list.List                // of *shape, the last one asked for in front
		once   [1 << 10][4]uint64       // hashes that came once, by their low bits, the latest first
	}
}

const (
	maxShapes     = 512
	maxShapeBytes = 64 << 20 // of what they all know about nodes
	bytesPerBlock = int(unsafe.Sizeof(judged{}) + unsafe.Sizeof(candidate{}))
)

func newShapes(e *engine) *shapes {
	c := &shapes{engine: e, seed: maphash.MakeSeed(), smallFleet: smallFleet}
	c.mu.byHash = make(map[uint64]*list.Element)
	return c
}

// search finds the most best nodes for q, on q.State or on what latest lends, and
// returns the state it looked at, still lent. q.State, where it is not that one,
// is given back.
// thorough asks for exact counts.
func (c *shapes) search(q *Query, latest func() *State, most int, thorough bool) (*plan, *State, findings) {
	if sh := c.find(q); sh != nil {
		if p, s, f, ok := sh.search(c.engine, q, latest, most); ok {
			q.State.done()
			return p, s, f
		}
	}
	p := c.engine.prepare(q)
	return p, q.State, p.scan(q.State, most, thorough || len(q.State.Blocks) <= c.smallFleet)
}

// find returns the shape of q, nil when it comes for the first time.
func (c *shapes) find(q *Query) *shape {
	hash := c.hash(q)
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.mu.byHash[hash]; at != nil {
		if sh := at.Value.(*shape); sh.is(q) {
			c.mu.recent.MoveToFront(at)
			return sh
		}
		c.drop(at)
	}
	// Shapes that take turns must not make each other forgotten for ever.
	if once := &c.mu.once[hash%uint64(len(c.mu.once))]; !slices.Contains(once[:], hash) {
		copy(once[1:], once[:])
		once[0] = hash
		return nil
	}
	sh := &shape{hash: hash, workload: q.Workload, class: q.Policy.Class, forecast: q.Forecast}
	c.mu.byHash[hash] = c.mu.recent.PushFront(sh)
	room := maxShapeBytes / (bytesPerBlock * max(1, len(q.State.Blocks)))
	for c.mu.recent.Len() > max(1, min(room, maxShapes)) {
		c.drop(c.mu.recent.Back())
	}
	return sh
}

// drop forgets a shape. The caller holds the lock.
func (c *shapes) drop(at *list.Element) {
	delete(c.mu.byHash, c.mu.recent.Remove(at).(*shape).hash)
}

// is reports whether q is of the shape.
func (sh *shape) is(q *Query) bool {
	return sh.class == q.Policy.Class && sh.workload.Alike(q.Workload) && alike(sh.forecast, q.Forecast)
}

// alike reports whether two forecasts demand the same.
func alike(a, b *forecast.Forecast) bool {
	if a == b {
		return true
	}
	return a != nil && b != nil && slices.EqualFunc(a.Demands, b.Demands, func(a, b forecast.Demand) bool {
		return a.Resource == b.Resource && a.Peak == b.Peak && a.Limit == b.Limit && a.Mean == b.Mean && slices.Equal(a.Profile, b.Profile)
	})
}

// search is scan, from what is known of the nodes. ok is false when the plan q
// calls for is not the one of the latest state.
func (sh *shape) search(e *engine, q *Query, latest func() *State, most int) (_ *plan, s *State, f findings, ok bool) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s = latest() // under the lock, so that it is no older than what is known
	if s.Policy != q.State.Policy || s.Catalogue != q.State.Catalogue || !q.bound(s) {
		s.done()
		return nil, nil, findings{}, false
	}
	if !sh.update(q, s) && !sh.learn(e, q, s) {
		s.done()
		return nil, nil, findings{}, false
	}
	p := sh.mu.plan.of(q)
	return p, s, sh.bestIn(p.survey(s), s, most), true
}

// update holds the nodes that have changed against the plan; false when all have
// to be.
func (sh *shape) update(q *Query, s *State) bool {
	if sh.mu.basis != q.basis() || sh.mu.unmet.met(s.names) {
		return false
	}
	changed, ok := s.changes.since(sh.mu.upTo)
	if !ok {
		return false
	}
	sh.mu.upTo = s.changes.count()
	sh.mu.touched = sh.mu.touched[:0]
	for _, node := range changed {
		alone := node >= 0
		if !alone {
			node = ^node
		}
		block := node / BlockSize
		j := &sh.mu.judged[block]
		if j.dirty|j.shared == 0 {
			sh.mu.touched = append(sh.mu.touched, block)
		}
		if bit := uint64(1) << (node % BlockSize); alone {
			j.dirty |= bit
		} else {
			j.shared |= bit
		}
	}
	for _, block := range sh.mu.touched {
		j := &sh.mu.judged[block]
		if dirty := j.dirty | sh.swayed(s, int(block), j.shared&^j.dirty); dirty != 0 {
			sh.judge(s, int(block), dirty)
		}
		j.shared = 0
	}
	return true
}

// swayed returns those of nodes, of which only the draw of their power domains has
// changed, whose answer may be another: that passed and no longer do, or were turned
// away by a rule that goes by it or comes after one.
func (sh *shape) swayed(s *State, block int, nodes uint64) uint64 {
	p, b, j := sh.mu.plan, s.Blocks[block], &sh.mu.judged[block]
	if nodes == 0 || len(p.shared) == 0 {
		return 0
	}
	passed := nodes & j.passed
	still := passed
	for _, r := range p.shared {
		if still != 0 {
			still = p.rules[r].Check.Pass(s, b, still)
		}
	}
	swayed := passed &^ still
	for m := nodes & j.live &^ passed; m != 0; m &= m - 1 {
		if i := bits.TrailingZeros64(m); int(j.nodes[i].rule) >= p.shared[0] {
			swayed |= 1 << i
		}
	}
	return swayed
}

// learn makes a new plan and holds all nodes against it; false when the plan has
// more rules than can be told apart.
func (sh *shape) learn(e *engine, q *Query, s *State) bool {
	lasting := *q
	lasting.State = q.State.withoutNodes() // or the plan would keep the snapshot alive
	// Looked up now, for s is frozen: a name not found is on no node of it.
	sh.mu.unmet = unmet{count: s.names.count()}
	lasting.State.unmet = &sh.mu.unmet
	lasting.lookUp(lasting.State)
	sh.mu.plan = e.prepare(&lasting)
	lasting.State.unmet = nil
	if len(sh.mu.plan.rules) > math.MaxUint8+1 {
		return false
	}
	sh.mu.basis, sh.mu.upTo = q.basis(), s.changes.count()
	sh.mu.findings = findings{turnedAway: make([]int, len(sh.mu.plan.rules))}
	sh.mu.judged = make([]judged, len(s.Blocks))
	sh.mu.leaders = make([]candidate, len(s.Blocks))
	sh.mu.passedAt = nil
	if len(sh.mu.plan.gates)+len(sh.mu.plan.regional) > 0 {
		sh.mu.passedAt = make([]int32, len(s.Places))
	}
	for block := range s.Blocks {
		sh.mu.leaders[block].node = -1
		sh.outlast(s, block)
		sh.judge(s, block, ^uint64(0))
	}
	return true
}

func (q *Query) basis() basis {
	return basis{q.State.Policy, q.State.Catalogue, q.First, q.Slots, q.Stay.From.Unix(), q.bond}
}

// judge holds some nodes of a block against the plan, in place of what was known
// of them.
func (sh *shape) judge(s *State, block int, nodes uint64) {
	b, j, known := s.Blocks[block], &sh.mu.judged[block], &sh.mu.findings
	known.considered -= bits.OnesCount64(nodes & j.live)
	known.feasible -= bits.OnesCount64(nodes & j.passed)
	for m := nodes & j.live &^ j.passed; m != 0; m &= m - 1 {
		known.turnedAway[j.nodes[bits.TrailingZeros64(m)].rule]--
	}

	live := nodes & b.Live
	before := nodes & j.passed
	passed := sh.pass(s, b, j, live)
	sh.recount(b, before, passed)
	known.considered += bits.OnesCount64(live)
	known.feasible += bits.OnesCount64(passed)
	j.live, j.passed, j.dirty = j.live&^nodes|live, j.passed&^nodes|passed, 0

	if passed != 0 {
		l := scratch.Get().(*lanes)
		for m := passed; m != 0; m &= m - 1 {
			i := bits.TrailingZeros64(m)
			l.total[i] = j.nodes[i].points
		}
		sh.mu.plan.score(s, b, passed, l, 0)
		sh.mu.plan.finish(s, b, passed, l)
		for m := passed; m != 0; m &= m - 1 {
			i := bits.TrailingZeros64(m)
			j.nodes[i].score = l.total[i]
		}
		scratch.Put(l)
	}

	// The leader stays unless it was judged itself or a better one came.
	leader := &sh.mu.leaders[block]
	if leader.node >= 0 && nodes>>(leader.node%BlockSize)&1 == 1 {
		leader.node = -1
		passed = j.passed
	}
	for m := passed; m != 0; m &= m - 1 {
		if c := j.candidate(b, block, bits.TrailingZeros64(m)); leader.node < 0 || c.before(*leader) {
			*leader = c
		}
	}
}

// outlast finds what lasts of the nodes of a block.
func (sh *shape) outlast(s *State, block int) {
	b, j, p := s.Blocks[block], &sh.mu.judged[block], sh.mu.plan
	j.able = b.Live
	for i := range p.rules {
		r := &p.rules[i]
		if !r.Lasting || r.Check == nil || j.able == 0 {
			continue
		}
		passed := r.Check.Pass(s, b, j.able)
		for m := j.able &^ passed; m != 0; m &= m - 1 {
			j.nodes[bits.TrailingZeros64(m)].barred = uint8(i)
		}
		j.able = passed
	}
	l := scratch.Get().(*lanes)
	defer scratch.Put(l)
	p.outlast(s, b, j.able, l)
	for m := j.able; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m)
		j.nodes[i].points = l.total[i]
	}
}

// pass is filter by what is known to last: of the others the rules that come
// before the one they break are asked, since one of these may be the first.
func (sh *shape) pass(s *State, b *Block, j *judged, live uint64) uint64 {
	p, turnedAway := sh.mu.plan, sh.mu.findings.turnedAway
	for m := live &^ j.able; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m)
		first := int(j.nodes[i].barred)
		for _, r := range p.changing {
			if r > first {
				break
			}
			if p.rules[r].Check.Pass(s, b, 1<<i) == 0 {
				first = r
				break
			}
		}
		turnedAway[first]++
		j.nodes[i].rule = uint8(first)
	}
	candidates := live & j.able
	for _, r := range p.changing {
		if candidates == 0 {
			break
		}
		passed := p.rules[r].Check.Pass(s, b, candidates)
		if out := candidates &^ passed; out != 0 {
			turnedAway[r] += bits.OnesCount64(out)
			for ; out != 0; out &= out - 1 {
				j.nodes[bits.TrailingZeros64(out)].rule = uint8(r)
			}
			candidates = passed
		}
	}
	return candidates
}

func (j *judged) candidate(b *Block, block, i int) candidate {
	return candidate{block*BlockSize + i, j.nodes[i].score, b.Rank[i]}
}

// best returns what is known of s, with the most best nodes.
func (sh *shape) best(s *State, most int) findings {
	f := sh.mu.findings
	f.turnedAway = slices.Clone(f.turnedAway)
	f.best = make([]candidate, 0, most+1)
	for block, leader := range sh.mu.leaders {
		if leader.node < 0 || len(f.best) == most && !leader.before(f.best[most-1]) {
			continue
		}
		b, j := s.Blocks[block], &sh.mu.judged[block]
		for m := j.passed; m != 0; m &= m - 1 {
			f.offer(j.candidate(b, block, bits.TrailingZeros64(m)), most)
		}
	}
	return f
}

// withoutNodes returns s to look names up in.
func (s *State) withoutNodes() *State {
	c := *s
	c.Blocks, c.Domains, c.Groups, c.changes = nil, nil, nil, changes{}
	return &c
}
