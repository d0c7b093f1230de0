package ledger

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"runtime"
	"slices"
	"time"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/workload"
)

// recover brings the ledger to where the journal left it.
func (s *Service) recover(ctx context.Context, j Journal) error {
	if j == nil {
		return nil
	}
	kept, err := replay(j.Replay())
	if err != nil {
		return fmt.Errorf("replay journal: %w", err)
	}
	l, now := s.ledger, time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.seq = kept.seq
	for _, r := range kept.nodes {
		l.settle(r.Node, r.Seq, now)
		if kept.drained[r.Node.Name] {
			l.change().SetDraining(l.mu.nodes[r.Node.Name].position, true)
		}
	}
	known := make(texts)
	accelerated := slices.ContainsFunc(kept.nodes, func(r Record) bool { return len(r.Node.Devices) > 0 })
	stands := standing(kept.reserved)
	for i, r := range kept.reserved {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := l.mu.nodes[r.Reserved.Node]
		if n == nil || !stands[i] || !l.offers(n, r.Reserved) {
			s.log.Error("journal: reservation dropped: its node or device is gone, or a later one has its workload or device",
				"decision", r.Reserved.Decision, "workload", r.Reserved.Workload.ID, "node", r.Reserved.Node)
			continue
		}
		w := r.Reserved.Workload
		h := l.newHold(r.Reserved, n, r.Seq, r.Time)
		h.tier = l.mu.state.Policy.Tier(h.class)
		h.class, h.principal = workload.Class(known.of(string(h.class))), known.of(h.principal)
		l.take(h, w, s.forecast(w, now), nil)
		if !h.confirmed {
			if given := h.expires.Sub(h.made); h.expires.Sub(now) > given {
				h.expires = now.Add(given) // the clock went back: it waits no longer than it was given
			}
			l.mu.deadlines.push(h)
		}
		s.book.restore(restored(h))
		s.arrivals.add(w, placement.AcceleratorOf(w), l.mu.state.Models(w.Accelerator.Models), l.member(h).Needs, accelerated, l.mu.state.Policy.Roomy(h.class))
	}
	for _, gang := range slices.Sorted(maps.Keys(l.mu.gangs)) {
		s.book.restoreGang(restoredGang(gang, l.mu.gangs[gang]))
	}
	return nil
}

// offers reports whether a node still has the devices of a reservation.
func (l *ledger) offers(n *node, r *Reservation) bool {
	b, i := l.mu.state.Peek(n.position)
	a := placement.AcceleratorOf(r.Workload)
	for _, k := range r.Devices {
		if k < 0 || k >= len(b.Occupants[i].Devices) || b.Occupants[i].Devices[k].Free < a.Share {
			return false
		}
	}
	return true
}

// restored returns the decision behind a reservation, as far as it was kept.
func restored(h *hold) *verdict {
	v := &verdict{Decision: Decision{
		ID: h.decision, RequestID: h.request, Principal: h.principal, Decided: h.made, Phase: Reserved,
		Class: h.class, Node: h.node, Devices: h.devices, Expires: h.expires,
		Reason: h.node + ": kept over a restart, without its scores", Gang: h.gang(),
	}, description: h.description, workload: h.workload}
	if h.seat != nil {
		v.member, v.members = h.seat.member, h.seat.members
	}
	if h.confirmed {
		v.Phase = Confirmed
	}
	return v
}

// restoredGang returns the decision behind what the members of a gang hold. Those
// released since are missing.
func restoredGang(id string, holds []*hold) (*GangRequest, *GangDecision) {
	first := holds[0]
	r := &GangRequest{ID: first.request, Principal: first.principal, Members: make([]*workload.Workload, first.seat.members)}
	d := &GangDecision{
		ID: id, RequestID: first.request, Principal: first.principal, Decided: first.made, Phase: Confirmed,
		Members: make([]Decision, first.seat.members), Expires: first.expires, Blocking: -1,
		Reason: fmt.Sprintf("%d of %d members kept over a restart, without their scores", len(holds), first.seat.members),
	}
	for _, h := range holds {
		if !h.confirmed {
			d.Phase = Reserved
		}
		member := restored(h).told(maxAlternatives)
		r.Members[h.seat.member], d.Members[h.seat.member] = member.Workload, member
	}
	return r, d
}

