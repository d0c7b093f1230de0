package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/ledger/ledgertest"
	"github.com/auspex-project/auspex/resource"
)

// The clock goes back two days between a stop and a start: nobody waits two days for
// the end of a reservation of a minute, and what was confirmed stays.
func TestClockGoesBackOverARestart(t *testing.T) {
	journal := new(ledgertest.Journal)
	with := func(o *ledger.Options) { o.Journal = journal }
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(48 * time.Hour)
		s := ledgertest.Open(t, with)
		ledgertest.AddNodes(t, s, 1, 4, 16)
		for _, id := range []string{"waits", "runs"} {
			d, err := s.Place(t.Context(), ledger.Request{ID: id, Workload: ledgertest.Work(id, 1, 1)})
			if err != nil || d.Node == "" {
				t.Fatalf("%s: %+v, %v", id, d, err)
			}
			if id == "runs" {
				if _, _, err := s.Confirm(t.Context(), d.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
	synctest.Test(t, func(t *testing.T) { // a bubble of its own begins where the first began
		s := ledgertest.Open(t, with)
		holds := func() int { return len(s.Nodes("", 1)[0].Workloads) }
		if holds() != 2 {
			t.Fatalf("%d of 2 workloads after the restart", holds())
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if holds() != 1 {
			t.Errorf("%d workloads two minutes later, want the confirmed one", holds())
		}
		stop()
		if err := <-done; err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	})
}

// busyJournal lets something happen while it is compacted.
type busyJournal struct {
	ledgertest.Journal
	beside func()
}

func (j *busyJournal) Compact(content func() ledger.Snapshot) error {
	return j.Journal.Compact(func() ledger.Snapshot {
		taken := content()
		if beside := j.beside; beside != nil {
			j.beside = nil
			beside()
		}
		return taken
	})
}

// What could not be appended while the journal was compacted is made up for by the next
// compaction.
func TestAppendFailsBesideCompaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := new(busyJournal)
		s := ledgertest.Open(t, func(o *ledger.Options) { o.Journal = j })
		ledgertest.AddNodes(t, s, 1, 4, 16)
		d, err := s.Place(t.Context(), ledger.Request{ID: "a", Workload: ledgertest.Work("a", 1, 1), ReserveFor: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		failing := func(call func() error) {
			j.SetBroken(true)
			defer j.SetBroken(false)
			if err := call(); !errors.Is(err, ledger.ErrJournal) {
				t.Errorf("without a journal: %v", err)
			}
		}
		failing(func() error { _, err := s.Drain(t.Context(), "n00", true); return err }) // a compaction is due
		j.beside = func() {
			failing(func() error { _, err := s.Release(t.Context(), d.ID); return err })
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		time.Sleep(5 * time.Second)
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		s = ledgertest.Open(t, func(o *ledger.Options) { o.Journal = j })
		if n, err := s.Node("n00"); err != nil || len(n.Workloads) != 0 {
			t.Errorf("after a restart the node holds %v, which was released (%v)", n.Workloads, err)
		}
	})
}

// What was let go while the journal failed leaves its place to what came later, which is
// durable: a crash before the next compaction loses no reservation.
func TestLaterReservationStands(t *testing.T) {
	j := new(ledgertest.Journal)
	with := func(o *ledger.Options) { o.Journal = j }
	s := ledgertest.Open(t, with)
	n := fleet.Node{Name: "n", Capacity: resource.Of(8, 64<<30).With(resource.GPU, 1), Devices: []fleet.Device{{Model: "a100"}}}
	if err := s.RegisterNode(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	place := func(request, id string, devices int) ledger.Decision {
		t.Helper()
		w := ledgertest.Work(id, 1, 1)
		w.Accelerator.Devices = devices
		d, err := s.Place(t.Context(), ledger.Request{ID: request, Workload: w})
		if err != nil || d.Node == "" {
			t.Fatalf("%s: %+v, %v", request, d, err)
		}
		return d
	}
	place("1", "again", 0)
	place("2", "first", 1)
	j.SetBroken(true)
	for _, id := range []string{"again", "first"} {
		if ok, err := s.ReleaseWorkload(t.Context(), id); !ok || !errors.Is(err, ledger.ErrJournal) {
			t.Fatalf("release without a journal: %v, %v", ok, err)
		}
	}
	j.SetBroken(false)
	later := []ledger.Decision{place("3", "again", 0), place("4", "second", 1)}
	s = ledgertest.Open(t, with)
	for _, d := range later {
		if id, _, err := s.Confirm(t.Context(), d.ID); err != nil || id != d.Workload.ID {
			t.Errorf("decision %s on %s after the restart: %q, %v", d.RequestID, d.Workload.ID, id, err)
		}
	}
	if n, err := s.Node("n"); err != nil || len(n.Workloads) != 2 {
		t.Errorf("the node holds %v (%v)", n.Workloads, err)
	}
}

// A snapshot that is taken while the fleet changes says, with what is appended beside it, all
// that a restart needs.
func TestSnapshotBesideChanges(t *testing.T) {
	j := new(ledgertest.Journal)
	s := ledgertest.Open(t, func(o *ledger.Options) { o.Journal = j })
	ledgertest.AddNodes(t, s, 60, 1000, 4000)
	place := func(id int) {
		w := ledgertest.Work(fmt.Sprint(id), .25, .25)
		if d, err := s.Place(t.Context(), ledger.Request{ID: fmt.Sprint(id, "-", time.Now().UnixNano()), Workload: w}); err != nil || d.Node == "" {
			t.Errorf("%d: %+v, %v", id, d, err)
		} else if id%3 == 0 {
			if _, _, err := s.Confirm(t.Context(), d.ID); err != nil {
				t.Error(err)
			}
		}
	}
	const running = 4 * ledger.Helping
	for id := range running {
		place(id)
	}
	changes := 0
	change := func() {
		changes++
		for k := range 200 {
			id := (changes*1009 + k*7) % running
			if ok, err := s.ReleaseWorkload(t.Context(), fmt.Sprint(id)); !ok || err != nil {
				t.Fatal(ok, err)
			}
			place(id)
		}
		for i := range 30 {
			if _, err := s.Drain(t.Context(), fmt.Sprintf("n%02d", i), (changes+i)%2 == 1); err != nil {
				t.Fatal(err)
			}
		}
		passes := fleet.Node{Name: "passes", Capacity: resource.Of(.1, 1<<20)}
		if err := s.RegisterNode(t.Context(), passes); err != nil {
			t.Fatal(err)
		}
		if changes%3 == 0 {
			if err := s.RemoveNode(t.Context(), passes.Name, false); err != nil {
				t.Fatal(err)
			}
		}
	}
	for round := range 4 {
		if err := s.Compact(change); err != nil {
			t.Fatal(err)
		}
		again := ledgertest.Open(t, func(o *ledger.Options) { o.Journal = j })
		before, after := s.Nodes("", 0), again.Nodes("", 0)
		for i := range before {
			before[i].LastHeartbeat = time.Time{}
		}
		for i := range after {
			after[i].LastHeartbeat = time.Time{}
		}
		if changes < 3*(round+1) {
			t.Fatalf("%d changes in %d rounds", changes, round+1)
		}
		if !reflect.DeepEqual(before, after) {
			t.Fatalf("round %d: nodes before the restart\n%+v\nafter\n%+v", round, before, after)
		}
	}
}
