package sqlite

import (
	"path/filepath"
	"slices"
	"testing"
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
