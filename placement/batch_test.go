package placement_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/auspex-project/auspex/placement"
)

// Each item of a batch is answered as if it had come alone, in its turn.
func TestBatch(t *testing.T) {
	journal := new(memoryJournal)
	s := open(t, func(o *placement.Options) { o.Journal = journal })
	addNodes(t, s, 2, 4, 16)
	request := func(id string, cores float64) placement.Request {
		return placement.Request{ID: id, Workload: work(id, cores, 1)}
	}
	twice := request("c", 1)
	twice.ID = "c2"
	dry := request("d", 1)
	dry.DryRun = true
	results := s.PlaceBatch(t.Context(), []placement.Request{
		request("a", 3), request("b", 3), // one node each
		request("c", 1), request("c", 1), // the same again
		twice, // its workload is placed by then
		dry,
		{ID: "e"}, // no workload
		request("f", 9),
		{ID: "a", Workload: work("other", 1, 1)},
		request("g", 1),
	})
	for i, want := range []struct {
		phase placement.Phase
		err   error
	}{
		{placement.Reserved, nil}, {placement.Reserved, nil}, {placement.Reserved, nil}, {placement.Reserved, nil},
		{"", placement.ErrAlreadyPlaced}, {placement.DryRun, nil}, {"", placement.ErrInvalid}, {placement.Denied, nil},
		{"", placement.ErrRequestReused}, {placement.Reserved, nil},
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

	s = open(t, func(o *placement.Options) { o.Journal = journal })
	for _, i := range []int{0, 1, 2, 9} {
		if e, err := s.Explain(results[i].Decision.ID, ""); err != nil || e.Decision.Node != results[i].Decision.Node {
			t.Errorf("item %d after a restart: %v on %q, was on %q", i, err, e.Decision.Node, results[i].Decision.Node)
		}
	}
}

// What is placed is told however late it is; what is not fails with the context.
func TestBatchCancelled(t *testing.T) {
	s := open(t, nil)
	addNodes(t, s, 2, 4, 16)
	first := placement.Request{ID: "a", Workload: work("a", 1, 1)}
	if _, err := s.Place(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 { // a choice between the two would be random
		results := s.PlaceBatch(ctx, []placement.Request{first, {ID: "b", Workload: work("b", 1, 1)}})
		if results[0].Err != nil || results[0].Decision.Node == "" || !errors.Is(results[1].Err, context.Canceled) {
			t.Fatalf("placed: %v, not placed: %v", results[0].Err, results[1].Err)
		}
	}
}

func TestBatchBrokenJournal(t *testing.T) {
	journal := new(memoryJournal)
	s := open(t, func(o *placement.Options) { o.Journal = journal })
	addNodes(t, s, 2, 4, 16)
	journal.setBroken(true)
	var batch []placement.Request
	for i := range 5 {
		id := fmt.Sprintf("w%d", i)
		batch = append(batch, placement.Request{ID: id, Workload: work(id, 1, 1), DryRun: i == 4})
	}
	batch = append(batch, placement.Request{ID: "huge", Workload: work("huge", 99, 1)})
	for i, r := range s.PlaceBatch(t.Context(), batch) {
		if reserves := i < 4; errors.Is(r.Err, placement.ErrJournal) != reserves || !reserves && r.Err != nil {
			t.Errorf("item %d: %v", i, r.Err)
		}
	}
	for _, n := range s.Nodes("", 0) {
		if len(n.Workloads) > 0 {
			t.Errorf("%s holds %v", n.Node.Name, n.Workloads)
		}
	}
	journal.setBroken(false)
	for i, r := range s.PlaceBatch(t.Context(), batch) {
		if r.Err != nil {
			t.Errorf("item %d, later: %v", i, r.Err)
		}
	}
}
