package journal

import (
	"testing"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/filter"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/score"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// Changes after a restart are numbered on from those a snapshot stands for, be none of them
// in it any more: numbers that came before would be taken for old, and what they reserve lost.
func TestNumbersGoOnAfterASnapshot(t *testing.T) {
	dir := t.TempDir()
	open := func() (*ledger.Service, *Journal) {
		t.Helper()
		j, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := ledger.Open(t.Context(), ledger.Options{
			Settings: placement.Settings{HeartbeatTimeout: -1}, Filters: filter.All(), Scorers: score.All(), Journal: j,
		})
		if err != nil {
			t.Fatal(err)
		}
		return s, j
	}
	place := func(s *ledger.Service, id string) ledger.Decision {
		t.Helper()
		w := &workload.Workload{ID: id, Class: workload.Service, Requests: resource.Of(1, 1<<30)}
		d, err := s.Place(t.Context(), ledger.Request{ID: id, Workload: w})
		if err != nil || d.Node == "" {
			t.Fatalf("%s: %+v, %v", id, d, err)
		}
		return d
	}
	s, j := open()
	node := fleet.Node{Name: "n", Capacity: resource.Of(8, 64<<30)}
	if err := s.RegisterNode(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "b", "c"} {
		if _, err := s.Release(t.Context(), place(s, id).ID); err != nil {
			t.Fatal(err)
		}
	}
	registered := ledger.Record{Seq: 1, Kind: ledger.NodeRegistered, Node: &node}
	if err := j.Compact(func() ledger.Snapshot { return snapshotOf(7, registered) }); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"d", "e"} {
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		s, j = open()
		place(s, id)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	s, j = open()
	defer j.Close()
	if n, err := s.Node("n"); err != nil || len(n.Workloads) != 2 {
		t.Errorf("after restarts the node holds %v of d and e (%v)", n.Workloads, err)
	}
}
