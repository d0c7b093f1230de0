package ledger

import (
	"cmp"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/auspex-project/auspex/allocator"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// ledger is the one owner of nodes, reservations and queue usage. Its lock is
// held for changes of memory only, never for a scan, a forecast or a disk.
type ledger struct {
	grid    forecast.Grid
	journal Journal      // nil = none
	placed  atomic.Int64 // holds there are

	mu struct {
		sync.Mutex
		living     *placement.Living
		state      *placement.State // of living: what it is, for reading
		nodes      map[string]*node
		free       []int // positions that hold no node
		byDecision map[string]*hold
		byWorkload map[string]*hold
		apps       map[string]int     // holds by app
		gangs      map[string][]*hold // what the members of each gang hold
		deadlines  deadlines
		usage      *allocator.Usage
		promised   resource.Vector // what guaranteed work is expected to need
		claims     claims
		described  placement.Descriptions // of what is placed
		seq        uint64                 // of the last record
		lagging    bool                   // the journal lacks something that was applied
		records    int                    // appended since the last compaction
	}
}

// node is what the ledger knows of a node beside its columns.
type node struct {
	position int
	seq      uint64 // of its registration
	heard    time.Time
}

// hold is a workload's hold on a node, counted until it is let go.
type hold struct {
	decision, request, principal string

	workload    string // its id
	description *placement.Description
	class       workload.Class
	tier        workload.Tier

	node      string
	position  int
	devices   []int
	seq       uint64
	made      time.Time
	expires   time.Time
	confirmed bool
	turn      int   // among the deadlines, 0 when it is none of them
	seat      *seat // nil for a workload of its own
}

// seat says which member of a gang a hold is.
type seat struct {
	gang            string
	member, members int
}

// newHold returns the hold on a node that a reservation speaks of. The caller sets
// what it counts as and holds the lock.
func (l *ledger) newHold(r *Reservation, on *node, seq uint64, made time.Time) *hold {
	h := &hold{
		decision: r.Decision, request: r.Request, principal: r.Principal, workload: r.Workload.ID, class: r.Class,
		node: l.mu.state.NodeName(on.position), position: on.position, devices: r.Devices, seq: seq, made: made, expires: r.Expires, confirmed: r.Confirmed,
	}
	if h.request == h.workload {
		h.request = h.workload // one text for both
	}
	if r.Gang != "" {
		h.seat = &seat{r.Gang, r.Member, r.Members}
	}
	return h
}

// gang returns the decision on the gang that h is a member of, "" for none.
func (h *hold) gang() string {
	if h.seat == nil {
		return ""
	}
	return h.seat.gang
}

// demand returns what h counts for in its queue.
func (h *hold) demand() allocator.Demand {
	var room workload.Workload
	return demandOn(h.description.Workload(&room), h.tier)
}

func newLedger(g forecast.Grid, s placement.Settings, m forecast.Margins, j Journal) *ledger {
	l := &ledger{grid: g, journal: j}
	l.mu.living = placement.NewLiving(g, s, m)
	l.mu.state = l.mu.living.State()
	l.mu.nodes = make(map[string]*node)
	l.mu.byDecision = make(map[string]*hold)
	l.mu.byWorkload = make(map[string]*hold)
	l.mu.apps = make(map[string]int)
	l.mu.gangs = make(map[string][]*hold)
	l.mu.described = placement.NewDescriptions()
	l.mu.usage = l.mu.state.Policy.Queues.NewUsage()
	return l
}

// latest returns the fleet as it is, frozen until Done is called on it.
func (l *ledger) latest() *placement.State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.living.Lend()
}

// change returns the fleet for changing. The caller holds the lock.
func (l *ledger) change() *placement.State { return l.mu.living.Change() }

// follow makes sure that the groups w asks for are followed. The caller holds the
// lock.
func (l *ledger) follow(w *workload.Workload) {
	if !l.mu.state.Follows(w) {
		l.change().Follow(w, func(app string) bool { return l.mu.apps[app] > 0 })
	}
}

// admit returns a snapshot to decide on, lent until done, how many claims there had ever been by
// then, and the reasons why the workload's queue may not have it, none when it may.
func (l *ledger) admit(r *Request, class workload.Class, now time.Time) (s *placement.State, claims uint64, denial []allocator.Reason, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.unplaced(r.Workload); err != nil && !r.DryRun {
		return nil, 0, nil, err
	}
	l.follow(r.Workload)
	s = l.mu.living.Lend()
	if policy, ok := s.Policy.Class(class); ok { // newQuery says if not
		denial = l.admission(r.Workload, policy.Tier, now)
	}
	return s, l.mu.claims.added, denial, nil
}