// kept is what a journal's records come down to.
type kept struct {
	nodes    []Record // NodeRegistered, the last of each node, in the order they joined
	drained  map[string]bool
	reserved []Record // WorkloadReserved, in the order they were made
	seq      uint64   // the highest
}

// replay applies records in the order of their sequence numbers.
func replay(records iter.Seq2[Record, error]) (kept, error) {
	k := kept{drained: make(map[string]bool)}
	var all []Record
	for r, err := range records {
		if err != nil {
			return k, err
		}
		all = append(all, r)
	}
	slices.SortStableFunc(all, func(a, b Record) int { return cmp.Compare(a.Seq, b.Seq) })
	nodes := make(map[string]int)        // position in k.nodes
	reserved := make(map[string]*Record) // by decision
	for i := range all {
		r := &all[i]
		k.seq = max(k.seq, r.Seq)
		switch r.Kind {
		case NodeRegistered:
			if at, known := nodes[r.Node.Name]; known {
				k.nodes[at].Node = r.Node
				continue
			}
			nodes[r.Node.Name] = len(k.nodes)
			k.nodes = append(k.nodes, *r)
		case NodeRemoved:
			if at, known := nodes[r.Name]; known {
				k.nodes[at].Node = nil
				delete(nodes, r.Name)
				delete(k.drained, r.Name)
			}
		case NodeDrained:
			k.drained[r.Name] = true
		case NodeUndrained:
			delete(k.drained, r.Name)
		case WorkloadReserved:
			reserved[r.Reserved.Decision] = r
		case WorkloadConfirmed:
			if held := reserved[r.Decision]; held != nil {
				held.Reserved.Confirmed = true
			}
		case WorkloadReleased, WorkloadExpired:
			delete(reserved, r.Decision)
		case SnapshotTaken: // its number counts
		default:
			return k, fmt.Errorf("record %d is of the unknown kind %q", r.Seq, r.Kind)
		}
	}
	k.nodes = slices.DeleteFunc(k.nodes, func(r Record) bool { return r.Node == nil })
	for _, r := range reserved {
		k.reserved = append(k.reserved, *r)
	}
	slices.SortFunc(k.reserved, func(a, b Record) int { return cmp.Compare(a.Seq, b.Seq) })
	return k, nil
}

// standing reports which of reservations, in the order they were made, the later ones leave
// standing. What is let go is free before that is durable, and what comes in its place may be
// durable earlier: a crash then leaves both in the journal, and the later one counts.
func standing(reserved []Record) []bool {
	type device struct {
		node   string
		number int
	}
	placed, taken := make(map[string]bool), make(map[device]int32) // by workload; shares
	stands := make([]bool, len(reserved))
	for i, r := range slices.Backward(reserved) {
		held := r.Reserved
		share := placement.AcceleratorOf(held.Workload).Share
		stands[i] = !placed[held.Workload.ID] && !slices.ContainsFunc(held.Devices, func(k int) bool {
			return taken[device{held.Node, k}]+share > placement.WholeDevice
		})
		if !stands[i] {
			continue
		}
		placed[held.Workload.ID] = true
		for _, k := range held.Devices {
			taken[device{held.Node, k}] += share
		}
	}
	return stands
}

// content returns all that must survive as records, and the sequence number up to
// which they say everything. Records are made as they are asked for. between is called
// between helpings.
func (l *ledger) content(between func()) Snapshot {
	kept, upTo := l.survivors(between)
	slices.SortStableFunc(kept, func(a, b survivor) int { return cmp.Compare(a.seq, b.seq) })
	return Snapshot{UpTo: upTo, Count: len(kept), Records: func(yield func(Record) bool) {
		var held Reservation
		var w workload.Workload
		for i := range kept {
			if !yield(kept[i].record(&held, &w)) {
				return
			}
		}
	}}
}

