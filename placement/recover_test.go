package placement_test

import (
	"context"
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
