package ledger

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/auspex-project/auspex/allocator"
	"github.com/auspex-project/auspex/placement"
)

// verdict is a decision in the making, with what only Explain tells.
type verdict struct {
	Decision
	account placement.Account
	chosen  int // position of Node

	description *placement.Description // of what was placed, in place of Workload
	workload    string                 // and its id

	member, members int // of the gang: which, and of how many
}

func newVerdict(r *Request, q *placement.Query, now time.Time) *verdict {
	return &verdict{Decision: Decision{
		ID: newDecisionID(), RequestID: r.ID, Principal: r.Principal, Decided: now, Phase: Denied,
		Workload: r.Workload, Class: q.Policy.Class, Forecast: q.Forecast,
	}}
}

// deny notes that shares said no.
func (v *verdict) deny(denial []allocator.Reason) *verdict {
	v.Denial = denial
	texts := make([]string, len(denial))
	for i, r := range denial {
		texts[i] = r.Text
	}
	v.Reason = "not admitted: " + strings.Join(texts, "; ")
	return v
}

// conclude turns the findings on state into the answer.
func (v *verdict) conclude(p *placement.Plan, state *placement.State, f placement.Findings) {
	v.Considered, v.Feasible, v.Outranked = f.Counts()
	v.account = p.Account(state, f)
	chosen, found := f.Best()
	if !found {
		v.Reason = v.nothingFits()
		return
	}
	v.chosen, v.Node, v.Score = chosen, v.account.Candidates[0], v.account.Score(0)
	v.Reason = v.best()
	v.Phase = DryRun
}

// best says in a sentence how the chosen node came to be.
func (v *verdict) best() string {
	b := append(make([]byte, 0, 192), v.Node...) // on the stack, as a rule
	if len(v.account.Candidates) == 1 {
		b = append(b, ": the only one of "...)
		b = strconv.AppendInt(b, int64(v.Considered), 10)
		return string(append(b, " nodes that fits"...))
	}
	b = append(b, ": best of "...)
	b = strconv.AppendInt(b, int64(v.Feasible), 10)
	b = append(b, " nodes that fit among "...)
	b = strconv.AppendInt(b, int64(v.Considered), 10)
	if v.Outranked > 0 {
		b = append(b, " ("...)
		b = strconv.AppendInt(b, int64(v.Outranked), 10)
		b = append(b, " could not win and were not asked further)"...)
	}
	b = append(b, ", "...)
	b = strconv.AppendFloat(b, v.Score-v.account.Score(1), 'f', 2, 64)
	b = append(b, " points ahead of "...)
	return string(append(b, v.account.Candidates[1]...))
}

// nothingFits says what stood in the way, the commonest first.
func (v *verdict) nothingFits() string {
	if v.Considered == 0 {
		return "no node fits: the fleet has no nodes"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "no node fits (of %d): ", v.Considered)
	told := Decision{Rejections: v.account.Rejections()}
	for i, r := range told.Rejected() {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s on %d", r.Reason, r.Nodes)
	}
	return b.String()
}

// whole returns the decision with the workload under its id.
func (v *verdict) whole() Decision {
	d := v.Decision
	if v.description != nil {
		w := v.description.Of(v.workload)
		d.Workload = &w
	}
	return d
}

// told returns the decision with all there is to say about it, and up to as many
// alternatives.
func (v *verdict) told(alternatives int) Decision { return v.tell(v.whole(), alternatives) }

// tell adds to d, which is v's, all there is to say about it.
func (v *verdict) tell(d Decision, alternatives int) Decision {
	d.Rejections = v.account.Rejections()
	if len(v.account.Candidates) == 0 {
		return d
	}
	d.Scores = v.account.Candidate(0).Scores
	if n := min(alternatives, len(v.account.Candidates)-1); n > 0 {
		d.Alternatives = make([]placement.Candidate, n)
		for i := range d.Alternatives {
			d.Alternatives[i] = v.account.Candidate(i + 1)
		}
	}
	return d
}

// Explain returns what is known of a decision and, unless node is "", judges that
// node for it as things are now. Errors: ErrUnknownDecision, ErrUnknownNode.
func (s *Service) Explain(decision, node string) (Explanation, error) {
	page := s.book.look(decision)
	if page == nil {
		return Explanation{}, fmt.Errorf("explain %s: %w", decision, ErrUnknownDecision)
	}
	if page.gang != nil {
		if node != "" {
			return Explanation{}, fmt.Errorf("explain %s: %w: it is a gang's: ask about %s and its other members one by one",
				decision, ErrInvalid, memberID(decision, 0))
		}
		return s.explainGang(page.gang, page.phase), nil
	}
	v := page.verdict
	e := Explanation{Decision: v.told(maxAlternatives), Phase: page.phase, Formula: placement.Formula}
	if len(e.Decision.Alternatives) > 0 {
		for i, line := range e.Decision.Scores {
			e.Difference = append(e.Difference, placement.ScoreDifference{
				Scorer: line.Scorer, Chosen: line.Points, RunnerUp: e.Decision.Alternatives[0].Scores[i].Points,
			})
		}
	}
	if node == "" {
		return e, nil
	}
	verdict, err := s.judge(&e.Decision, node)
	if err != nil {
		return Explanation{}, fmt.Errorf("explain %s: %w", decision, err)
	}
	e.Verdict = verdict
	return e, nil
}

// explainGang returns the members as they are by now.
func (s *Service) explainGang(d *GangDecision, phase Phase) Explanation {
	e := Explanation{Phase: phase, Formula: placement.Formula, Gang: d}
	e.Decision = Decision{ID: d.ID, RequestID: d.RequestID, Principal: d.Principal, Decided: d.Decided, Phase: d.Phase, Expires: d.Expires, Reason: d.Reason}
	for i := range d.Members {
		by, known := s.book.phase(d.Members[i].ID)
		if !known {
			by = Released // before a restart, or no longer kept
		}
		e.Members = append(e.Members, by)
	}
	return e
}

// judge holds a past decision's workload against one node as it is now, the
// workload itself not counted where it runs, and beside the node it was given.
func (s *Service) judge(d *Decision, name string) (*Verdict, error) {
	state, node, err := s.ledger.without(d.Workload.ID, name)
	if err != nil {
		return nil, err
	}
	q, err := newQuery(state, d.Workload, d.Class, d.Forecast, time.Now())
	if err != nil {
		return nil, err
	}
	p := s.engine.Prepare(q)
	v := &Verdict{Node: name, Rejections: p.Broken(state, node)}
	v.Feasible = len(v.Rejections) == 0
	v.Scores, v.Score = p.Scores(state, node)
	if !v.Feasible {
		v.Changes = s.engine.Advice(q, node)
	}
	if chosen, known := s.ledger.position(d.Node); known && v.Feasible && d.Node != name {
		theirs, _ := p.Scores(state, chosen)
		v.Rival = placement.Compare(d.Node, theirs, v.Scores)
	}
	return v, nil
}
