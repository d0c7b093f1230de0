package placement_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/ledger/ledgertest"
	"github.com/auspex-project/auspex/workload"
)

// canHold reports whether members fit where on says, in some order.
func (d *dumb) canHold(members []*workload.Workload, on map[string]string, now time.Time) bool {
	if len(members) == 0 {
		return true
	}
	for i, w := range members {
		rest := slices.Delete(slices.Clone(members), i, i+1)
		for _, n := range d.nodes {
			if on[w.ID] != n.Name || !d.allows(n, w, now) {
				continue
			}
			n.placed = append(n.placed, &dumbPlaced{w, d.devices(n, w)})
			fits := d.canHold(rest, on, now)
			n.placed = n.placed[:len(n.placed)-1]
			if fits {
				return true
			}
		}
	}
	return false
}

// assignments calls try with every way to give members a node each.
func (d *dumb) assignments(members []*workload.Workload, on map[string]string, try func(map[string]string) bool) bool {
	if len(members) == 0 {
		return try(on)
	}
	for _, n := range d.nodes {
		on[members[0].ID] = n.Name
		if d.assignments(members[1:], on, try) {
			return true
		}
	}
	return false
}

// holdsInAnyOrder reports whether members fit where on says, whoever comes first.
// A margin may be lower for many members than for few, so that one who comes late
// fits where it did not fit alone.
func (d *dumb) holdsInAnyOrder(members []*workload.Workload, on map[string]string, now time.Time) bool {
	for i, w := range members {
		n := d.nodes[slices.IndexFunc(d.nodes, func(n *dumbNode) bool { return n.Name == on[w.ID] })]
		if !d.allows(n, w, now) {
			return false
		}
		n.placed = append(n.placed, &dumbPlaced{w, d.devices(n, w)})
		fits := d.holdsInAnyOrder(slices.Delete(slices.Clone(members), i, i+1), on, now)
		n.placed = n.placed[:len(n.placed)-1]
		if !fits {
			return false
		}
	}
	return true
}

// On tiny fleets a gang is placed where trying everything finds places for all,
// in whatever order they are taken, and nowhere it does not fit.
func TestGangAgreesWithBruteForce(t *testing.T) {
	placed, refused := 0, 0
	checkUntil(t, func() bool { return placed >= 10 && refused >= 10 }, func(t *rapid.T) {
		m := newMachine(t)
		m.nodes = m.nodes[:min(len(m.nodes), 4)]
		for _, n := range m.service.Nodes("", 0)[len(m.nodes):] {
			if err := m.service.RemoveNode(context.Background(), n.Node.Name, false); err != nil {
				t.Fatal(err)
			}
		}
		for range rapid.IntRange(0, 4).Draw(t, "before") {
			m.place(t)
		}
		var members []*workload.Workload
		for range rapid.IntRange(1, 4).Draw(t, "members") {
			w := m.workload(t)
			if rapid.Bool().Draw(t, "plain") {
				w = ledgertest.Work(w.ID, .25, .25)
			}
			// One risk, and no wish for company: then the order does not decide what fits.
			w.Class, w.Spread = workload.Service, nil
			w.Affinity = slices.DeleteFunc(slices.Clone(w.Affinity), func(a workload.Affinity) bool { return !a.Apart })
			members = append(members, w)
		}
		g, err := m.service.PlaceGang(context.Background(), ledger.GangRequest{ID: "g", Members: members})
		if err != nil {
			t.Fatal(err)
		}
		if g.Phase != ledger.Reserved {
			m.assignments(members, map[string]string{}, func(on map[string]string) bool {
				if m.holdsInAnyOrder(members, on, g.Decided) {
					t.Fatalf("fits on %v, but is refused: %s", on, g.Reason)
				}
				return false
			})
			refused++
			ledgertest.WantNothingHeld(t, m.service, g)
			return
		}
		placed++
		on := map[string]string{}
		for i, d := range g.Members {
			if d.Workload != members[i] || d.Phase != ledger.Reserved {
				t.Fatalf("member %d is %s of %s", i, d.Phase, d.Workload.ID)
			}
			on[d.Workload.ID] = d.Node
		}
		if !m.canHold(members, on, g.Decided) {
			t.Fatalf("placed on %v, which does not fit", on)
		}
	})
}
