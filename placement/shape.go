package placement

import (
	"math"
	"math/bits"
	"slices"
	"sync"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/workload"
)

// A shape is what is left of a request without its id: the description of the
// workload, its class and its forecast. Schedulers ask for the same shapes again
// and again, and between two requests of one shape few nodes change. A shape that
// came before therefore keeps what was found on every node, and only holds
// the nodes that have changed since against the rules anew, and these only as far
// as it takes to say that they are not among the best. The best are those
// of the scan.
type shape struct {
	hash     uint64
	workload *workload.Workload // one of them
	class    workload.Class
	forecast *forecast.Forecast // of that one

	described *Description // of one that was placed; for Descriptions.Share alone

	mu struct {
		sync.Mutex
		basis basis
		plan  *Plan
		unmet unmet
		upTo  uint64 // how many of the state's changes are worked in
		rows  int    // and of those gathered

		Findings // best apart
		judged   []judged
		cells    cells
		leaders  []candidate // by cell: the best node of it that passed, node none or unknown
		peaks    []float32   // by cell: no node of it that passed scores more, hopeless when there is none
		hopes    []float32   // by cell: no open node of it scores more, under 0 when there is none
		passedAt []int32     // by place: nodes that passed; nil where places do not count
		bar      float32     // what it took last to be among the best, 0 when anything did
		thorough bool        // every node is asked everything
		first    []candidate // scratch
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

func (q *Query) basis() basis {
	return basis{q.State.Policy, q.State.Catalogue, q.First, q.Slots, q.Stay.From.Unix(), q.bond}
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
func (sh *shape) search(c *shapes, q *Query, latest func() *State, most int, thorough bool) (_ *Plan, _ *State, f Findings, ok bool) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s, rows := c.recent.latest(latest) // under the lock, so that it is no older than what is known
	defer func() {
		if !ok {
			s.Done()
		}
	}()
	if s.Policy != q.State.Policy || s.Catalogue != q.State.Catalogue || !q.Bound(s) {
		return nil, nil, Findings{}, false
	}
	sh.beThorough(thorough)
	known := sh.knows(q, s)
	sh.mu.basis = basis{} // a panic must not leave what is half worked in for known
	if !(known && sh.update(c.recent, s, rows)) && !sh.learn(c.engine, q, s) {
		return nil, nil, Findings{}, false
	}
	sh.mu.upTo, sh.mu.rows = s.changes.count(), rows
	p := sh.mu.plan.of(q)
	t := p.survey(s)
	defer t.done()
	f = sh.choose(t, s, most)
	sh.mu.basis = q.basis()
	return p, s, f, true
}

// searchAlone is a thorough search of a state that nobody else knows, which changes
// from one search to the next. Nothing is open afterwards.
func (sh *shape) searchAlone(e *Engine, q *Query, s *State) *Plan {
	sh.beThorough(true)
	if !(sh.knows(q, s) && sh.updateEach(s)) {
		sh.learn(e, q, s)
	}
	sh.mu.upTo = s.changes.count()
	sh.askAll(s)
	return sh.mu.plan.of(q)
}

// beThorough tells whether every node is to be asked everything.
func (sh *shape) beThorough(thorough bool) {
	if sh.mu.thorough = thorough; thorough {
		sh.mu.bar = 0
	}
}

// knows reports whether what was found holds for nodes that have not changed.
func (sh *shape) knows(q *Query, s *State) bool {
	return sh.mu.basis == q.basis() && !sh.mu.unmet.met(s.names)
}

// update holds the nodes that have changed against the plan; false when all have
// to be.
func (sh *shape) update(r *recent, s *State, rows int) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	ok := r.each(sh.mu.rows, rows, func(b *Block, nodes uint64) { sh.judge(s, b, nodes) })
	if !ok {
		return sh.updateEach(s)
	}
	if len(sh.mu.plan.shared) > 0 {
		for _, d := range r.mu.drawn {
			// Others may have seen a domain that s does not have yet: it is swayed on the
			// first state that does.
			if d.upTo > sh.mu.upTo && int(d.domain) < len(s.Domains) {
				sh.sway(s, d.domain)
			}
		}
	}
	return true
}

// updateEach is update where the rows are not kept.
func (sh *shape) updateEach(s *State) bool {
	changed, ok := s.changes.since(sh.mu.upTo)
	if !ok {
		return false
	}
	dirty := make([]uint64, len(s.Blocks))
	drawn := make(map[int32]bool)
	for _, at := range changed {
		if at < 0 {
			drawn[^at] = true
		} else {
			dirty[at/BlockSize] |= 1 << (at % BlockSize)
		}
	}
	for block, nodes := range dirty {
		if nodes != 0 {
			sh.judge(s, s.Blocks[block], nodes)
		}
	}
	if len(sh.mu.plan.shared) > 0 {
		for domain := range drawn {
			sh.sway(s, domain)
		}
	}
	return true
}

// learn makes a new plan and holds all nodes against it; false when the plan has
// more rules than can be told apart.
func (sh *shape) learn(e *Engine, q *Query, s *State) bool {
	lasting := *q
	lasting.State = q.State.withoutNodes() // or the plan would keep the snapshot alive
	// Looked up now, for s is frozen: a name not found is on no node of it.
	sh.mu.unmet = unmet{count: s.names.count()}
	lasting.State.unmet = &sh.mu.unmet
	lasting.lookUp(lasting.State)
	lasting.State.Domains = s.Domains // by name, while s is lent
	sh.mu.plan = e.Prepare(&lasting)
	lasting.State.unmet, lasting.State.Domains = nil, nil
	if len(sh.mu.plan.rules) > math.MaxUint8+1 {
		return false
	}
	sh.mu.Findings = Findings{turnedAway: make([]int, len(sh.mu.plan.rules))}
	sh.mu.judged = make([]judged, len(s.Blocks))
	sh.mu.cells, sh.mu.passedAt = cells{}, nil
	if len(sh.mu.plan.gates)+len(sh.mu.plan.regional) > 0 {
		sh.mu.cells, sh.mu.passedAt = newCells(s), make([]int32, len(s.Places))
	}
	n := sh.mu.cells.count(len(s.Blocks))
	sh.mu.leaders = make([]candidate, n)
	sh.mu.peaks, sh.mu.hopes = make([]float32, n), make([]float32, n)
	for c := range n {
		sh.mu.leaders[c].node = none
		sh.mu.peaks[c], sh.mu.hopes[c] = hopeless, hopeless
	}
	if !sh.mu.thorough {
		sh.mu.bar = math.MaxFloat32 // nobody is asked before it is known who has hopes
	}
	for block, b := range s.Blocks {
		sh.outlast(s, block)
		sh.judge(s, b, ^uint64(0))
	}
	sh.mu.basis = q.basis()
	return true
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

// withoutNodes returns s to look names up in.
func (s *State) withoutNodes() *State {
	c := *s
	c.Blocks, c.Domains, c.Groups, c.changes = nil, nil, nil, changes{}
	return &c
}
