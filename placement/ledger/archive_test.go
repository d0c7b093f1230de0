package ledger_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/ledger/ledgertest"
)

// memoryArchive is an archive that is kept as long as the test runs.
type memoryArchive struct{ data []byte }

func (a *memoryArchive) Save(data []byte) error { a.data = data; return nil }
func (a *memoryArchive) Load() ([]byte, error)  { return a.data, nil }

// A decision is explained after a restart as before it, whatever became of it.
func TestExplainedAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal, archive := new(ledgertest.Journal), new(memoryArchive)
		with := func(o *ledger.Options) { o.Journal, o.Archive = journal, archive; o.Settings.HeartbeatTimeout = -1 }
		s := ledgertest.Open(t, with)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		ledgertest.AddNodes(t, s, 4, 4, 16)
		ids := map[string]ledger.Phase{}
		place := func(id string, cores float64, dry bool) string {
			d, err := s.Place(t.Context(), ledger.Request{ID: id, Workload: ledgertest.Work(id, cores, 1), DryRun: dry})
			if err != nil {
				t.Fatal(err)
			}
			ids[d.ID] = d.Phase
			return d.ID
		}
		place("reserved", 1, false)
		place("dry", 1, true)
		place("denied", 99, false)
		released, confirmed := place("released", 1, false), place("confirmed", 1, false)
		if _, err := s.Release(t.Context(), released); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Confirm(t.Context(), confirmed); err != nil {
			t.Fatal(err)
		}
		ids[released], ids[confirmed] = ledger.Released, ledger.Confirmed
		g := placeGang(t, s, ledger.GangRequest{ID: "g", Members: gangOf(2, 1, 1)})
		ids[g.Members[1].ID] = ledger.Reserved
		before := map[string]ledger.Explanation{}
		for id := range ids {
			e, err := s.Explain(id, "")
			if err != nil {
				t.Fatal(err)
			}
			before[id] = e
		}
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}

		s = ledgertest.Open(t, with)
		for id, phase := range ids {
			e, err := s.Explain(id, "n00")
			if err != nil || e.Phase != phase {
				t.Errorf("%s is %s, was %s (%v)", id, e.Phase, phase, err)
				continue
			}
			was := before[id].Decision
			if !reflect.DeepEqual(e.Decision.Scores, was.Scores) || !reflect.DeepEqual(e.Decision.Rejections, was.Rejections) ||
				!reflect.DeepEqual(e.Difference, before[id].Difference) || e.Decision.Reason != was.Reason || e.Decision.Node != was.Node {
				t.Errorf("%s was explained by\n%+v\nis now by\n%+v", id, was, e.Decision)
			}
		}

		// What was written before a crash, and released before it, is so after it.
		if _, err := s.Release(t.Context(), confirmed); err != nil {
			t.Fatal(err)
		}
		s = ledgertest.Open(t, with)
		if e, err := s.Explain(confirmed, ""); err != nil || e.Phase != ledger.Released || len(e.Decision.Scores) == 0 {
			t.Errorf("released in between: %s with %d scores, %v", e.Phase, len(e.Decision.Scores), err)
		}
	})
}

// Of what was decided a while before a crash the explanation is there.
func TestExplainedAfterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		archive := new(memoryArchive)
		with := func(o *ledger.Options) { o.Archive = archive; o.Settings.HeartbeatTimeout = -1 }
		s := ledgertest.Open(t, with)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		ledgertest.AddNodes(t, s, 4, 4, 16)
		var ids []string
		for i := range 3 {
			d, err := s.Place(t.Context(), ledger.Request{ID: fmt.Sprint(i), Workload: ledgertest.Work(fmt.Sprint(i), 1, 1)})
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, d.ID)
			time.Sleep(11 * time.Second)
		}
		synctest.Wait()
		crashed := &memoryArchive{slices.Clone(archive.data)} // as it is now
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		archive = crashed
		s = ledgertest.Open(t, with)
		for _, id := range ids {
			if e, err := s.Explain(id, ""); err != nil || len(e.Decision.Scores) == 0 {
				t.Errorf("%s: %d scores, %v", id, len(e.Decision.Scores), err)
			}
		}
	})
}

// Damage costs explanations, never the service.
func FuzzArchive(f *testing.F) {
	const words = `{"words":{"rules":[{"Filter":"f"}],"scorers":[{"Scorer":"s"}],"parts":[1]}}`
	const made = `{"made":{"decision":{"ID":"d","Workload":{"ID":"w"}},"phase":"denied","words":%d,"turned_away":[2],"candidates":["n"],"measured":[1,2]}}`
	for _, at := range []int{-1, 0, 1} {
		f.Add([]byte(strings.Join([]string{`{"version":1}`, words, fmt.Sprintf(made, at)}, "\n")))
	}
	f.Add([]byte(`{"version":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ledger.Open(context.Background(), ledger.Options{Archive: &memoryArchive{data}})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = s.Explain("d", "")
	})
}

// Decisions on requests that all differ are told in few vocabularies: one for each class
// and kind of need.
func TestDecisionsShareTheirWords(t *testing.T) {
	s := ledgertest.Open(t, nil)
	ledgertest.AddNodes(t, s, 4, 64, 256)
	for i := range 100 {
		w := ledgertest.Work(fmt.Sprint(i), 1+float64(i)/1000, 1)
		if i%2 == 1 {
			w.Security.Exclusive = true
		}
		if d, err := s.Place(t.Context(), ledger.Request{ID: w.ID, Workload: w}); err != nil || len(d.Scores) == 0 || len(d.Rejections) == 0 {
			t.Fatalf("%+v: %v", d, err)
		}
	}
	if n := s.Vocabularies(); n != 2 {
		t.Errorf("100 requests of two kinds are told in %d vocabularies", n)
	}
}
