package placement

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/auspex-project/auspex/workload"
)

// CompareShape reports where the answers from what is known of w's shape, as a large
// fleet gets them and thorough ones, differ from that of a scan of the same state, and
// whether anything was known.
func (s *Service) CompareShape(w *workload.Workload, most int) (known bool, err error) {
	s.ledger.mu.Lock()
	s.ledger.follow(w)
	s.ledger.mu.Unlock()
	for _, thorough := range []bool{false, true} {
		if known, err := s.compareShape(w, most, thorough); !known || err != nil {
			return known, err
		}
	}
	return true, nil
}

func (s *Service) compareShape(w *workload.Workload, most int, thorough bool) (known bool, err error) {
	asked := s.ledger.latest()
	defer asked.done()
	q, err := newQuery(asked, w, w.Class, s.forecast(w, time.Now()), time.Now())
	if err != nil {
		return false, err
	}
	sh := s.shapes.find(q)
	if sh == nil {
		return false, nil
	}
	_, state, fromShape, ok := sh.search(s.shapes, q, s.ledger.latest, most, thorough)
	if !ok {
		return true, fmt.Errorf("the state changed beside the test")
	}
	defer state.done()
	scanned := s.engine.prepare(q).scan(state, most, true)
	if thorough && !reflect.DeepEqual(fromShape, scanned) {
		return true, fmt.Errorf("%+v, scanned %+v", fromShape, scanned)
	}
	return true, agree(fromShape, scanned)
}

// ComparePreemption reports where the advice on what would make room for w differs from
// that of trying all there is to try.
func (s *Service) ComparePreemption(w *workload.Workload) error {
	state := s.ledger.latest()
	defer state.done()
	q, err := newQuery(state, w, w.Class, s.forecast(w, time.Now()), time.Now())
	if err != nil {
		return err
	}
	p := s.engine.prepare(q)
	if got, want := p.preemption(state), p.tryAll(state); !reflect.DeepEqual(got, want) {
		return fmt.Errorf("%+v, all tried %+v", got, want)
	}
	return nil
}

// tryAll is preemption without any shortcut.
func (p *plan) tryAll(s *State) *Preemption {
	if p.query.Policy.Tier != workload.Guaranteed {
		return nil
	}
	var best *yield
	tried := 0
	for node := range len(s.Blocks) * BlockSize {
		b, i := s.peek(node)
		yielding := s.revocable(b.Occupants[i].Members)
		if p.couldYield(s, b)>>i&1 == 0 || len(yielding) == 0 {
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
	out := &Preemption{Node: s.name(best.node)}
	for _, v := range best.victims {
		out.Victims = append(out.Victims, Victim{v.ID, v.class})
	}
	return out
}

// fewestOfAll returns the first that suffices alone, else, in their order, those of all
// that cannot stay.
func (p *plan) fewestOfAll(s *State, node int, yielding []*Member) []*Member {
	allowed := func(gone []*Member) bool {
		trial := s.trial()
		for _, m := range gone {
			trial.take(node, m.ID)
		}
		return p.allows(trial, node)
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

// UpdateLate brings what is known of w's shape up to date with the state as it is before
// something happens meanwhile, which another has looked at by then.
func (s *Service) UpdateLate(w *workload.Workload, meanwhile func()) error {
	before := s.ledger.latest()
	defer before.done()
	q, err := newQuery(before, w, w.Class, s.forecast(w, time.Now()), time.Now())
	if err != nil {
		return err
	}
	sh := s.shapes.find(q)
	if sh == nil || sh.mu.plan == nil {
		return fmt.Errorf("nothing is known of %s", w.ID)
	}
	state, rows := s.shapes.recent.latest(s.ledger.latest)
	defer state.done()
	meanwhile()
	later, _ := s.shapes.recent.latest(s.ledger.latest)
	later.done()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if !sh.knows(q, state) {
		return fmt.Errorf("what is known of %s does not count", w.ID)
	}
	if !sh.update(s.shapes.recent, state, rows) {
		return fmt.Errorf("too much has changed since %s was known", w.ID)
	}
	sh.mu.upTo, sh.mu.rows = state.changes.count(), rows
	return nil
}

// Lent returns how many are reading states of the fleet.
func (s *Service) Lent() (readers int) {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	for _, l := range s.ledger.mu.loans.out {
		readers += int(l.readers.Load())
	}
	return readers
}

// agree reports where findings that outrank nodes contradict thorough ones.
func agree(some, all findings) error {
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

// CompareScans reports where a scan of the fleet for w that outranks nodes differs
// from a thorough one, and how many nodes it outranked.
func (s *Service) CompareScans(w *workload.Workload, most int) (outranked int, err error) {
	state := s.ledger.latest()
	defer state.done()
	q, err := newQuery(state, w, w.Class, s.forecast(w, time.Now()), time.Now())
	if err != nil {
		return 0, err
	}
	p := s.engine.prepare(q)
	all := p.scan(state, most, true)
	if err := agree(p.scan(state, most, false), all); err != nil {
		return 0, err
	}
	terrain := p.survey(state)
	u, late := s.shapes.sieves.sift(p, state, terrain)
	if u == nil {
		return 0, fmt.Errorf("no bounds: late %v", late)
	}
	for node, bound := range u.of {
		b, i := state.peek(node)
		if !p.allows(state, node) {
			continue
		}
		if _, score := p.lines(state, node); score > float64(bound) {
			return 0, fmt.Errorf("%s scores %g, over its bound of %g", b.Node[i].Name, score, bound)
		}
	}
	some := p.ask(state, terrain, u, most)
	return some.outranked, agree(some, all)
}

// Learned returns what tells one plan for the shape of w from the next: all nodes
// have been held against each. nil while nothing is known of the shape.
func (s *Service) Learned(w *workload.Workload) any {
	state := s.ledger.latest()
	defer state.done()
	q, err := newQuery(state, w, w.Class, s.forecast(w, time.Now()), time.Now())
	if err != nil {
		return nil
	}
	sh := s.shapes.find(q)
	if sh == nil || sh.mu.plan == nil {
		return nil
	}
	return sh.mu.plan
}

// Shapes returns how many shapes are kept.
func (s *Service) Shapes() int {
	s.shapes.mu.Lock()
	defer s.shapes.mu.Unlock()
	return s.shapes.mu.recent.Len()
}

const MaxShapes = maxShapes

// CheckGroups reports the first group whose count differs from one made anew.
func (s *Service) CheckGroups() error {
	state := s.ledger.latest()
	defer state.done()
	for i, g := range state.Groups {
		if g == nil || g.Repels != "" {
			continue
		}
		if anew := state.gather(g.Peers); g.total != anew.total || !slices.Equal(g.nodes, anew.nodes) || !slices.Equal(g.places, anew.places) {
			return fmt.Errorf("group %d, %+v: %d on %v, counted anew %d on %v", i, g.Peers, g.total, g.nodes, anew.total, anew.nodes)
		}
	}
	return nil
}

// Groups returns how many positions groups take.
func (s *Service) Groups() int {
	state := s.ledger.latest()
	defer state.done()
	return len(state.Groups)
}

// Vocabularies returns how many the decisions kept are told in.
func (s *Service) Vocabularies() int {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	return len(s.book.mu.written.words.numbers)
}

// Deadlines returns how many reservations are waited for to end.
func (s *Service) Deadlines() int {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	return len(s.ledger.mu.deadlines.holds)
}
