// Package ledgertest opens services for tests, and keeps their journals in memory.
package ledgertest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/filter"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/score"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// Open returns a service with all filters and scorers, whose nodes never fall silent, after
// change, nil for none, to its options.
func Open(t *testing.T, change func(*ledger.Options)) *ledger.Service {
	t.Helper()
	o := ledger.Options{Settings: placement.Settings{HeartbeatTimeout: -1}, Filters: filter.All(), Scorers: score.All()}
	if change != nil {
		change(&o)
	}
	s, err := ledger.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// AddNodes registers n00, n01 and so on.
func AddNodes(t *testing.T, s *ledger.Service, count int, cores, memoryGiB float64) {
	t.Helper()
	for i := range count {
		if err := s.RegisterNode(t.Context(), fleet.Node{Name: fmt.Sprintf("n%02d", i), Capacity: resource.Of(cores, memoryGiB*(1<<30))}); err != nil {
			t.Fatal(err)
		}
	}
}

// Work returns a service that requests as much and has no limits.
func Work(id string, cores, memoryGiB float64) *workload.Workload {
	return &workload.Workload{ID: id, Class: workload.Service, Requests: resource.Of(cores, memoryGiB*(1<<30))}
}

// WantNothingHeld fails t where a member of a gang that was refused holds anything.
func WantNothingHeld(t interface{ Fatalf(string, ...any) }, s *ledger.Service, g ledger.GangDecision) {
	for i, d := range g.Members {
		if d.Node != "" || d.Phase != ledger.Denied || d.Reason == "" {
			t.Fatalf("member %d of a refused gang is %s on %q: %q", i, d.Phase, d.Node, d.Reason)
		}
	}
	for _, n := range s.Nodes("", 0) {
		for _, d := range g.Members {
			if slices.Contains(n.Workloads, d.Workload.ID) {
				t.Fatalf("%s is on %s in spite of the refusal", d.Workload.ID, n.Node.Name)
			}
		}
	}
}
