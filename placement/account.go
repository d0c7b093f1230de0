package placement

import (
	"math"
	"slices"
	"sync"
)

// Candidate is a node that would do.
type Candidate struct {
	Node   string
	Score  float64
	Scores []ScoreLine
}

// ScoreLine is one scorer's part in a node's score:
// Points = Value x Weight / sum of all weights.
type ScoreLine struct {
	Scorer string
	Raw    float64 // what was measured, in Unit
	Unit   string
	Value  float64 // Raw on the common scale of 0 (worst) to 100 (best)
	Weight float64
	Points float64
}

// Formula says how the points of ScoreLine come about.
const Formula = "score = sum over scorers of value x weight / sum of weights; value is 0 to 100, and 0 on every node from a wish the request does not have: compare nodes, not requests; ties go to the node of lower seeded rank"

// Rejection counts the nodes one rule turned away.
type Rejection struct {
	Filter      string
	Reason      string
	Nodes       int
	Preemptible bool // pausing or moving other work could help
}

// Vocabulary is what all decisions by one plan say alike. Nobody may change one.
type Vocabulary struct {
	Rules   []Rejection // of no nodes
	Scorers []ScoreLine // with their weights alone
	Parts   []float64   // points of a value of 1, by scorer
}

func newVocabulary(p *Plan) *Vocabulary {
	v := &Vocabulary{
		Rules:   make([]Rejection, len(p.rules)),
		Scorers: make([]ScoreLine, len(p.measures)),
		Parts:   make([]float64, len(p.measures)),
	}
	for i, r := range p.rules {
		v.Rules[i] = Rejection{Filter: r.filter, Reason: r.Reason, Preemptible: r.Preemptible}
	}
	for i := range p.measures {
		m := &p.measures[i]
		v.Scorers[i] = ScoreLine{Scorer: m.scorer.Name(), Unit: m.scorer.Unit(), Weight: m.weight}
		v.Parts[i] = float64(m.part)
	}
	return v
}

func (v *Vocabulary) equal(o *Vocabulary) bool {
	return slices.Equal(v.Rules, o.Rules) && slices.Equal(v.Scorers, o.Scorers) && slices.Equal(v.Parts, o.Parts)
}

// sharedWords remembers vocabularies, so that requests that differ in what their rules
// do not say share one copy. It is bounded: of two that want one place the later is kept.
type sharedWords struct {
	mu struct {
		sync.Mutex
		known [1 << 8]*Vocabulary
	}
}

// share returns v, or what was given earlier and says the same.
func (k *sharedWords) share(v *Vocabulary) *Vocabulary {
	h := uint64(len(v.Rules))
	for i := range v.Rules {
		h = (h ^ uint64(tagOf(v.Rules[i].Reason))) * 0x9e3779b97f4a7c15
	}
	for _, part := range v.Parts {
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

// Account is how a decision came about, in the least room, until somebody asks
// for it in words.
type Account struct {
	Words      *Vocabulary
	TurnedAway []int     // nodes, by rule
	Candidates []string  // the chosen node and those next to it
	Measured   []float32 // for each of these and each scorer the raw value and the value
}

// Rejections says how many nodes each rule turned away.
func (a *Account) Rejections() []Rejection {
	if a.Words == nil {
		return nil
	}
	out := slices.Clone(a.Words.Rules)
	for i := range out {
		out[i].Nodes = a.TurnedAway[i]
	}
	return out
}

// Candidate explains the score of the i-th candidate.
func (a *Account) Candidate(i int) Candidate {
	n := len(a.Words.Scorers)
	c := Candidate{Node: a.Candidates[i], Scores: slices.Clone(a.Words.Scorers)}
	for k := range c.Scores {
		at, line := 2*(i*n+k), &c.Scores[k]
		line.Raw, line.Value = float64(a.Measured[at]), float64(a.Measured[at+1])
		line.Points = a.Words.Parts[k] * line.Value
		c.Score += line.Points
	}
	return c
}

// Score is that of Candidate(i).
func (a *Account) Score(i int) (sum float64) {
	n := len(a.Words.Scorers)
	for k, part := range a.Words.Parts {
		sum += part * float64(a.Measured[2*(i*n+k)+1])
	}
	return sum
}

// Account returns how what was found on s came about.
func (p *Plan) Account(s *State, f Findings) Account {
	a := Account{Words: p.words, TurnedAway: f.turnedAway}
	if len(f.best) > 0 {
		p.measure(s, f.best, &a)
	}
	return a
}

// measure notes what the best nodes were measured at.
func (p *Plan) measure(s *State, best []candidate, a *Account) {
	n := len(p.measures)
	a.Candidates = make([]string, len(best))
	a.Measured = make([]float32, 2*len(best)*n)
	l := scratch.Get().(*lanes)
	defer scratch.Put(l)
	for _, c := range best {
		b, i := s.Peek(c.node)
		l.touched ^= b.touch(i)
	}
	for k := range p.measures {
		m := &p.measures[k]
		t := m.survey(s)
		for i, c := range best {
			b, at := s.Peek(c.node)
			raw, value := m.of(s, b, at, t, l)
			a.Measured[2*(i*n+k)], a.Measured[2*(i*n+k)+1] = raw, value
		}
		t.done()
	}
	for i, c := range best {
		a.Candidates[i] = s.NodeName(c.node)
	}
}