// helping is how many survivors are listed while the ledger is locked: a good tenth of a
// millisecond's work.
const helping = 1024

// survivors lists all that must survive, in helpings between which the ledger goes on. What
// changes meanwhile may be among them or not: it has a number higher than upTo, so that a
// restart applies it anyway.
func (l *ledger) survivors(between func()) (kept []survivor, upTo uint64) {
	l.mu.Lock()
	upTo = l.mu.seq
	room := len(l.mu.nodes) + len(l.mu.byDecision)
	l.mu.Unlock()
	kept = make([]survivor, 0, room+room/8)
	listed := 0
	rest := func() {
		if listed++; listed%helping == 0 {
			l.mu.Unlock()
			between()
			l.mu.Lock()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.mu.nodes {
		b, i := l.mu.state.Peek(n.position)
		kept = append(kept, survivor{seq: n.seq, node: b.Node[i], heard: n.heard})
		if b.Draining>>i&1 == 1 {
			kept = append(kept, survivor{seq: n.seq, node: b.Node[i], heard: n.heard, is: true})
		}
		rest()
	}
	for _, h := range l.mu.byDecision {
		kept = append(kept, survivor{seq: h.seq, hold: h, is: h.confirmed})
		rest()
	}
	return kept, upTo
}

// survivor is a node or a hold as it was when a snapshot was taken.
type survivor struct {
	seq   uint64
	hold  *hold // nil for a node
	node  *fleet.Node
	heard time.Time
	is    bool // confirmed; of a node that it drains
}

// record returns k as a journal keeps it, written to where held and w point. It
// needs no lock: of a hold only what k has noted changes.
func (k *survivor) record(held *Reservation, w *workload.Workload) Record {
	switch h := k.hold; {
	case h != nil:
		*w = h.description.Of(h.workload)
		*held = Reservation{
			Decision: h.decision, Request: h.request, Principal: h.principal, Workload: w, Class: h.class,
			Node: h.node, Devices: h.devices, Expires: h.expires, Confirmed: k.is,
		}
		if h.seat != nil {
			held.Gang, held.Member, held.Members = h.seat.gang, h.seat.member, h.seat.members
		}
		return Record{Seq: k.seq, Kind: WorkloadReserved, Time: h.made, Reserved: held}
	case k.is:
		return Record{Seq: k.seq, Kind: NodeDrained, Time: k.heard, Name: k.node.Name}
	}
	return Record{Seq: k.seq, Kind: NodeRegistered, Time: k.heard, Node: k.node}
}

// texts finds the copy of a text that was seen earlier.
type texts map[string]string

func (t texts) of(s string) string {
	known, ok := t[s]
	if !ok {
		t[s] = s
		return s
	}
	return known
}

// compactEvery is how many records are appended before the journal is rewritten,
// unless the state itself is larger: some 50 MB, which a restart reads in a second or
// two. Writing the state of 10,000 nodes takes a core a tenth of a second; a busy
// server does so every quarter of a minute.
const compactEvery = 200_000

// compact rewrites the journal when it has grown too long or lags behind.
func (l *ledger) compact() error {
	if l.journal == nil {
		return nil
	}
	l.mu.Lock()
	due := l.mu.lagging || l.mu.records > max(compactEvery, 2*(len(l.mu.byDecision)+len(l.mu.nodes)))
	if due {
		l.mu.lagging, l.mu.records = false, 0 // what the journal lacks from here on is for the next time
	}
	l.mu.Unlock()
	if !due {
		return nil
	}
	if err := l.journal.Compact(func() Snapshot { return l.content(runtime.Gosched) }); err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.mu.lagging = true
		return fmt.Errorf("compact journal: %w", err)
	}
	return nil
}
