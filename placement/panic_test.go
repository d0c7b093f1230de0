package placement_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/ledger/ledgertest"
	"github.com/auspex-project/auspex/workload"
)

// trap is a filter that panics while it is armed: before the nodes are looked at, or at
// one of them.
type trap struct{ early, late bool }

func (*trap) Name() string { return "trap" }

func (f *trap) Prepare(*placement.Query) []placement.Rule {
	if f.early {
		panic("early")
	}
	return []placement.Rule{{Reason: "trapped", Check: f}}
}

func (f *trap) Pass(_ *placement.State, _ *placement.Block, candidates uint64) uint64 {
	if f.late {
		panic("late")
	}
	return candidates
}

// brittleJournal panics while it is armed, once it has written.
type brittleJournal struct {
	ledgertest.Journal
	armed bool
}

func (j *brittleJournal) Append(records ...ledger.Record) error {
	err := j.Journal.Append(records...)
	if j.armed {
		panic("journal")
	}
	return err
}

// What is counted when the journal panics is let go of, and asked for again.
func TestPanicOfJournalLetsGo(t *testing.T) {
	j := new(brittleJournal)
	s := ledgertest.Open(t, func(o *ledger.Options) { o.Journal = j })
	ledgertest.AddNodes(t, s, 1, 2, 8)
	both := []*workload.Workload{ledgertest.Work("a", 1, 1), ledgertest.Work("b", 1, 1)}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for name, call := range map[string]func() error{
		"one": func() error {
			_, err := s.Place(ctx, ledger.Request{ID: "one", Workload: both[0]})
			return err
		},
		"batch": func() error {
			for i, r := range s.PlaceBatch(ctx, []ledger.Request{{ID: "first", Workload: both[0]}, {ID: "second", Workload: both[1]}}) {
				if r.Err != nil || r.Decision.Node == "" {
					return fmt.Errorf("%d: %q: %w", i, r.Decision.Reason, r.Err)
				}
			}
			return nil
		},
		"gang": func() error {
			d, err := s.PlaceGang(ctx, ledger.GangRequest{ID: "gang", Members: both})
			if err == nil && d.Blocking >= 0 {
				err = errors.New(d.Reason)
			}
			return err
		},
	} {
		j.armed = true
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			_ = call()
		}()
		j.armed = false
		if left := s.Nodes("", 0)[0].Workloads; len(left) > 0 {
			t.Errorf("%s: %v is still there", name, left)
		}
		if err := call(); err != nil {
			t.Errorf("%s again: %v", name, err)
		}
		for _, w := range both {
			if _, err := s.ReleaseWorkload(ctx, w.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A decision that a panic ends lets go of all it held: the same request again is
// decided anew, and what is known of its shape counts no longer.
func TestPanicLetsGo(t *testing.T) {
	f, metrics := new(trap), prometheus.NewRegistry()
	s := ledgertest.Open(t, func(o *ledger.Options) { o.Filters, o.Metrics = append(o.Filters, f), metrics })
	ledgertest.AddNodes(t, s, 100, 8, 32)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	place := func(id string) error {
		_, err := s.Place(ctx, ledger.Request{ID: id, Workload: ledgertest.Work(id, 1, 1)})
		return err
	}
	calls := map[string]func(id string) error{
		"one": place,
		"batch": func(id string) error {
			for _, r := range s.PlaceBatch(ctx, []ledger.Request{{ID: id + "a", Workload: ledgertest.Work(id+"a", 1, 1)}, {ID: id + "b", Workload: ledgertest.Work(id+"b", 1, 1)}}) {
				if r.Err != nil {
					return r.Err
				}
			}
			return nil
		},
		"gang": func(id string) error {
			_, err := s.PlaceGang(ctx, ledger.GangRequest{ID: id, Members: []*workload.Workload{ledgertest.Work(id+"a", 1, 1), ledgertest.Work(id+"b", 1, 1)}})
			return err
		},
	}
	for _, id := range []string{"first", "second", "third"} { // their shape is known
		if err := place(id); err != nil {
			t.Fatal(err)
		}
	}
	for name, call := range calls {
		for _, armed := range []trap{{early: true}, {late: true}} {
			id := name
			if armed.late {
				id += " late"
			}
			if err := place("before " + id); err != nil { // there is a node to look at anew
				t.Fatal(err)
			}
			lent := readers(t, metrics)
			*f = armed
			func() {
				defer func() {
					if recover() == nil && armed.late { // a plan may be known
						t.Errorf("%s: no panic", id)
					}
				}()
				_ = call(id)
			}()
			*f = trap{}
			if now := readers(t, metrics); now > lent {
				t.Errorf("%s: %d states are lent, before %d", id, now, lent)
			}
			if err := call(id); err != nil {
				t.Errorf("%s again: %v", id, err)
			}
			if _, err := compareShape(s, ledgertest.Work("probe", 1, 1), 3); err != nil {
				t.Errorf("after %s: %v", id, err)
			}
		}
	}
}
