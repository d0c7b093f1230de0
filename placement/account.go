package placement

import (
	"math"
	"slices"
	"sync"
)

// vocabulary is what all decisions by one plan say alike. Nobody may change one.
type vocabulary struct {
	rules   []Rejection // of no nodes
	scorers []ScoreLine // with their weights alone
	parts   []float64   // points of a value of 1, by scorer
}

func newVocabulary(p *plan) *vocabulary {
	v := &vocabulary{
		rules:   make([]Rejection, len(p.rules)),
		scorers: make([]ScoreLine, len(p.measures)),
		parts:   make([]float64, len(p.measures)),
	}
	for i, r := range p.rules {
		v.rules[i] = Rejection{Filter: r.filter, Reason: r.Reason, Preemptible: r.Preemptible}
	}
	for i := range p.measures {
		m := &p.measures[i]
		v.scorers[i] = ScoreLine{Scorer: m.scorer.Name(), Unit: m.scorer.Unit(), Weight: m.weight}
		v.parts[i] = float64(m.part)
	}
	return v
}

func (v *vocabulary) equal(o *vocabulary) bool {
	return slices.Equal(v.rules, o.rules) && slices.Equal(v.scorers, o.scorers) && slices.Equal(v.parts, o.parts)
}

// sharedWords remembers vocabularies, so that requests that differ in what their rules
// do not say share one copy. It is bounded: of two that want one place the later is kept.
type sharedWords struct {
	mu struct {
		sync.Mutex
		known [1 << 8]*vocabulary
	}
}

// share returns v, or what was given earlier and says the same.
func (k *sharedWords) share(v *vocabulary) *vocabulary {
	h := uint64(len(v.rules))
	for i := range v.rules {
		h = (h ^ uint64(tagOf(v.rules[i].Reason))) * 0x9e3779b97f4a7c15
	}
	for _, part := range v.parts {
		h = (h ^ math.Float64bits(part)) * 0x9e3779b97f4a7c15
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	known := &k.mu.known[h>>32%uint64(len(k.mu.known))]
	if *known == nil || !(*known).equal(v) {
		*known = v
	}
	return *known
}

// account is how a decision came about, in the least room, until somebody asks
// for it in words.
type account struct {
	words      *vocabulary
	turnedAway []int     // nodes, by rule
	candidates []string  // the chosen node and those next to it
	measured   []float32 // for each of these and each scorer the raw value and the value
}

// rejections says how many nodes each rule turned away.
func (a *account) rejections() []Rejection {
	if a.words == nil {
		return nil
	}
	out := slices.Clone(a.words.rules)
	for i := range out {
		out[i].Nodes = a.turnedAway[i]
	}
	return out
}

// candidate explains the score of the i-th candidate.
func (a *account) candidate(i int) Candidate {
	n := len(a.words.scorers)
	c := Candidate{Node: a.candidates[i], Scores: slices.Clone(a.words.scorers)}
	for k := range c.Scores {
		at, line := 2*(i*n+k), &c.Scores[k]
		line.Raw, line.Value = float64(a.measured[at]), float64(a.measured[at+1])
		line.Points = a.words.parts[k] * line.Value
		c.Score += line.Points
	}
	return c
}

// score is that of candidate(i).
func (a *account) score(i int) (sum float64) {
	n := len(a.words.scorers)
	for k, part := range a.words.parts {
		sum += part * float64(a.measured[2*(i*n+k)+1])
	}
	return sum
}

// measure notes what the best nodes were measured at.
func (p *plan) measure(s *State, best []candidate, a *account) {
	n := len(p.measures)
	a.candidates = make([]string, len(best))
	a.measured = make([]float32, 2*len(best)*n)
	l := scratch.Get().(*lanes)
	defer scratch.Put(l)
	for k := range p.measures {
		m := &p.measures[k]
		t := m.survey(s)
		for i, c := range best {
			b, at := s.peek(c.node)
			raw, value := m.of(s, b, at, t, l)
			a.measured[2*(i*n+k)], a.measured[2*(i*n+k)+1] = raw, value
		}
		t.done()
	}
	for i, c := range best {
		a.candidates[i] = s.name(c.node)
	}
}

// whole returns the decision with the workload under its id.
func (v *verdict) whole() Decision {
	d := v.Decision
	if v.description != nil {
		w := v.description.of(v.workload)
		d.Workload = &w
	}
	return d
}

// told returns the decision with all there is to say about it, and up to as many
// alternatives.
func (v *verdict) told(alternatives int) Decision { return v.tell(v.whole(), alternatives) }

// tell adds to d, which is v's, all there is to say about it.
func (v *verdict) tell(d Decision, alternatives int) Decision {
	d.Rejections = v.account.rejections()
	if len(v.account.candidates) == 0 {
		return d
	}
	d.Scores = v.account.candidate(0).Scores
	if n := min(alternatives, len(v.account.candidates)-1); n > 0 {
		d.Alternatives = make([]Candidate, n)
		for i := range d.Alternatives {
			d.Alternatives[i] = v.account.candidate(i + 1)
		}
	}
	return d
}
