package placement

import (
	"cmp"
	"slices"
)

// Engine holds a query against every node of a state. It is pure: what it remembers
// changes no answer.
type Engine struct {
	filters []Filter
	scorers []Scorer
	words   sharedWords
	shapes  *shapes
}

// NewEngine returns an engine that asks filters and scorers in their order: cheap and
// decisive filters first. It is safe for concurrent use on states frozen from one Living;
// another fleet wants another engine.
func NewEngine(filters []Filter, scorers []Scorer) *Engine {
	e := &Engine{filters: filters, scorers: scorers}
	e.shapes = newShapes(e)
	return e
}

// Search finds the best nodes for q, as many as most, on q.State or on what latest
// lends, and returns the state it looked at, still lent. q.State, where it is not that
// one, is given back; where q was made ready for a later one, that is q.State then.
// thorough asks for exact counts of the nodes that each rule turns away.
func (e *Engine) Search(q *Query, latest func() *State, most int, thorough bool) (*Plan, *State, Findings) {
	return e.shapes.search(q, latest, most, thorough)
}

// Plan is a query's rules and measures, ready for the scan.
type Plan struct {
	Query    *Query
	rules    []plannedRule
	measures []plannedMeasure // in the order of the scorers
	words    *Vocabulary

	changing []int     // positions of the rules that are not lasting
	shared   []int     // of those that go by power domains
	costly   int       // position of the first rule that is, len(rules) without one
	lasting  []weighed // the measures that count: those that last,
	plain    []weighed // those without bounds, the weightiest first,
	bounded  []weighed // and with
	rest     []float32 // the points still to be had after as many of plain
	regional []weighed // the measures of which part depends on places
	gates    []gated
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

// Prepare makes q ready and tells it which measure chooses devices. What a filter
// demands nothing of still gets a line, so that every answer lists the same filters.
func (e *Engine) Prepare(q *Query) *Plan {
	p := &Plan{Query: q, rules: make([]plannedRule, 0, len(e.filters)+8), measures: make([]plannedMeasure, 0, len(e.scorers))}
	e.weigh(p, q)
	for _, f := range e.filters {
		rules := f.Prepare(q)
		if len(rules) == 0 {
			rules = []Rule{{Reason: "not asked for"}}
		}
		for _, r := range rules {
			if r.Check != nil && !r.Lasting {
				p.changing = append(p.changing, len(p.rules))
			}
			if r.Check != nil && r.Shared {
				p.shared = append(p.shared, len(p.rules))
			}
			if r.Gate != nil {
				p.gates = append(p.gates, gated{r.Gate, len(p.rules)})
			}
			p.rules = append(p.rules, plannedRule{r, f.Name()})
		}
	}
	p.costly = slices.IndexFunc(p.rules, func(r plannedRule) bool { return r.Costly })
	if p.costly < 0 {
		p.costly = len(p.rules)
	}
	p.words = e.words.share(newVocabulary(p))
	return p
}

// of returns p for another query that calls for the same plan.
func (p Plan) of(q *Query) *Plan {
	q.chooser, q.Models = p.Query.chooser, p.Query.Models
	p.Query = q
	return &p
}

// weigh prepares the measures, and finds the one that chooses devices: rules may
// ask for its choice.
func (e *Engine) weigh(p *Plan, q *Query) {
	sum, chosenBy := 0.0, 0.0
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
		if c, ok := m.measure.(Chooser); ok && m.weight > chosenBy {
			q.chooser, chosenBy = c, m.weight
		}
		if r, ok := m.measure.(Regional); ok {
			p.regional = append(p.regional, weighed{r, m.part})
			if !r.Local() {
				continue
			}
		}
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
	slices.SortStableFunc(p.plain, func(a, b weighed) int { return cmp.Compare(b.part, a.part) })
	rest := float32(rounding)
	for _, m := range p.bounded {
		rest += 100 * m.part
	}
	p.rest = make([]float32, len(p.plain)+1)
	p.rest[len(p.plain)] = rest
	for i := range slices.Backward(p.plain) {
		rest += 100 * p.plain[i].part
		p.rest[i] = rest
	}
}

// rounding is more than all the roundings of a score, in points: what is held
// against a bar before it is summed up gets it on top.
const rounding = 1e-3

// Allows reports whether one node passes every rule.
func (p *Plan) Allows(s *State, node int) bool {
	b, i := s.Peek(node)
	candidates := b.Live & (1 << i)
	for k := range p.rules {
		if check := p.rules[k].Check; check != nil && candidates != 0 {
			candidates = check.Pass(s, b, candidates)
		}
	}
	if candidates == 0 {
		return false
	}
	for _, g := range p.gates {
		if p.rules[g.rule].breaks(s, b, i) {
			return false
		}
	}
	return true
}

// survey returns what m says of places, nil where it says nothing.
func (m *plannedMeasure) survey(s *State) *terrain {
	r, ok := m.measure.(Regional)
	if !ok {
		return nil
	}
	t := newTerrain(len(s.Places))
	r.Survey(s, t.raw, t.value)
	return t
}

// of returns what was measured of node i of b, where it stands, as surveyed, included.
func (m *plannedMeasure) of(s *State, b *Block, i int, surveyed *terrain, l *lanes) (raw, value float32) {
	if m.measure == nil {
		return 0, 0
	}
	m.measure.Score(s, b, 1<<i, &l.raw, &l.value)
	raw, value = l.raw[i], l.value[i]
	if surveyed != nil {
		raw += surveyed.raw[b.Place[i]]
		value += surveyed.value[b.Place[i]]
	}
	return raw, value
}

// Scores explains the score of one node.
func (p *Plan) Scores(s *State, node int) (lines []ScoreLine, sum float64) {
	b, i := s.Peek(node)
	l := scratch.Get().(*lanes)
	defer scratch.Put(l)
	lines = make([]ScoreLine, len(p.measures))
	for k := range p.measures {
		pm := &p.measures[k]
		line := ScoreLine{Scorer: pm.scorer.Name(), Unit: pm.scorer.Unit(), Weight: pm.weight}
		surveyed := pm.survey(s)
		raw, value := pm.of(s, b, i, surveyed, l)
		surveyed.done()
		line.Raw, line.Value = float64(raw), float64(value)
		line.Points = float64(pm.part) * line.Value
		sum += line.Points
		lines[k] = line
	}
	return lines, sum
}

// breaks reports whether node i of b breaks r.
func (r *Rule) breaks(s *State, b *Block, i int) bool {
	if r.Gate != nil {
		t := newTerrain(len(s.Places))
		defer t.done()
		clear(t.shut)
		r.Gate.Shut(s, t.shut)
		return t.shut[b.Place[i]]
	}
	return r.Check != nil && r.Check.Pass(s, b, 1<<i) == 0
}

// Broken returns every rule that one node breaks.
func (p *Plan) Broken(s *State, node int) []Rejection {
	b, i := s.Peek(node)
	var rejections []Rejection
	for _, r := range p.rules {
		if r.breaks(s, b, i) {
			rejections = append(rejections, Rejection{r.filter, r.Reason, 1, r.Preemptible})
		}
	}
	return rejections
}
