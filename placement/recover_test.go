package placement_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auspex-project/auspex/placement"
)

// The clock goes back two days between a stop and a start: nobody waits two days for
// the end of a reservation of a minute, and what was confirmed stays.
func TestClockGoesBackOverARestart(t *testing.T) {
	journal := new(memoryJournal)
	with := func(o *placement.Options) { o.Journal = journal }
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(48 * time.Hour)
		s := open(t, with)
		addNodes(t, s, 1, 4, 16)
		for _, id := range []string{"waits", "runs"} {
			d, err := s.Place(t.Context(), placement.Request{ID: id, Workload: work(id, 1, 1)})
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
		s := open(t, with)
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
	memoryJournal
	beside func()
}

func (j *busyJournal) Compact(content func() placement.Snapshot) error {
	return j.memoryJournal.Compact(func() placement.Snapshot {
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
		s := open(t, func(o *placement.Options) { o.Journal = j })
		addNodes(t, s, 1, 4, 16)
		d, err := s.Place(t.Context(), placement.Request{ID: "a", Workload: work("a", 1, 1), ReserveFor: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		failing := func(call func() error) {
			j.setBroken(true)
			defer j.setBroken(false)
			if err := call(); !errors.Is(err, placement.ErrJournal) {
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
		s = open(t, func(o *placement.Options) { o.Journal = j })
		if n, err := s.Node("n00"); err != nil || len(n.Workloads) != 0 {
			t.Errorf("after a restart the node holds %v, which was released (%v)", n.Workloads, err)
		}
	})
}
