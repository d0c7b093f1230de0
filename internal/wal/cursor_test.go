package wal_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/auspex-project/auspex/internal/wal"
	"github.com/auspex-project/auspex/internal/wal/waltest"
)

func TestCursor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "ship.cursor")
	reopen := func() *wal.Cursor {
		t.Helper()
		c, err := wal.OpenCursor(nil, path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	if p := reopen().Position(); p != 0 {
		t.Errorf("new cursor at %d", p)
	}
	for want := range wal.Position(5) {
		if p, err := wal.ReadCursor(nil, path); p != want || err != nil {
			t.Fatalf("read %d, %v, want %d", p, err, want)
		}
		c := reopen()
		if c.Position() != want {
			t.Fatalf("reopened at %d, want %d", c.Position(), want)
		}
		for _, p := range []wal.Position{want + 1, want} { // the second does not move it back
			if err := c.Set(p); err != nil {
				t.Fatal(err)
			}
		}
		c.Close()
	}

	// A crash damages at most the slot being written: the other one holds.
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, slot := range []int{0, 512} {
		for at := range 20 {
			damaged := bytes.Clone(data)
			damaged[slot+at] ^= 1
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			if p := reopen().Position(); p != 4 && p != 5 {
				t.Fatalf("damaged at %d: position %d, want 4 or 5", slot+at, p)
			}
		}
	}
}

func FuzzCursor(f *testing.F) {
	disk := waltest.NewDisk(1 << 20)
	c, err := wal.OpenCursor(disk, "log/cursor")
	if err != nil {
		f.Fatal(err)
	}
	if err := c.Set(77); err != nil {
		f.Fatal(err)
	}
	_, contents := disk.Files("log")
	data := contents["log/cursor"]
	f.Add(data)
	f.Add(data[:530])
	f.Fuzz(func(t *testing.T, data []byte) {
		disk := diskWith("cursor", data)
		c, err := wal.OpenCursor(disk, "cursor")
		if err != nil {
			t.Fatal(err)
		}
		p := c.Position() + 1
		if p == 0 { // the last position there is
			return
		}
		if err := c.Set(p); err != nil {
			t.Fatal(err)
		}
		c.Close()
		c, err = wal.OpenCursor(disk, "cursor")
		if err != nil || c.Position() != p {
			t.Fatalf("set %d, reopened at %v, %v", p, c, err)
		}
		c.Close()
	})
}
