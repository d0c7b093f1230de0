package placement

import (
	"math/bits"
	"sync"
)

// engine holds a query against every node of a state. It is immutable and pure.
type engine struct {
	filters []Filter
	scorers []Scorer
}

// plan is a query's rules and measures, ready for the scan.
type plan struct {
	query    *Query
	rules    []plannedRule
	measures []plannedMeasure // in the order of the scorers
	words    *vocabulary

	changing []int     // positions of the rules that are not lasting
	lasting  []weighed // the measures that count: those that last,
	plain    []weighed // those without bounds
	bounded  []weighed // and with
}

// weighed is a measure that counts, and the points a value of 1 brings.
type weighed struct {
	Measure
	part float32
}

type plannedRule struct {
	Rule
	filter string
}

type plannedMeasure struct {
	measure Measure // nil: the wish does not concern the query
	scorer  Scorer
	weight  float64
	part    float32 // weight over the sum of all weights
}

// prepare makes q ready. What a filter demands nothing of still gets a line, so
// that every answer lists the same filters.
func (e *engine) prepare(q *Query) *plan {
	p := &plan{query: q, rules: make([]plannedRule, 0, len(e.filters)+8), measures: make([]plannedMeasure, 0, len(e.scorers))}
	for _, f := range e.filters {
		rules := f.Prepare(q)
		if len(rules) == 0 {
			rules = []Rule{{Reason: "not asked for"}}
		}
		for _, r := range rules {
			if r.Check != nil && !r.Lasting {
				p.changing = append(p.changing, len(p.rules))
			}
			p.rules = append(p.rules, plannedRule{r, f.Name()})
		}
	}
	sum := 0.0
	for _, s := range e.scorers {
		w := q.State.Policy.Weights.of(q.Policy.Class, s.Name(), s.DefaultWeight())
		p.measures = append(p.measures, plannedMeasure{measure: s.Prepare(q), scorer: s, weight: w})
		sum += w
	}
	for i := range p.measures {
		m := &p.measures[i]
		if m.weight == 0 {
			continue
		}
		m.part = float32(m.weight / sum)
		switch m.measure.(type) {
		case nil:
		case Lasting:
			p.lasting = append(p.lasting, weighed{m.measure, m.part})
		case Bounded:
			p.bounded = append(p.bounded, weighed{m.measure, m.part})
		default:
			p.plain = append(p.plain, weighed{m.measure, m.part})
		}
	}
	p.words = newVocabulary(p)
	return p
}

// findings is what a scan leaves behind.
type findings struct {
	best       []candidate // best first, at most as many as asked for
	turnedAway []int       // by rule: nodes it was the first to turn away
	considered int
	feasible   int
}

// candidate is a node that passed every rule.
type candidate struct {
	node  int
	score float32
	rank  uint64
}

// before orders candidates: the higher score, then the lower rank, then the
// earlier node.
func (c candidate) before(o candidate) bool {
	switch {
	case c.score != o.score:
		return c.score > o.score
	case c.rank != o.rank:
		return c.rank < o.rank
	}
	return c.node < o.node
}

// lanes is the scratch space of a scan.
type lanes struct{ raw, value, total, bound Lane }

var scratch = sync.Pool{New: func() any { return new(lanes) }}

// scan looks at every node of s and returns the most best ones.
func (p *plan) scan(s *State, most int) findings {
	f := findings{turnedAway: make([]int, len(p.rules)), best: make([]candidate, 0, most+1)}
	l := scratch.Get().(*lanes)
	defer scratch.Put(l)
	for bi, b := range s.Blocks {
		f.considered += bits.OnesCount64(b.Live)
		passed := p.filter(s, b, b.Live, f.turnedAway, nil)
		if passed == 0 {
			continue
		}
		f.feasible += bits.OnesCount64(passed)
		p.outlast(s, b, passed, l)
		for m := p.score(s, b, passed, l, f.bar(most)); m != 0; m &= m - 1 {
			i := bits.TrailingZeros64(m)
			f.offer(candidate{bi*BlockSize + i, l.total[i], b.Rank[i]}, most)
		}
	}
	return f
}

// filter returns those of candidates that pass every rule. It counts the others
// by the first rule that turned them away, which it notes in by unless that is
// nil.
func (p *plan) filter(s *State, b *Block, candidates uint64, turnedAway []int, by *[BlockSize]uint8) uint64 {
	for i := range p.rules {
		check := p.rules[i].Check
		if check == nil {
			continue
		}
		passed := check.Pass(s, b, candidates)
		if passed != candidates {
			turnedAway[i] += bits.OnesCount64(candidates &^ passed)
			if by != nil {
				for m := candidates &^ passed; m != 0; m &= m - 1 {
					by[bits.TrailingZeros64(m)] = uint8(i)
				}
			}
			candidates = passed
			if candidates == 0 {
				break
			}
		}
	}
	return candidates
}

