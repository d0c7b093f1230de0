package allocator

import (
	"fmt"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// Cause says which rule refused a demand.
type Cause string

const (
	UnknownQueue Cause = "unknown_queue" // no such queue
	InnerQueue   Cause = "inner_queue"   // the queue has children; only leaves take work
	OverLimit    Cause = "limit"         // over the limit of the queue or of an ancestor
	KeptFor      Cause = "guarantee"     // what is free is guaranteed to others
	OverShare    Cause = "share"         // a queue with less of its share waits for the same
)

// Reason is one ground on which a demand is refused.
type Reason struct {
	Cause    Cause
	Queue    string        // whose limit; or who waits; or the queue that asked
	Resource resource.Name // "" where no single resource decided
	Text     string        // one line for a person, with amounts
}

func (r Reason) String() string { return r.Text }

// Admit reports whether d may be taken on now: nil, or every reason why not. Its
// rules, in order:
//
//  1. The queue exists and is a leaf.
//  2. With d, neither the queue nor an ancestor passes its limit. Revocable
//     demand counts too.
//  3. Demand within the queue's own guarantee is admitted here.
//  4. What is free after d must still hold the unmet guarantees of all, unless d
//     is itself covered by one (an ancestor's). Revocable demand may pass:
//     whoever the guarantee belongs to takes it back.
//  5. Where another queue waits, d must not take what that one needs if that
//     one is served first (see Next). A queue that waits for something else
//     holds nobody up, and guaranteed demand does not yield to revocable.
//
// Whether a single node can hold d is not asked here.
func (t *Tree) Admit(s State, d Demand) []Reason {
	i, ok := t.lookup(d.Queue)
	if !ok {
		return []Reason{{UnknownQueue, d.Queue, "", fmt.Sprintf("queue %s does not exist", d.Queue)}}
	}
	if name := t.nodes[i].Name; len(t.nodes[i].children) > 0 {
		return []Reason{{InnerQueue, name, "", fmt.Sprintf("queue %s has queues below it; name one of them", name)}}
	}
	reasons := t.overLimits(s, i, d)
	if t.within(s.Used, i, d) {
		return reasons
	}
	reasons = append(reasons, t.overGuarantees(s, i, d)...)
	return append(reasons, t.overShare(s, i, d)...)
}

func (t *Tree) overLimits(s State, i int, d Demand) []Reason {
	var reasons []Reason
	for _, at := range t.nodes[i].path {
		n := &t.nodes[at]
		held := s.Used.holds[at].total()
		for r, x := range d.Amounts.All() {
			if x > 0 && n.Limit.Has(r) && exceeds(held.Get(r)+x, n.Limit.Get(r)) {
				reasons = append(reasons, Reason{OverLimit, n.Name, r, fmt.Sprintf("queue %s holds %s %s and may hold %s; %s more is over its limit", n.Name,
					resource.FormatAmount(r, held.Get(r)), r, resource.FormatAmount(r, n.Limit.Get(r)), resource.FormatAmount(r, x))})
			}
		}
	}
	return reasons
}

func (t *Tree) overGuarantees(s State, i int, d Demand) []Reason {
	if d.Tier == workload.Revocable {
		return nil
	}
	var reasons []Reason
	free := s.free()
	for r, x := range d.Amounts.All() {
		if x <= 0 || t.nodes[root].Guarantee.Get(r) <= 0 {
			continue
		}
		before := t.unmet(s.Used, root, r, -1, 0)
		after := t.unmet(s.Used, root, r, i, x)
		covered := !exceeds(after+x, before)
		if !covered && exceeds(after+x, free.Get(r)) {
			reasons = append(reasons, Reason{KeptFor, t.nodes[i].Name, r, fmt.Sprintf("%s %s is free, of which %s is guaranteed to other queues; %s more does not leave them that",
				resource.FormatAmount(r, max(free.Get(r), 0)), r, resource.FormatAmount(r, after), resource.FormatAmount(r, x))})
		}
	}
	return reasons
}

// unmet returns how much of r is guaranteed at and below the node at position i
// and not yet held, if the queue at position by held extra more:
//
//	unmet(n) = max(guarantee(n) - held(n), sum of unmet(children))
func (t *Tree) unmet(u *Usage, i int, r resource.Name, by int, extra float64) float64 {
	n := &t.nodes[i]
	held := u.holds[i].guaranteed.Get(r)
	if by >= 0 && t.above(i, by) {
		held += extra
	}
	below := 0.0
	for _, c := range n.children {
		if t.nodes[c].Guarantee.Get(r) > 0 {
			below += t.unmet(u, c, r, by, extra)
		}
	}
	if i == root {
		return below // nobody owns the fleet's own sum
	}
	return max(n.Guarantee.Get(r)-held, below, 0)
}

// above reports whether the node at position i is on the path to the one at j.
func (t *Tree) above(i, j int) bool {
	depth := len(t.nodes[i].path)
	return depth <= len(t.nodes[j].path) && (depth == 0 || t.nodes[j].path[depth-1] == i)
}

func (t *Tree) overShare(s State, i int, d Demand) []Reason {
	if len(s.Waiting) == 0 {
		return nil
	}
	mine := t.turns(s, i, d)
	free := s.free()
	for _, w := range s.Waiting {
		j, ok := t.lookup(w.Queue)
		if !ok || j == i || w.Tier == workload.Revocable && d.Tier != workload.Revocable {
			continue
		}
		r, contended := contend(free, d.Amounts, w.Amounts)
		if !contended {
			continue
		}
		if theirs := t.turns(s, j, w); ahead(theirs, mine) {
			return []Reason{{OverShare, t.nodes[j].Name, r, fmt.Sprintf("queue %s waits for %s and is served before queue %s, which has more of its share",
				t.nodes[j].Name, r, t.nodes[i].Name)}}
		}
	}
	return nil
}

// contend returns a resource of which free cannot hold both d and waiting. There
// is none while waiting lacks something d does not use: holding d back would
// not help it.
func contend(free, d, waiting resource.Vector) (resource.Name, bool) {
	var contended resource.Name
	for r, need := range waiting.All() {
		switch x := d.Get(r); {
		case need <= 0:
		case x <= 0 && exceeds(need, free.Get(r)):
			return "", false
		case x > 0 && contended == "" && exceeds(need+x, free.Get(r)):
			contended = r
		}
	}
	return contended, contended != ""
}
