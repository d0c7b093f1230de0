package training

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/auspex-project/auspex/models/registry"
)

// A night leaves what serves, what can be rolled back to, and nothing an earlier
// one has left.
func TestANightPrunes(t *testing.T) {
	h := fleet(6, 0, 10)
	r := openRegistry(t)
	nights := 4
	var last Report
	for range nights {
		last = train(t, h, r, Options{Keep: 1})
		entries, err := r.List()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries { // the night was long ago
			past := time.Now().Add(-48 * time.Hour)
			if err := os.Chtimes(filepath.Join(r.Dir(), e.Meta.ID), past, past); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(last.Pruned.Artefacts) == 0 {
		t.Error("nothing was pruned")
	}
	champions, err := r.Champions()
	if err != nil {
		t.Fatal(err)
	}
	for role, s := range champions {
		if len(s.Past) > 1 {
			t.Errorf("%s: %d former champions", role, len(s.Past))
		}
	}
	if _, err := r.Rollback(registry.PriorRole, "undo"); err != nil {
		t.Error(err)
	}
	if entries, err := r.List(); err != nil || len(entries) != 4 { // prior and margins, and what they were before
		t.Errorf("%d artefacts after %d nights, %v", len(entries), nights, err)
	}
}
