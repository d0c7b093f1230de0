package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/auspex-project/auspex/allocator"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/workload"
)

// GangRequest asks for places for several workloads, all of them or none.
type GangRequest struct {
	// ID is chosen by the caller, unique among the gangs; a retry repeats it and
	// gets the first answer again.
	ID string

	// Members are shared with the decision: nobody may change them afterwards.
	Members []*workload.Workload

	// Together is the kind of part of the fleet one of which must hold all members;
	// "" is anywhere. OrApart makes it a wish: where no such part has room for all,
	// they are spread.
	Together workload.Level
	OrApart  bool

	DryRun     bool
	ReserveFor time.Duration // as of a Request, for all members
	Principal  string
}

// GangDecision is the answer to a GangRequest. It is immutable.
type GangDecision struct {
	ID        string
	RequestID string
	Principal string
	Decided   time.Time
	Phase     Phase // of all members, when it was returned

	// Members are decisions of their own, in the order of the request: each can be
	// explained, confirmed and released by its id, or all of them by the gang's.
	// When no place was found for all, those that had one say so in Reason and hold
	// nothing.
	Members []Decision

	Together string    // the part of the fleet that holds all, where that was asked for
	Expires  time.Time // when the reservations end together; those confirmed by then stay
	Blocking int       // the member that found no place; -1 when all have one
	Reason   string    // one sentence a person can read
}

// maxGang is how many members a gang may have.
const maxGang = 1024

// Validate reports the first rule that r breaks.
func (r *GangRequest) Validate() error {
	switch {
	case r.ID == "":
		return fmt.Errorf("gang request: id is empty")
	case len(r.Members) == 0 || len(r.Members) > maxGang:
		return fmt.Errorf("gang request %s: %d members (want 1 to %d)", r.ID, len(r.Members), maxGang)
	case r.Together != "" && !r.Together.Known():
		return fmt.Errorf("gang request %s: together in a %q (want node, rack, zone, region or provider)", r.ID, r.Together)
	case r.OrApart && r.Together == "":
		return fmt.Errorf("gang request %s: or_apart without together", r.ID)
	case r.ReserveFor < 0:
		return fmt.Errorf("gang request %s: reservation of %v is negative", r.ID, r.ReserveFor)
	}
	seen := make(map[string]bool, len(r.Members))
	for i, w := range r.Members {
		if w == nil {
			return &MemberError{i, fmt.Errorf("gang request %s: member %d is missing", r.ID, i)}
		}
		if err := w.Validate(); err != nil {
			return &MemberError{i, err}
		}
		if seen[w.ID] {
			return &MemberError{i, fmt.Errorf("gang request %s: workload %s is a member twice", r.ID, w.ID)}
		}
		seen[w.ID] = true
	}
	return nil
}

// MemberError says which member of a gang is at fault.
type MemberError struct {
	Member int
	Err    error
}

func (e *MemberError) Error() string { return e.Err.Error() }
func (e *MemberError) Unwrap() error { return e.Err }

// same reports whether o asks for the same members.
func (r *GangRequest) same(o *GangRequest) bool {
	return slices.EqualFunc(r.Members, o.Members, func(a, b *workload.Workload) bool {
		return a == b || a == nil || a.Equal(b) // nil: released before a restart
	})
}

// member returns the request for the i-th member alone.
func (r *GangRequest) member(i int) *Request {
	return &Request{ID: r.ID, Workload: r.Members[i], DryRun: r.DryRun, ReserveFor: r.ReserveFor, Principal: r.Principal}
}

// PlaceGang finds a node for every member, reserves all of them at once and says
// why, or reserves nothing and says which member found no place. The same request
// again returns the first answer. Errors: as of Place; a *MemberError inside
// names the member at fault.
func (s *Service) PlaceGang(ctx context.Context, r GangRequest) (GangDecision, error) {
	if err := r.Validate(); err != nil {
		return GangDecision{}, fmt.Errorf("place gang: %w: %w", ErrInvalid, err)
	}
	page, first, err := s.book.openGang(ctx, &r)
	if err != nil {
		return GangDecision{}, fmt.Errorf("place gang: %w", err)
	}
	if first {
		s.writeGang(ctx, page, &r)
	}
	if page.err != nil {
		return GangDecision{}, fmt.Errorf("place gang: %w", page.err)
	}
	return *page.gang, nil
}

