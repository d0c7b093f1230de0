package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/ledger/ledgertest"
)

// Each item of a batch is answered as if it had come alone, in its turn.
func TestBatch(t *testing.T) {
	journal := new(ledgertest.Journal)
	s := ledgertest.Open(t, func(o *ledger.Options) { o.Journal = journal })
	ledgertest.AddNodes(t, s, 2, 4, 16)
	request := func(id string, cores float64) ledger.Request {
		return ledger.Request{ID: id, Workload: ledgertest.Work(id, cores, 1)}
	}
	twice := request("c", 1)
	twice.ID = "c2"
	dry := request("d", 1)
	dry.DryRun = true
	results := s.PlaceBatch(t.Context(), []ledger.Request{
		request("a", 3), request("b", 3), // one node each
		request("c", 1), request("c", 1), // the same again
		twice, // its workload is placed by then
		dry,
		{ID: "e"}, // no workload
		request("f", 9),
		{ID: "a", Workload: ledgertest.Work("other", 1, 1)},
		request("g", 1),
	})
	for i, want := range []struct {
		phase ledger.Phase
		err   error
	}{
		{ledger.Reserved, nil}, {ledger.Reserved, nil}, {ledger.Reserved, nil}, {ledger.Reserved, nil},
		{"", ledger.ErrAlreadyPlaced}, {ledger.DryRun, nil}, {"", ledger.ErrInvalid}, {ledger.Denied, nil},
		{"", ledger.ErrRequestReused}, {ledger.Reserved, nil},
	} {
		if r := results[i]; r.Decision.Phase != want.phase || !errors.Is(r.Err, want.err) {
			t.Errorf("item %d: %s (%v), want %s (%v)", i, r.Decision.Phase, r.Err, want.phase, want.err)
		}
	}
	if results[2].Decision.ID != results[3].Decision.ID {
		t.Error("the same request was decided twice")
	}
	if results[0].Decision.Node == results[1].Decision.Node {
		t.Error("the second was decided without the first")
	}
	if d, err := s.Place(t.Context(), request("a", 3)); err != nil || d.ID != results[0].Decision.ID {
		t.Errorf("asked again alone: %s %v", d.ID, err)
	}

	s = ledgertest.Open(t, func(o *ledger.Options) { o.Journal = journal })
	for _, i := range []int{0, 1, 2, 9} {
		if e, err := s.Explain(results[i].Decision.ID, ""); err != nil || e.Decision.Node != results[i].Decision.Node {
			t.Errorf("item %d after a restart: %v on %q, was on %q", i, err, e.Decision.Node, results[i].Decision.Node)
		}
	}
}

// What is placed is told however late it is; what is not fails with the context.
func TestBatchCancelled(t *testing.T) {
	s := ledgertest.Open(t, nil)
	ledgertest.AddNodes(t, s, 2, 4, 16)
	first := ledger.Request{ID: "a", Workload: ledgertest.Work("a", 1, 1)}
	if _, err := s.Place(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 { // a choice between the two would be random
		results := s.PlaceBatch(ctx, []ledger.Request{first, {ID: "b", Workload: ledgertest.Work("b", 1, 1)}})
		if results[0].Err != nil || results[0].Decision.Node == "" || !errors.Is(results[1].Err, context.Canceled) {
			t.Fatalf("placed: %v, not placed: %v", results[0].Err, results[1].Err)
		}
	}
}

func TestBatchBrokenJournal(t *testing.T) {
	journal := new(ledgertest.Journal)
	s := ledgertest.Open(t, func(o *ledger.Options) { o.Journal = journal })
	ledgertest.AddNodes(t, s, 2, 4, 16)
	journal.SetBroken(true)
	var batch []ledger.Request
	for i := range 5 {
		id := fmt.Sprintf("w%d", i)
		batch = append(batch, ledger.Request{ID: id, Workload: ledgertest.Work(id, 1, 1), DryRun: i == 4})
	}
	batch = append(batch, ledger.Request{ID: "huge", Workload: ledgertest.Work("huge", 99, 1)})
	for i, r := range s.PlaceBatch(t.Context(), batch) {
		if reserves := i < 4; errors.Is(r.Err, ledger.ErrJournal) != reserves || !reserves && r.Err != nil {
			t.Errorf("item %d: %v", i, r.Err)
		}
	}
	for _, n := range s.Nodes("", 0) {
		if len(n.Workloads) > 0 {
			t.Errorf("%s holds %v", n.Node.Name, n.Workloads)
		}
	}
	journal.SetBroken(false)
	for i, r := range s.PlaceBatch(t.Context(), batch) {
		if r.Err != nil {
			t.Errorf("item %d, later: %v", i, r.Err)
		}
	}
}
