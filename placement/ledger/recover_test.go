package ledger_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/ledger/ledgertest"
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