// writeGang is write for a gang.
func (s *Service) writeGang(ctx context.Context, page *page, r *GangRequest) {
	d, members, err := (*GangDecision)(nil), []*verdict(nil), errCutShort
	defer func() { s.book.closeGang(page, d, members, err) }()
	d, members, err = s.placeGang(ctx, r)
}

// placeGang makes the decision for a request seen for the first time.
func (s *Service) placeGang(ctx context.Context, r *GangRequest) (*GangDecision, []*verdict, error) {
	started := time.Now()
	members := make([]*gangMember, len(r.Members))
	for i, w := range r.Members {
		class, err := s.class(w)
		if err != nil {
			return nil, nil, &MemberError{i, err}
		}
		members[i] = &gangMember{class: class, forecast: s.forecast(w, started)}
	}
	for range maxAttempts {
		g := &gang{request: r, members: members, started: started}
		d, verdicts, err := s.decideGang(ctx, g)
		if err != nil {
			return nil, nil, err
		}
		if !g.placed() || r.DryRun {
			s.claimBlocking(g)
			s.metrics.decidedGang(d, started)
			return d, verdicts, nil
		}

		// 6. Reserve: all on the fleet as it is by now, durably.
		switch err := s.ledger.reserveGang(s.engine, g, d, verdicts); {
		case errors.Is(err, ErrConflict):
			s.metrics.conflicts.Inc()
			continue
		case err != nil:
			return nil, nil, err
		}
		s.metrics.decidedGang(d, started)
		return d, verdicts, nil
	}
	return nil, nil, fmt.Errorf("%w: %d attempts", ErrConflict, maxAttempts)
}

// decideGang makes the decision on the fleet as it is.
func (s *Service) decideGang(ctx context.Context, g *gang) (*GangDecision, []*verdict, error) {
	// 1. Admit: may the queues have all of it, as things are?
	// 2. Snapshot: freeze the fleet to try places on.
	state, err := s.ledger.admitGang(g)
	if err != nil {
		return nil, nil, err
	}
	defer state.Done()
	if err := g.prepare(state); err != nil {
		return nil, nil, err
	}
	counted := make([]bool, len(g.members))
	for i, m := range g.members {
		counted[i] = s.arrivals.count(g.request.member(i), m.query)
	}

	// 3. to 5. Filter, score and select, member by member.
	if g.denied < 0 {
		g.assemble(ctx, s.engine, state)
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
	}
	for i, m := range g.members {
		if counted[i] && !g.placed() && g.denied < 0 {
			s.arrivals.refuse(m.query)
		}
	}
	d, verdicts := g.conclude(state)
	return d, verdicts, nil
}

// claimBlocking notes that the member without a place, and so the gang, waits.
func (s *Service) claimBlocking(g *gang) {
	if i := g.blocking(); i >= 0 {
		s.ledger.claim(g.request.member(i), g.members[i].query, g.started)
	}
}

// gang is a gang on its way to a decision.
type gang struct {
	request *GangRequest
	members []*gangMember // in the order of the request
	started time.Time

	denied int // the member its queue may not have, -1 for none
	denial []allocator.Reason

	seats *placement.Seating // nil where one was denied
}

// gangMember is a member on its way to a place.
type gangMember struct {
	class    workload.Class
	forecast *forecast.Forecast
	query    *placement.Query
}

func (g *gang) placed() bool { return g.blocking() < 0 }

func (g *gang) blocking() int {
	switch {
	case g.denied >= 0:
		return g.denied
	case g.seats != nil:
		return g.seats.Failed()
	}
	return -1
}

