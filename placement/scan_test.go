package placement_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/auspex-project/auspex/placement/ledger"
)

// On a large fleet most nodes are outranked, the best are still those of a scan that
// asks everything of all, and every node is accounted for.
func TestOutrankingMissesNothing(t *testing.T) {
	const nodes = 9_000 // enough for two processors
	s, ids := openBench(t, nodes, 3)
	r := rand.New(rand.NewPCG(7, 8))
	outranked, scans := 0, 0
	for i := range 300 {
		w := benchWorkload(i, r)
		w.Requests = w.Requests.Scale(.5 + 2*r.Float64())
		n, err := compareScans(s, w, 1+r.IntN(4))
		if err != nil {
			t.Fatalf("%s: %v", w.ID, err)
		}
		outranked, scans = outranked+n, scans+1
		d, err := s.Place(context.Background(), ledger.Request{ID: w.ID, Workload: w})
		if err != nil {
			t.Fatal(err)
		}
		turnedAway := 0
		for _, r := range d.Rejections {
			turnedAway += r.Nodes
		}
		if d.Considered != nodes || d.Feasible+d.Outranked+turnedAway != nodes {
			t.Fatalf("%s: of %d nodes %d feasible, %d outranked, %d turned away", w.ID, d.Considered, d.Feasible, d.Outranked, turnedAway)
		}
		if _, err := s.Release(context.Background(), ids[i]); err != nil {
			t.Fatal(err)
		}
	}
	if outranked < scans*nodes/4 {
		t.Errorf("%d of %d nodes were outranked: the test sees little of it", outranked, scans*nodes)
	}
}

// A dry run counts exactly, however large the fleet, and so does a refusal.
func TestExactCounts(t *testing.T) {
	const nodes = 3_000
	s, _ := openBench(t, nodes, 1)
	for i, change := range []struct {
		dryRun bool
		cores  float64
		placed bool
	}{{true, 1, true}, {false, 1e6, false}} {
		w := benchWorkload(i, rand.New(rand.NewPCG(1, 1)))
		w.Requests = w.Requests.Scale(change.cores)
		d, err := s.Place(context.Background(), ledger.Request{ID: fmt.Sprint(i), Workload: w, DryRun: change.dryRun})
		if err != nil {
			t.Fatal(err)
		}
		if d.Outranked != 0 || (d.Node != "") != change.placed {
			t.Errorf("%+v: on %q, %d outranked", change, d.Node, d.Outranked)
		}
	}
}
