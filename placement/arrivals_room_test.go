package placement_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auspex-project/auspex/packing"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/ledger/ledgertest"
	"github.com/auspex-project/auspex/placement/score"
	"github.com/auspex-project/auspex/workload"
)

// Where the scorer counts, the mix of plain workloads and the sizes of nodes are
// learned, with or without devices in the fleet; what it says then is the formula's.
func TestRoomIsLearned(t *testing.T) {
	s := ledgertest.Open(t, func(o *ledger.Options) {
		o.Settings.Weights.Default = map[string]float64{score.Room{}.Name(): 1}
	})
	ledgertest.AddNodes(t, s, 3, 4, 16)
	for i := range 16 {
		place(t, s, ledger.Request{ID: fmt.Sprint("plain", i), Workload: ledgertest.Work(fmt.Sprint("plain", i), float64(1+i%2), 2)})
	}
	p, due := s.PackingDue()
	if !due {
		t.Fatal("no plan is due after 16 workloads")
	}
	if len(p.Targets) != 0 || len(p.Plain) != 2 || len(p.Sizes) != 1 || p.Sizes[0] != (packing.Size{Cores: 4, Memory: 16 * gib, Machines: 3}) {
		t.Fatalf("targets %+v, plain %+v, sizes %+v", p.Targets, p.Plain, p.Sizes)
	}
	w, err := p.Solve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.AdoptWorth(w)
	empty := ledgertest.Open(t, func(o *ledger.Options) {
		o.Settings.Weights.Default = map[string]float64{score.Room{}.Name(): 1}
	})
	ledgertest.AddNodes(t, empty, 1, 4, 16)
	empty.AdoptWorth(w)
	d := place(t, empty, ledger.Request{ID: "one", Workload: ledgertest.Work("one", 2, 2)})
	for _, line := range d.Scores {
		if want := float64(w.Room.Lost(4, 16*gib, 2, 14*gib)); line.Weight > 0 && math.Abs(line.Raw-want) > 1e-5 {
			t.Errorf("%s says %g, want %g", line.Scorer, line.Raw, want)
		}
	}
}

// What was let go counts against what came, the latest the most.
func TestLeavingIsLearned(t *testing.T) {
	s := ledgertest.Open(t, nil)
	addAccelerated(t, s, 2, 4)
	next := 0
	due := func(leave func(i int) bool) float64 {
		for {
			w := accelerated(fmt.Sprint(next), 1, .1)
			d := place(t, s, ledger.Request{ID: w.ID, Workload: w})
			if leave(next) {
				if held, err := s.Release(t.Context(), d.ID); !held || err != nil {
					t.Fatal(held, err)
				}
			}
			next++
			if p, due := s.PackingDue(); due {
				return p.Leaving
			}
		}
	}
	if got := due(func(int) bool { return false }); got != 0 {
		t.Errorf("nothing left, leaving %g", got)
	}
	if got := due(func(i int) bool { return true }); got < .6 || got > .7 {
		t.Errorf("16 of 8 and 16 left, leaving %g", got)
	}
	if got := due(func(i int) bool { return i%2 == 0 }); got < .5 || got > .6 {
		t.Errorf("half of 32 and 8 of 12 left, leaving %g", got)
	}
}

// What comes again after it left has come twice, and what leaves counts only where what
// comes does.
func TestLeavingIsCountedAsComing(t *testing.T) {
	s := ledgertest.Open(t, nil)
	ledgertest.AddNodes(t, s, 1, 4, 16)
	requests := 0
	comeAndGo := func(w *workload.Workload) {
		requests++
		d := place(t, s, ledger.Request{ID: fmt.Sprint("request", requests), Workload: w})
		if held, err := s.Release(t.Context(), d.ID); !held || err != nil {
			t.Fatal(held, err)
		}
	}
	for i := range 64 { // a fleet without devices learns nothing of it
		comeAndGo(ledgertest.Work(fmt.Sprint("early", i), 1, 1))
	}
	addAccelerated(t, s, 2, 4)
	for i := range 8 {
		comeAndGo(accelerated(fmt.Sprint("back", i/4), 1, .1))
	}
	for i := range 8 {
		w := accelerated(fmt.Sprint("stays", i), 1, .1)
		place(t, s, ledger.Request{ID: w.ID, Workload: w})
	}
	p, due := s.PackingDue()
	if !due || p.Leaving != .5 {
		t.Errorf("plan due %v; 8 of 16 left, leaving %g", due, p.Leaving)
	}
}

// What is let go by the end of its reservation or with its node has left, too.
func TestLeavingUnasked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ledgertest.Open(t, nil)
		addAccelerated(t, s, 2, 4)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		come := func(from, to int) {
			for i := range to - from {
				w := accelerated(fmt.Sprint("w", from+i), 1, .1)
				place(t, s, ledger.Request{ID: w.ID, Workload: w, ReserveFor: time.Minute})
			}
		}
		come(0, 4)
		time.Sleep(2 * time.Minute) // all expire
		come(4, 8)
		for _, n := range s.Nodes("", 0) {
			if err := s.RemoveNode(t.Context(), n.Node.Name, true); err != nil {
				t.Fatal(err)
			}
		}
		addAccelerated(t, s, 2, 4)
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		come(8, 16)
		if p, due := s.PackingDue(); !due || p.Leaving != .5 {
			t.Errorf("plan due %v; 8 of 16 left, leaving %g", due, p.Leaving)
		}
	})
}

// Where work leaves, refusals of small work have a plan made at once, which no longer
// keeps places for large jobs; those of large jobs do not.
func TestRefusalsAreLearned(t *testing.T) {
	s := ledgertest.Open(t, nil)
	addAccelerated(t, s, 2, 4)
	next := 0
	ask := func(devices int) ledger.Decision {
		next++
		w := accelerated(fmt.Sprint(next), .1, 1)
		w.Accelerator.Devices = devices
		return place(t, s, ledger.Request{ID: w.ID, Workload: w})
	}
	askAll := func(n, devices int) {
		for range n {
			ask(devices)
		}
	}
	for range 32 {
		d := ask(1)
		if held, err := s.Release(t.Context(), d.ID); !held || err != nil {
			t.Fatal(held, err)
		}
	}
	askAll(2, 4)
	for due := true; due; {
		_, due = s.PackingDue()
	}
	askAll(30-2, 4)
	if p, _ := s.PackingDue(); p.Refused.Kept(4) != 1 {
		t.Errorf("large jobs refused: places for them are worth %g", p.Refused.Kept(4))
	}
	askAll(40, 1)
	p, due := s.PackingDue()
	if !due || p.Refused.Kept(4) >= 0 {
		t.Errorf("small work refused: plan due %v, places for large jobs are worth %g", due, p.Refused.Kept(4))
	}
}