// outlast writes to l.total the points of candidates that last.
func (p *plan) outlast(s *State, b *Block, candidates uint64, l *lanes) {
	l.total.clear(candidates)
	for i := range p.lasting {
		p.lasting[i].Score(s, b, candidates, &l.raw, &l.value)
		l.total.add(candidates, &l.value, p.lasting[i].part)
	}
}

// score adds to l.total, which holds what lasts, the other points of those of
// candidates that could reach the bar, and returns these. Adding and scaling round alike for a value and for its
// bound, so a node held back could not have reached it.
func (p *plan) score(s *State, b *Block, candidates uint64, l *lanes, bar float32) uint64 {
	for i := range p.plain {
		p.plain[i].Score(s, b, candidates, &l.raw, &l.value)
		l.total.add(candidates, &l.value, p.plain[i].part)
	}
	if len(p.bounded) == 0 {
		return candidates
	}
	if bar > 0 {
		l.bound = l.total
		for i := range p.bounded {
			p.bounded[i].Measure.(Bounded).Bound(s, b, candidates, &l.value)
			l.bound.add(candidates, &l.value, p.bounded[i].part)
		}
		for m := candidates; m != 0; m &= m - 1 {
			if k := bits.TrailingZeros64(m) & (BlockSize - 1); l.bound[k] < bar {
				candidates &^= 1 << k
			}
		}
	}
	for i := range p.bounded {
		p.bounded[i].Score(s, b, candidates, &l.raw, &l.value)
		l.total.add(candidates, &l.value, p.bounded[i].part)
	}
	return candidates
}

func (l *Lane) clear(nodes uint64) {
	for m := nodes; m != 0; m &= m - 1 {
		l[bits.TrailingZeros64(m)&(BlockSize-1)] = 0
	}
}

func (l *Lane) add(nodes uint64, values *Lane, part float32) {
	for m := nodes; m != 0; m &= m - 1 {
		k := bits.TrailingZeros64(m) & (BlockSize - 1)
		l[k] += part * values[k]
	}
}

// bar returns the score a candidate needs to be among the most best, 0 while any
// will do.
func (f *findings) bar(most int) float32 {
	if len(f.best) < most {
		return 0
	}
	return f.best[most-1].score
}

// offer keeps c if it is among the most best so far.
func (f *findings) offer(c candidate, most int) {
	if len(f.best) == most && !c.before(f.best[most-1]) {
		return
	}
	if len(f.best) < most {
		f.best = append(f.best, c)
	} else {
		f.best[most-1] = c
	}
	for i := len(f.best) - 1; i > 0 && f.best[i].before(f.best[i-1]); i-- {
		f.best[i], f.best[i-1] = f.best[i-1], f.best[i]
	}
}

// allows reports whether one node passes every rule.
func (p *plan) allows(s *State, node int) bool {
	b, i := s.peek(node)
	return p.filter(s, b, b.Live&(1<<i), make([]int, len(p.rules)), nil) != 0
}

// lines explains the score of one node.
func (p *plan) lines(s *State, node int) (lines []ScoreLine, sum float64) {
	b, i := s.peek(node)
	l := scratch.Get().(*lanes)
	defer scratch.Put(l)
	lines = make([]ScoreLine, len(p.measures))
	for k := range p.measures {
		pm := &p.measures[k]
		line := ScoreLine{Scorer: pm.scorer.Name(), Unit: pm.scorer.Unit(), Weight: pm.weight}
		if pm.measure != nil {
			pm.measure.Score(s, b, 1<<i, &l.raw, &l.value)
			line.Raw, line.Value = float64(l.raw[i]), float64(l.value[i])
		}
		line.Points = float64(pm.part) * line.Value
		sum += line.Points
		lines[k] = line
	}
	return lines, sum
}

// broken returns every rule that one node breaks.
func (p *plan) broken(s *State, node int) []Rejection {
	b, i := s.peek(node)
	var rejections []Rejection
	for _, r := range p.rules {
		if r.Check != nil && r.Check.Pass(s, b, 1<<i) == 0 {
			rejections = append(rejections, Rejection{r.filter, r.Reason, 1, r.Preemptible})
		}
	}
	return rejections
}
