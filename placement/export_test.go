package placement

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/auspex-project/auspex/workload"
)

// CompareShape reports where the answer from what is known of the shape of q, as a large
// fleet gets it or a thorough one, differs from that of a scan of the same state, and
// whether anything was known.
func (e *Engine) CompareShape(q *Query, latest func() *State, most int, thorough bool) (known bool, err error) {
	sh := e.shapes.find(q)
	if sh == nil {
		return false, nil
	}
	_, state, fromShape, ok := sh.search(e.shapes, q, latest, most, thorough)
	if !ok {
		return true, fmt.Errorf("the state changed beside the test")
	}
	defer state.Done()
	scanned := e.Prepare(q).scan(state, most, true)
	if thorough && !reflect.DeepEqual(fromShape, scanned) {
		return true, fmt.Errorf("%+v, scanned %+v", fromShape, scanned)
	}
	return true, agree(fromShape, scanned)
}

// ComparePreemption reports where the advice on what would make room for q differs from
// that of trying all there is to try.
func (e *Engine) ComparePreemption(q *Query) error {
	p := e.Prepare(q)
	if got, want := p.Preemption(q.State), p.tryAll(q.State); !reflect.DeepEqual(got, want) {
		return fmt.Errorf("%+v, all tried %+v", got, want)
	}
	return nil
}

// tryAll is preemption without any shortcut.
func (p *Plan) tryAll(s *State) *Preemption {
	if p.Query.Policy.Tier != workload.Guaranteed {
		return nil
	}
	var best *yield
	tried := 0
	for node := range len(s.Blocks) * BlockSize {
		b, i := s.Peek(node)
		yielding := s.revocable(b.Occupants[i].Members)
		if !p.couldEver(s, b, i) || len(yielding) == 0 {
			continue
		}
		if tried++; tried > maxPreempted {
			break
		}
		y := &yield{node: node, rank: b.Rank[i], victims: p.fewestOfAll(s, node, yielding)}
		y.weigh(s.Policy)
		if y.victims != nil && (best == nil || y.better(best)) {
			best = y
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

// couldEver reports whether node i of b breaks only rules that less work could satisfy.
func (p *Plan) couldEver(s *State, b *Block, i int) bool {
	return b.Live>>i&1 == 1 && !slices.ContainsFunc(p.rules, func(r plannedRule) bool { return !r.Preemptible && r.breaks(s, b, i) })
}

// fewestOfAll returns the first that suffices alone, else, in their order, those of all
// that cannot stay.
func (p *Plan) fewestOfAll(s *State, node int, yielding []*Member) []*Member {
	allowed := func(gone []*Member) bool {
		trial := s.trial()
		for _, m := range gone {
			trial.Take(node, m.ID)
		}
		return p.Allows(trial, node)
	}
	for _, m := range yielding {
		if allowed([]*Member{m}) {
			return []*Member{m}
		}
	}
	gone := yielding[:0:0]
	for _, m := range yielding {
		if gone = append(gone, m); allowed(gone) {
			break
		}
	}
	if !allowed(gone) {
		return nil
	}
	victims := slices.Clone(gone)
	for _, m := range gone {
		without := slices.DeleteFunc(slices.Clone(victims), func(v *Member) bool { return v == m })
		if allowed(without) {
			victims = without
		}
	}
	return victims
}

// UpdateLate brings what is known of the shape of q up to date with the state as it is
// before something happens meanwhile, which another has looked at by then.
func (e *Engine) UpdateLate(q *Query, latest func() *State, meanwhile func()) error {
	sh := e.shapes.find(q)
	if sh == nil || sh.mu.plan == nil {
		return fmt.Errorf("nothing is known of %s", q.Workload.ID)
	}
	state, rows := e.shapes.recent.latest(latest)
	defer state.Done()
	meanwhile()
	later, _ := e.shapes.recent.latest(latest)
	later.Done()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if !sh.knows(q, state) {
		return fmt.Errorf("what is known of %s does not count", q.Workload.ID)
	}
	if !sh.update(e.shapes.recent, state, rows) {
		return fmt.Errorf("too much has changed since %s was known", q.Workload.ID)
	}
	sh.mu.upTo, sh.mu.rows = state.changes.count(), rows
	return nil
}

// agree reports where findings that outrank nodes contradict thorough ones.
func agree(some, all Findings) error {
	turnedAway := 0
	for i, n := range some.turnedAway {
		if turnedAway += n; n > all.turnedAway[i] {
			return fmt.Errorf("rule %d turned away %d nodes, thoroughly %d", i, n, all.turnedAway[i])
		}
	}
	switch {
	case !reflect.DeepEqual(all.best, some.best):
		return fmt.Errorf("the best are %v, thoroughly %v", some.best, all.best)
	case some.considered != all.considered || some.feasible+some.outranked+turnedAway != all.considered:
		return fmt.Errorf("of %d nodes %d are feasible, %d outranked, %d turned away", all.considered, some.feasible, some.outranked, turnedAway)
	case some.feasible > all.feasible || all.feasible == 0 && some.outranked > 0 || all.outranked > 0:
		return fmt.Errorf("%d feasible and %d outranked, thoroughly %d and %d", some.feasible, some.outranked, all.feasible, all.outranked)
	}
	return nil
}

// CompareScans reports where a scan of the fleet for q that outranks nodes differs
// from a thorough one, and how many nodes it outranked.
func (e *Engine) CompareScans(q *Query, most int) (outranked int, err error) {
	state := q.State
	p := e.Prepare(q)
	all := p.scan(state, most, true)
	if err := agree(p.scan(state, most, false), all); err != nil {
		return 0, err
	}
	terrain := p.survey(state)
	u, late := e.shapes.sieves.sift(p, state, terrain)
	if u == nil {
		return 0, fmt.Errorf("no bounds: late %v", late)
	}
	for node, bound := range u.of {
		b, i := state.Peek(node)
		if !p.Allows(state, node) {
			continue
		}
		if _, score := p.Scores(state, node); score > float64(bound) {
			return 0, fmt.Errorf("%s scores %g, over its bound of %g", b.Node[i].Name, score, bound)
		}
	}
	some := p.ask(state, terrain, u, most)
	return some.outranked, agree(some, all)
}

// Learned returns what tells one plan for the shape of q from the next: all nodes
// have been held against each. nil while nothing is known of the shape.
func (e *Engine) Learned(q *Query) any {
	sh := e.shapes.find(q)
	if sh == nil || sh.mu.plan == nil {
		return nil
	}
	return sh.mu.plan
}

// Shapes returns how many shapes are kept.
func (e *Engine) Shapes() int {
	e.shapes.mu.Lock()
	defer e.shapes.mu.Unlock()
	return e.shapes.mu.recent.Len()
}

const MaxShapes = maxShapes

// CheckGroups reports the first group whose count differs from one made anew.
func (s *State) CheckGroups() error {
	for i, g := range s.Groups {
		if g == nil || g.Repels != "" {
			continue
		}
		if anew := s.gather(g.Peers); g.total != anew.total || !slices.Equal(g.nodes, anew.nodes) || !slices.Equal(g.places, anew.places) {
			return fmt.Errorf("group %d, %+v: %d on %v, counted anew %d on %v", i, g.Peers, g.total, g.nodes, anew.total, anew.nodes)
		}
	}
	return nil
}