// assemble looks for places for all members.
func (g *gang) assemble(ctx context.Context, e *placement.Engine, s *placement.State) {
	queries := make([]*placement.Query, len(g.members))
	for i, m := range g.members {
		queries[i] = m.query
	}
	g.seats = e.Assemble(ctx, s, queries, g.request.Together, g.request.OrApart)
}

// prepare makes the members ready to be held against s.
func (g *gang) prepare(s *placement.State) (err error) {
	for i, m := range g.members {
		if m.query, err = newQuery(s, g.request.Members[i], m.class, m.forecast, g.started); err != nil {
			return &MemberError{i, err}
		}
	}
	return nil
}

// conclude turns what was found on s into the answer.
func (g *gang) conclude(s *placement.State) (*GangDecision, []*verdict) {
	r := g.request
	d := &GangDecision{
		ID: newDecisionID(), RequestID: r.ID, Principal: r.Principal, Decided: g.started, Phase: Denied,
		Blocking: g.blocking(), Members: make([]Decision, len(g.members)),
	}
	verdicts := make([]*verdict, len(g.members))
	for i, m := range g.members {
		verdicts[i] = newVerdict(r.member(i), m.query, g.started)
		verdicts[i].ID = memberID(d.ID, i)
		verdicts[i].Gang, verdicts[i].member, verdicts[i].members = d.ID, i, len(g.members)
	}
	if g.seats != nil {
		d.Together = g.seats.Part
		g.seats.Retrace(s, func(member int, p *placement.Plan, on *placement.State, found placement.Findings) {
			verdicts[member].conclude(p, on, found)
		})
	}
	switch {
	case g.denied >= 0:
		v := verdicts[g.denied].deny(g.denial)
		d.Reason = fmt.Sprintf("%s is %s", v.Workload.ID, v.Reason)
	case d.Blocking >= 0:
		d.Reason = g.whyNot(verdicts[d.Blocking])
	default:
		d.Phase = DryRun
		d.Reason = g.why(verdicts)
	}
	if d.Phase == Denied {
		for i, v := range verdicts {
			if i != d.Blocking {
				v.yield(d.Reason)
			}
		}
	}
	for i, v := range verdicts {
		d.Members[i] = v.told(maxAlternatives)
	}
	return d, verdicts
}

// yield takes back a place that was found, since the gang has none.
func (v *verdict) yield(reason string) {
	if v.Node != "" {
		reason = fmt.Sprintf("would have gone to %s; %s", v.Node, reason)
	}
	v.Phase, v.Node, v.chosen, v.Reason = Denied, "", 0, reason
	v.Score, v.account.Candidates = 0, nil
}

func (g *gang) whyNot(v *verdict) string {
	r := g.request
	text := fmt.Sprintf("no place for all %d", len(g.members))
	switch {
	case r.Together != "" && !r.OrApart && g.seats.Part == "":
		return fmt.Sprintf("%s: no %s has a node for each of them; %s: %d of %d nodes anywhere would do",
			text, r.Together, v.Workload.ID, v.Feasible, v.Considered)
	case g.seats.Part != "":
		text += fmt.Sprintf(" in one %s; in %s, the likeliest", r.Together, g.seats.Part)
	}
	if n := len(g.seats.Order()); n > 0 {
		text += fmt.Sprintf(": with %d in place %s is left", n, v.Workload.ID)
	} else {
		text += ": " + v.Workload.ID
	}
	return text + ": " + v.Reason
}

func (g *gang) why(verdicts []*verdict) string {
	nodes := make(map[string]bool)
	for _, v := range verdicts {
		nodes[v.Node] = true
	}
	where := ""
	if g.seats.Part != "" {
		where = fmt.Sprintf(", all in %s %s", g.request.Together, g.seats.Part)
	}
	return fmt.Sprintf("%d members on %d nodes%s", len(g.members), len(nodes), where)
}

// memberID returns the decision id of the i-th member of a gang.
func memberID(gang string, i int) string { return gang + "." + strconv.Itoa(i) }
