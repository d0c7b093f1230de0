package training

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	if n := len(last.Pruned.Artefacts); n == 0 || !strings.Contains(last.Markdown(), "\nPruned: ") {
		t.Errorf("%d artefacts were pruned; the report:\n%s", n, last.Markdown())
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

// Only pages are pruned, the oldest ones, however half removed by a crash.
func TestPrunePages(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"20260101T023000Z/report.md", "20260102T023000Z/cpu/frontier.svg", "20260103T023000Z/report.md", "notesTofZ/mine.md", "20260101T0230Z/mine.md"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	report := Report{Started: time.Date(2026, 1, 4, 2, 30, 0, 0, time.UTC)}
	for range 2 { // with and without its own page
		report.PrunePages(dir, 2)
		if _, err := report.WritePage(dir); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"20260101T023000Z", "20260102T023000Z"}; !slices.Equal(report.Pruned.Pages, want) || len(report.Warnings) > 0 {
		t.Errorf("pruned %v, warned %v", report.Pruned.Pages, report.Warnings)
	}
	var left []string
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if want := []string{"20260101T0230Z", "20260103T023000Z", "20260104T023000Z", "notesTofZ"}; !slices.Equal(left, want) {
		t.Errorf("left %v, want %v", left, want)
	}
}
