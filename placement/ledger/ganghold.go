package ledger

import (
	"cmp"
	"fmt"
	"github.com/auspex-project/auspex/placement"
	"slices"
	"time"
)

// A gang holds what its members hold: there is no record of the gang itself. All
// of them are reserved by one append to the journal, which lands whole or not at
// all.

// admitGang returns a snapshot to decide on, lent until done, and notes in g the
// first member its queue may not have beside those before it.
func (l *ledger) admitGang(g *gang) (*placement.State, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g.denied, g.denial = -1, nil
	for _, w := range g.request.Members {
		l.follow(w)
	}
	l.mu.living.Survey()
	usage := l.mu.usage
	l.mu.usage = usage.Clone()
	defer func() { l.mu.usage = usage }()
	for i, w := range g.request.Members {
		if err := l.unplaced(w); err != nil && !g.request.DryRun {
			return nil, &MemberError{i, err}
		}
		policy, ok := l.mu.state.Policy.Class(g.members[i].class)
		if !ok {
			continue // newQuery says so
		}
		if denial := l.admission(w, policy.Tier, g.started); len(denial) > 0 {
			g.denied, g.denial = i, denial
			break
		}
		l.mu.usage.Add(demandOn(w, policy.Tier))
	}
	return l.mu.living.Lend(), nil
}

// reserveGang commits a decision on a gang: it counts the members one by one, in
// the order in which they found their places, as reserve does, and makes all of
// them durable at once. ErrConflict says that one of them cannot be had any more.
func (l *ledger) reserveGang(e *placement.Engine, g *gang, d *GangDecision, verdicts []*verdict) error {
	holds, records, err := l.countGang(e, g, d, verdicts)
	if err != nil {
		return err
	}
	if err := l.commit(holds, records); err != nil {
		return fmt.Errorf("reserve gang of %d: %w", len(holds), err)
	}
	return nil
}

// countGang is the part of reserveGang that changes memory.
func (l *ledger) countGang(e *placement.Engine, g *gang, d *GangDecision, verdicts []*verdict) (holds []*hold, records []Record, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.living.Survey()
	seq := l.mu.seq
	for _, at := range g.seats.Order() {
		m, v := g.members[at], verdicts[at]
		// The plans of the search speak of tenants by numbers of its own.
		q, err := newQuery(l.mu.state, v.Workload, m.class, m.forecast, g.started)
		if err == nil {
			var h *hold
			var record Record
			if h, record, err = l.hold(g.request.member(at), e.Prepare(q), v, 0, g.started); err == nil {
				holds, records = append(holds, h), append(records, record)
			}
		}
		if err != nil {
			l.letGoAll(holds)
			l.mu.seq = seq
			return nil, nil, err
		}
	}
	d.Phase, d.Expires = Reserved, holds[0].expires
	for i, v := range verdicts {
		d.Members[i] = v.told(maxAlternatives)
	}
	return holds, records, nil
}

// letGoAll undoes what was counted last first. The caller holds the lock.
func (l *ledger) letGoAll(holds []*hold) {
	for _, h := range slices.Backward(holds) {
		l.letGo(h)
	}
}

// joinGang notes that h is a member. The caller holds the lock.
func (l *ledger) joinGang(h *hold) {
	if gang := h.gang(); gang != "" {
		l.mu.gangs[gang] = append(l.mu.gangs[gang], h)
	}
}

// leaveGang is joinGang undone.
func (l *ledger) leaveGang(h *hold) {
	gang := h.gang()
	if gang == "" {
		return
	}
	rest := slices.DeleteFunc(slices.Clone(l.mu.gangs[gang]), func(o *hold) bool { return o == h })
	if len(rest) == 0 {
		delete(l.mu.gangs, gang)
		return
	}
	l.mu.gangs[gang] = rest
}

// held returns what a decision holds: of a gang all that its members still do, in
// their order. The caller holds the lock.
func (l *ledger) held(decision string) []*hold {
	if h := l.mu.byDecision[decision]; h != nil {
		return []*hold{h}
	}
	members := slices.Clone(l.mu.gangs[decision])
	slices.SortFunc(members, func(a, b *hold) int { return cmp.Compare(a.seat.member, b.seat.member) })
	return members
}

// releaseAll lets go of what some decisions hold and returns it by decision.
func (l *ledger) releaseAll(decisions []string, now time.Time) ([][]*hold, error) {
	released := make([][]*hold, len(decisions))
	var records []Record
	l.mu.Lock()
	for i, decision := range decisions {
		for _, h := range l.held(decision) {
			l.letGo(h)
			record := l.record(WorkloadReleased, now)
			record.Decision = h.decision
			records = append(records, record)
			released[i] = append(released[i], h)
		}
	}
	l.mu.Unlock()
	return released, l.append(records...)
}

// confirmAll turns what some decisions reserve into placements, each on its own,
// and returns what each holds. A gang is confirmed whole or not at all.
func (l *ledger) confirmAll(decisions []string, now time.Time) (confirmed [][]*hold, errs []error) {
	confirmed, errs = make([][]*hold, len(decisions)), make([]error, len(decisions))
	var records []Record
	l.mu.Lock()
	for i, decision := range decisions {
		holds := l.held(decision)
		if errs[i] = confirmable(decision, holds, now); errs[i] != nil {
			continue
		}
		for _, h := range holds {
			if h.confirmed {
				continue
			}
			h.confirmed = true
			l.mu.deadlines.remove(h)
			record := l.record(WorkloadConfirmed, now)
			record.Decision = h.decision
			records = append(records, record)
		}
		confirmed[i] = holds
	}
	l.mu.Unlock()
	if err := l.append(records...); err != nil {
		for i := range errs {
			if errs[i] == nil {
				errs[i] = err
			}
		}
	}
	return confirmed, errs
}

func confirmable(decision string, holds []*hold, now time.Time) error {
	if len(holds) == 0 {
		return fmt.Errorf("decision %s: %w", decision, ErrUnknownDecision)
	}
	for _, h := range holds {
		if !h.confirmed && !now.Before(h.expires) {
			return fmt.Errorf("decision %s expired at %s: %w", h.decision, h.expires.Format(time.RFC3339), ErrNotReserved)
		}
	}
	return nil
}
