package wal_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/auspex-project/auspex/internal/wal"
	"github.com/auspex-project/auspex/internal/wal/waltest"
)

// The same where the segment was used before: behind the last write stand frames of
// its former use.
func TestTornAtEveryByteOfAUsedSegment(t *testing.T) {
	name, data, ends := frames(t, groups)
	var others [][]string
	for i := range 10 {
		others = append(others, []string{strings.Repeat(fmt.Sprint(i), 60)})
	}
	_, former, _ := frames(t, others)
	for cut := 24; cut < len(data); cut++ {
		var want []string
		for i, end := range ends {
			if int64(cut) >= end {
				want = append(want, groups[i]...)
			}
		}
		var logged strings.Builder
		log := slog.New(slog.NewTextHandler(&logged, nil))
		whole := cut == 24 || slices.Contains(ends, int64(cut))
		left := append(bytes.Clone(data[:cut]), former[cut:]...)
		if whole { // as a write that succeeded leaves it
			copy(left[cut:], endOf(data, len(want)+1))
		}
		disk := diskWith(name, left)
		for _, next := range []string{"next", "and another, longer than that"} {
			l := open(t, "log", wal.Options{FS: disk, Reuse: true, Logger: log})
			if p := appendAll(t, l, next); int(p) != len(want)+1 {
				t.Fatalf("cut at %d: append at %d, want %d", cut, p, len(want)+1)
			}
			want = append(want, next)
			if got, _, lost := readAll(t, l, 1); !slices.Equal(got, want) || lost != nil {
				t.Fatalf("cut at %d: read %q, lost %v; want %q", cut, got, lost, want)
			}
			l.Close()
		}
		if warned := strings.Contains(logged.String(), "not whole"); warned == whole {
			t.Errorf("cut at %d, between frames %v: %s", cut, whole, logged.String())
		}
	}
}

// endOf returns what follows the last frame of a segment that is used again.
func endOf(segment []byte, next int) []byte {
	end := append([]byte("axf1"), make([]byte, 24)...)
	binary.LittleEndian.PutUint64(end[8:], uint64(next))
	salt := binary.LittleEndian.Uint32(segment[16:])
	binary.LittleEndian.PutUint32(end[24:], crc32.Update(salt, crc32.MakeTable(crc32.Castagnoli), end[:24]))
	return end
}

// Segments dealt with are used again, and nothing of their former use comes back.
func TestReuse(t *testing.T) {
	disk := waltest.NewDisk(1 << 20)
	o := wal.Options{SegmentBytes: 4 << 10, FS: disk, Reuse: true}
	l := open(t, "log", o)
	var all []string
	most := 0
	for round := range 40 {
		batch := numbered(round*100, 100)
		for _, r := range batch {
			appendAll(t, l, r)
		}
		all = append(all, batch...)
		from := wal.Position(max(1, len(all)-150))
		if err := l.TruncateBefore(from); err != nil {
			t.Fatal(err)
		}
		if round%5 == 4 {
			disk.Crash(round)
			o.Start = from
			l = open(t, "log", o)
		}
		if got, _, lost := readAll(t, l, from); !slices.Equal(got, all[from-1:]) || lost != nil {
			t.Fatalf("round %d: read %d records, lost %v", round, len(got), lost)
		}
		names, _ := disk.Files("log")
		most = max(most, len(names))
	}
	if most > 10 {
		t.Errorf("%d files", most)
	}
}

// While one segment is appended to the next is filled, so that the change to it makes
// no file.
func TestReuseProvides(t *testing.T) {
	disk := waltest.NewDisk(1 << 20)
	l := open(t, "log", wal.Options{SegmentBytes: 4 << 10, FS: disk, Reuse: true})
	count := func(suffix string) (n int) {
		names, contents := disk.Files("log")
		for _, name := range names {
			if strings.HasSuffix(name, suffix) {
				n++
				if len(contents[name]) < 4<<10 {
					t.Errorf("%s has %d bytes", name, len(contents[name]))
				}
			}
		}
		return n
	}
	for i := range 100 {
		before := count(".wal")
		spares := count(".spare")
		appendAll(t, l, strings.Repeat("x", 200))
		if i > 0 && count(".wal") > before && spares == 0 {
			t.Errorf("append %d made a segment that was not provided", i)
		}
	}
	if count(".wal") < 4 {
		t.Errorf("%d segments", count(".wal"))
	}
}

// A disk with less room than a segment takes records as long as they fit.
func TestReuseOnAFullDisk(t *testing.T) {
	disk := waltest.NewDisk(2 << 10)
	l := open(t, "log", wal.Options{SegmentBytes: 4 << 10, FS: disk, Reuse: true})
	appendAll(t, l, "one")
	if got, _, lost := readAll(t, l, 1); !slices.Equal(got, []string{"one"}) || lost != nil {
		t.Errorf("read %q, lost %v", got, lost)
	}
}
