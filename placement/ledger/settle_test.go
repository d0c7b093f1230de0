package ledger_test

import (
	"fmt"
	"testing"

	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/ledger/ledgertest"
)

// What is confirmed or given back is not kept until its reservation would have ended.
func TestOnlyReservationsHaveADeadline(t *testing.T) {
	s := ledgertest.Open(t, nil)
	ledgertest.AddNodes(t, s, 1, 64, 256)
	var ids []string
	for i := range 3 {
		w := ledgertest.Work(fmt.Sprintf("w-%d", i), 1, 1)
		d, err := s.Place(t.Context(), ledger.Request{ID: w.ID, Workload: w})
		if err != nil || d.Node == "" {
			t.Fatal(d.Reason, err)
		}
		ids = append(ids, d.ID)
	}
	if n := s.Deadlines(); n != 3 {
		t.Fatalf("%d deadlines of 3 reservations", n)
	}
	if _, _, err := s.Confirm(t.Context(), ids[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Release(t.Context(), ids[1]); err != nil {
		t.Fatal(err)
	}
	if n := s.Deadlines(); n != 1 {
		t.Errorf("%d deadlines, want that of the one reserved still", n)
	}
}
