package collector

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A look at a spool counts what waits, in use or not, and tells damage.
func TestInspect(t *testing.T) {
	dir := t.TempDir()
	if _, err := Inspect(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	c, err := Open(newStore(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		mustAccept(t, c, series(fmt.Sprint("w", i), time.Now().Add(-time.Hour), 10))
	}
	look := func(waiting, damaged int) {
		t.Helper()
		s, err := Inspect(dir)
		if err != nil || s.Waiting != waiting || len(s.Damaged) != damaged || s.Bytes == 0 {
			t.Errorf("%+v, %v, want %d waiting and %d damaged", s, err, waiting, damaged)
		}
	}
	look(30, 0)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	look(30, 0)
	segments, err := filepath.Glob(filepath.Join(dir, "*.wal"))
	if err != nil || len(segments) != 1 {
		t.Fatal(segments, err)
	}
	data, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	data[60] ^= 1
	if err := os.WriteFile(segments[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
	look(20, 1)
}
