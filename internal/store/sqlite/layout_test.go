package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// The columns of the file are those the code reads and writes, in its order.
func TestSchemaHasTheLayout(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "history.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rows, err := s.readers.Query("SELECT name FROM pragma_table_info('sample')")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var stored []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		stored = append(stored, name)
	}
	want := []string{"series", "time"}
	for _, c := range s.layout.columns {
		want = append(want, c.name)
	}
	if !slices.Equal(stored, want) {
		t.Errorf("the table has %v, the code %v", stored, want)
	}
	if got := s.layout.all(); int(got) != 1<<len(s.layout.columns)-1 {
		t.Errorf("all columns are %b", got)
	}
}

// A commit must be on disk before it is acknowledged, since the sender then
// forgets the samples.
func TestDurability(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "history.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var synchronous int
	var mode string
	if err := s.writer.conn.QueryRowContext(t.Context(), "SELECT synchronous, journal_mode FROM pragma_synchronous, pragma_journal_mode").Scan(&synchronous, &mode); err != nil {
		t.Fatal(err)
	}
	const full = 2
	if synchronous != full || mode != "wal" {
		t.Errorf("synchronous is %d, journal mode %q", synchronous, mode)
	}
}

// A full disk refuses a batch as a whole; once there is room it is taken.
func TestFullDisk(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "history.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	limitPages := func(n int) {
		if _, err := s.writer.conn.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count=%d", n)); err != nil {
			t.Fatal(err)
		}
	}
	var batch []timeseries.Sample
	for i := range 2000 {
		batch = append(batch, timeseries.Sample{
			Key:  timeseries.Key{Workload: fmt.Sprint("w", i%7)},
			Time: time.Unix(1_700_000_000+int64(i), 0), Usage: resource.Of(1, float64(i)),
		})
	}
	limitPages(10)
	if err := s.Write(t.Context(), batch); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "free disk space") {
		t.Errorf("write to a full disk: %v, want it unavailable", err)
	}
	if n, err := s.Count(t.Context(), store.Query{}); n != 0 || err != nil {
		t.Errorf("a part of the batch was kept: %d, %v", n, err)
	}
	limitPages(1 << 20)
	if err := s.Write(t.Context(), batch); err != nil {
		t.Error(err)
	}
	if n, err := s.Count(t.Context(), store.Query{}); n != 2000 || err != nil {
		t.Errorf("count: %d, %v", n, err)
	}
}