func (l *ledger) unplaced(w *workload.Workload) error {
	if h := l.mu.byWorkload[w.ID]; h != nil {
		return fmt.Errorf("workload %s: %w on %s by decision %s", w.ID, ErrAlreadyPlaced, h.node, h.decision)
	}
	return nil
}

// admission asks the queues. The caller holds the lock.
func (l *ledger) admission(w *workload.Workload, tier workload.Tier, now time.Time) []allocator.Reason {
	capacity := l.mu.state.Catalogue.Capacity
	return l.mu.state.Policy.Queues.Admit(allocator.State{
		Used:     l.mu.usage,
		Capacity: capacity,
		Free:     capacity.Sub(l.mu.promised),
		Waiting:  l.mu.claims.others(w.ID, now),
	}, demandOn(w, tier))
}

// demandOn returns what w counts for in its queue.
func demandOn(w *workload.Workload, tier workload.Tier) allocator.Demand {
	return allocator.Demand{Queue: w.Queue, Tier: tier, Amounts: placement.Holds(w)}
}

// claim notes that a request was turned away and will be asked again.
func (l *ledger) claim(r *Request, q *placement.Query, now time.Time) {
	if r.DryRun {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.claims.add(r.Workload.ID, demandOn(r.Workload, q.Policy.Tier), now, q.State.Policy.WaitFor)
}

// count commits a decision in memory: it asks every rule again of the chosen node
// as it is by now, where anything has changed since, and counts the workload there.
// ErrConflict says that the fleet or the shares have changed too much. What was
// counted may be told once seal has made it durable.
func (l *ledger) count(r *Request, p *placement.Plan, v *verdict, claims uint64, now time.Time) (*hold, Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hold(r, p, v, claims, now)
}

// seal makes decisions durable, all at once, or undoes them.
func (l *ledger) seal(decisions ...*decided) error {
	holds, records := make([]*hold, 0, len(decisions)), make([]Record, 0, len(decisions))
	for _, d := range decisions {
		if d.hold != nil {
			holds, records = append(holds, d.hold), append(records, d.record)
		}
	}
	if err := l.commit(holds, records); err != nil {
		return fmt.Errorf("reserve: %w", err)
	}
	return nil
}

// commit makes what was counted durable, or lets go of it: after an error, and where the
// journal panics, too.
func (l *ledger) commit(holds []*hold, records []Record) (err error) {
	err = errCutShort
	defer func() {
		if err == nil {
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.mu.lagging = true // who knows what was written
		l.letGoAll(holds)
	}()
	err = l.write(records...)
	return err
}

// hold is count for those who hold the lock.
func (l *ledger) hold(r *Request, p *placement.Plan, v *verdict, claims uint64, now time.Time) (*hold, Record, error) {
	q := p.Query
	n := l.mu.nodes[v.Node]
	if n == nil || n.position != v.chosen {
		return nil, Record{}, ErrConflict
	}
	unchanged := l.mu.living.Is(q.State)
	if !unchanged && (!q.Bound(l.mu.state) || !p.Allows(l.mu.state, v.chosen)) {
		return nil, Record{}, ErrConflict
	}
	if err := l.unplaced(r.Workload); err != nil {
		return nil, Record{}, err
	}
	if (!unchanged || l.mu.claims.added != claims) && len(l.admission(r.Workload, q.Policy.Tier, now)) > 0 {
		return nil, Record{}, ErrConflict
	}
	b, i := l.mu.state.Peek(n.position)
	v.Devices, _ = q.Devices(l.mu.state, b, i, nil)
	v.Phase = Reserved
	v.Expires = now.Add(cmp.Or(r.ReserveFor, l.mu.state.Policy.ReservationTTL))
	record := l.record(WorkloadReserved, now)
	record.Reserved = &Reservation{
		Decision: v.ID, Request: r.ID, Principal: r.Principal, Workload: r.Workload, Class: v.Class,
		Node: v.Node, Devices: v.Devices, Expires: v.Expires, Gang: v.Gang, Member: v.member, Members: v.members,
	}
	h := l.newHold(record.Reserved, n, record.Seq, now)
	h.tier = q.Policy.Tier
	l.take(h, r.Workload, q.Forecast, q)
	l.mu.deadlines.push(h)
	return h, record, nil
}

// take counts h, which w is the workload of and q, nil after a restart, asked for,
// everywhere. The caller holds the lock.
func (l *ledger) take(h *hold, w *workload.Workload, f *forecast.Forecast, q *placement.Query) {
	h.description = l.mu.described.Share(w, q)
	l.follow(w)
	s := l.change()
	var m *placement.Member
	if q != nil {
		m = q.Member(s, h.description, h.devices)
	} else {
		m = s.Member(w, h.description, h.class, f, h.devices)
	}
	s.Put(h.position, m)
	if h.tier == workload.Guaranteed {
		l.mu.promised = l.mu.promised.Add(m.Expected())
	}
	demand := demandOn(w, h.tier)
	l.mu.usage.Add(demand)
	l.placed.Add(1)
	l.mu.byDecision[h.decision] = h
	l.mu.byWorkload[h.workload] = h
	l.mu.apps[w.App]++
	l.joinGang(h)
	l.mu.claims.remove(h.workload, demand)
}

// letGo undoes take; letting go twice does nothing. The caller holds the lock.
func (l *ledger) letGo(h *hold) bool {
	if l.mu.byDecision[h.decision] != h {
		return false
	}
	m := l.change().Take(h.position, h.workload)
	if h.tier == workload.Guaranteed {
		l.mu.promised = l.mu.promised.Sub(m.Expected())
	}
	var room workload.Workload
	w := h.description.Workload(&room)
	l.mu.usage.Remove(demandOn(w, h.tier))
	l.mu.deadlines.remove(h)
	l.placed.Add(-1)
	delete(l.mu.byDecision, h.decision)
	delete(l.mu.byWorkload, h.workload)
	if l.mu.apps[w.App]--; l.mu.apps[w.App] == 0 {
		delete(l.mu.apps, w.App)
	}
	l.leaveGang(h)
	l.mu.described.Drop(h.description)
	if len(l.mu.byDecision) == 0 {
		l.mu.promised = resource.Vector{} // no rounding outlives the last workload
	}
	return true
}

func (l *ledger) releaseWorkload(id string, now time.Time) (*hold, error) {
	l.mu.Lock()
	h := l.mu.byWorkload[id]
	l.mu.Unlock()
	if h == nil {
		return nil, nil
	}
	released, err := l.releaseAll([]string{h.decision}, now)
	if len(released[0]) == 0 {
		return nil, err
	}
	return h, err
}

// expire lets go of reservations that were not confirmed in time.
func (l *ledger) expire(now time.Time) ([]*hold, error) {
	var expired []*hold
	var records []Record
	l.mu.Lock()
	for h := l.mu.deadlines.due(now); h != nil; h = l.mu.deadlines.due(now) {
		l.letGo(h)
		record := l.record(WorkloadExpired, now)
		record.Decision = h.decision
		records = append(records, record)
		expired = append(expired, h)
	}
	l.mu.Unlock()
	return expired, l.append(records...)
}

// record returns the next record. The caller holds the lock.
func (l *ledger) record(kind RecordKind, now time.Time) Record {
	l.mu.seq++
	return Record{Seq: l.mu.seq, Kind: kind, Time: now}
}

// append makes changes that have been applied durable. Where that fails the
// ledger is ahead of the journal until the next compaction writes all of it.
func (l *ledger) append(records ...Record) error {
	if err := l.write(records...); err != nil {
		return fmt.Errorf("done, but not durable yet: %w", err)
	}
	return nil
}

func (l *ledger) write(records ...Record) error {
	if l.journal == nil || len(records) == 0 {
		return nil
	}
	err := l.journal.Append(records...)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.records += len(records)
	l.mu.lagging = l.mu.lagging || err != nil
	if err != nil {
		return fmt.Errorf("%w: %w", ErrJournal, err)
	}
	return nil
}

// adopt takes over new settings and margins, and sums everything up by them.
func (l *ledger) adopt(s placement.Settings, m forecast.Margins) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.change().Adopt(s, m)
	l.mu.usage = l.mu.state.Policy.Queues.NewUsage()
	l.mu.promised = resource.Vector{}
	for _, h := range l.mu.byDecision {
		h.tier = l.mu.state.Policy.Tier(h.class)
		l.mu.usage.Add(h.demand())
		if h.tier == workload.Guaranteed {
			l.mu.promised = l.mu.promised.Add(l.member(h).Expected())
		}
	}
}

func (l *ledger) member(h *hold) *placement.Member {
	b, i := l.mu.state.Peek(h.position)
	for _, m := range b.Occupants[i].Members {
		if m.ID == h.workload {
			return m
		}
	}
	return nil
}
