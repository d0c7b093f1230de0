package wal_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/auspex-project/auspex/internal/wal"
	"github.com/auspex-project/auspex/internal/wal/waltest"
)

// frames writes one frame per group of records and returns the only segment's
// bytes and where each frame ends.
func frames(t testing.TB, groups [][]string) (name string, data []byte, ends []int64) {
	t.Helper()
	disk := waltest.NewDisk(1 << 30)
	l := open(t, "log", wal.Options{FS: disk})
	for _, g := range groups {
		appendAll(t, l, g...)
		ends = append(ends, l.Bytes())
	}
	names, contents := disk.Files("log")
	return names[0], contents[names[0]], ends
}

// diskWith returns a disk that holds one file.
func diskWith(name string, data []byte) *waltest.Disk {
	disk := waltest.NewDisk(1 << 30)
	disk.Put(name, data)
	return disk
}

var groups = [][]string{{"one"}, {"two", "three"}, {strings.Repeat("four", 50)}, {"five", "", "seven"}, {"eight"}}

// Whatever number of bytes a crash leaves of the last write, the frames before
// it are read back and the log goes on behind them.
func TestTornAtEveryByte(t *testing.T) {
	name, data, ends := frames(t, groups)
	for cut := 24; cut < len(data); cut++ { // a segment has its name only with its header
		var want []string
		for i, end := range ends {
			if int64(cut) >= end {
				want = append(want, groups[i]...)
			}
		}
		disk := diskWith(name, data[:cut])
		seen, err := wal.OpenReadOnly("log", wal.Options{FS: disk})
		if err != nil {
			t.Fatal(err)
		}
		if torn := cut > 24 && !slices.Contains(ends, int64(cut)); seen.Torn() != torn {
			t.Fatalf("cut at %d: torn %v", cut, seen.Torn())
		}
		l := open(t, "log", wal.Options{FS: disk})
		if p := appendAll(t, l, "next"); int(p) != len(want)+1 {
			t.Fatalf("cut at %d: append at %d, want %d", cut, p, len(want)+1)
		}
		want = append(want, "next")
		if got, _, lost := readAll(t, l, 1); !slices.Equal(got, want) || lost != nil {
			t.Fatalf("cut at %d: read %q, lost %v; want %q", cut, got, lost, want)
		}
		l.Close()
	}
}

// Whatever byte of the last frame is damaged or zeroed with those around it, in a segment's first use and in later
// ones: it is not passed over in silence. A log that was killed, and not damaged, is
// opened without a warning.
func TestDamagedLastFrameIsTold(t *testing.T) {
	for _, used := range []bool{false, true} {
		disk := waltest.NewDisk(1 << 20)
		o := wal.Options{SegmentBytes: 4 << 10, FS: disk, Reuse: true}
		l := open(t, "log", o)
		spare := func() bool {
			names, _ := disk.Files("log")
			return slices.Contains(names, "log/00000000000000000001.spare")
		}
		for used && !spare() {
			appendAll(t, l, strings.Repeat("former", 50))
			if err := l.TruncateBefore(l.End()); err != nil {
				t.Fatal(err)
			}
		}
		for used && spare() { // until it is the last segment
			appendAll(t, l, strings.Repeat("x", 300))
		}
		first := appendAll(t, l, "one", "two", "three")
		look := func(data map[string][]byte, name string, at int, damage func(b []byte)) (torn bool, logged string) {
			t.Helper()
			copied := waltest.NewDisk(1 << 20)
			for file, b := range data {
				b = bytes.Clone(b)
				if file == name && at >= 0 {
					damage(b[at:])
				}
				copied.Put(file, b)
			}
			var log strings.Builder
			o := o
			o.FS, o.Logger = copied, slog.New(slog.NewTextHandler(&log, nil))
			seen, err := wal.OpenReadOnly("log", o)
			if err != nil {
				t.Fatal(err)
			}
			again := open(t, "log", o)
			defer again.Close()
			if whole := again.End() == first+3; whole != (at < 0) {
				t.Fatalf("used %v, damaged at %d: it ends at %d", used, at, again.End())
			}
			return seen.Torn(), log.String()
		}
		names, data := disk.Files("log")
		name := ""
		for _, f := range names {
			if strings.HasSuffix(f, ".wal") {
				name = f
			}
		}
		if torn, logged := look(data, name, -1, nil); torn || logged != "" {
			t.Errorf("used %v, not damaged: torn %v, logged %q", used, torn, logged)
		}
		start := bytes.LastIndex(data[name][:bytes.Index(data[name], []byte("\x03one\x03two"))], []byte("axf1"))
		for at := start; at < start+28+14; at++ {
			if torn, logged := look(data, name, at, func(b []byte) { b[0] ^= 1 }); !torn || !strings.Contains(logged, "not whole") {
				t.Fatalf("used %v, damaged at byte %d of the last frame: torn %v, logged %q", used, at-start, torn, logged)
			}
		}
		for _, n := range []int{28, 28 + 14, 28 + 14 + 28, len(data[name]) - start} {
			if torn, logged := look(data, name, start, func(b []byte) { clear(b[:n]) }); !torn || !strings.Contains(logged, "not whole") {
				t.Errorf("used %v, %d bytes zeroed from the last frame on: torn %v, logged %q", used, n, torn, logged)
			}
		}
	}
}

// A flipped bit in the middle costs the frame it is in and no other, and the
// loss is reported with its place. One in the segment's header costs nothing.
func TestDamageAtEveryByte(t *testing.T) {
	name, data, ends := frames(t, groups)
	for at := range data {
		damaged := bytes.Clone(data)
		damaged[at] ^= 0x10
		var log bytes.Buffer
		l := open(t, "log", wal.Options{FS: diskWith(name, damaged), Logger: slog.New(slog.NewTextHandler(&log, nil))})
		first := appendAll(t, l, "next")
		got, _, lost := readAll(t, l, 1)
		l.Close()

		var want []string
		hit := -1 // the frame hit, -1 for the segment's header
		for i, end := range ends {
			if start := append([]int64{24}, ends...)[i]; int64(at) >= start && int64(at) < end {
				hit = i
			}
		}
		for i, g := range groups {
			if i != hit {
				want = append(want, g...)
			}
		}
		want = append(want, "next")
		if !slices.Equal(got, want) {
			t.Fatalf("flip at %d: read %q, want %q", at, got, want)
		}
		if first < 8 && hit != len(groups)-1 {
			t.Fatalf("flip at %d: position %d was given out twice", at, first)
		}
		// The last frame cannot be told from a torn one; it is cut, with a warning.
		if wantLost := hit >= 0 && hit < len(groups)-1; (len(lost) == 1) != wantLost || len(lost) > 1 {
			t.Fatalf("flip at %d (frame %d): lost %v", at, hit, lost)
		}
		if !strings.Contains(log.String(), filepath.Base(name)) {
			t.Fatalf("flip at %d: log %q does not name the file", at, log.String())
		}
		if hit >= 0 && hit < len(groups)-1 && lost[0].Len() != len(groups[hit]) {
			t.Fatalf("flip at %d: lost %v, want the %d records of frame %d", at, lost, len(groups[hit]), hit)
		}
	}
}

func TestDamageIsReportedOnceWithItsPlace(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, wal.Options{SegmentBytes: 4 << 10})
	for i := range 200 {
		appendAll(t, l, numbered(i*10, 10)...)
	}
	names := segments(t, dir)
	corrupt := func(name string, off int64, b []byte) {
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteAt(b, off); err != nil {
			t.Fatal(err)
		}
	}
	corrupt(names[0], 40, []byte("????"))               // in the first frame
	corrupt(names[1], 3, []byte("?"))                   // the header, which costs nothing
	if err := os.Truncate(names[2], 2000); err != nil { // records missing from the end of a full segment
		t.Fatal(err)
	}
	if err := os.Remove(names[3]); err != nil {
		t.Fatal(err)
	}
	corrupt(names[4], 0, make([]byte, 60)) // the header and the frame behind it: all of the segment
	var reports []wal.CorruptError
	r := l.Read(1)
	defer r.Close()
	intact := 0
	for {
		_, err := r.Next()
		var c *wal.CorruptError
		if errors.As(err, &c) {
			reports = append(reports, *c)
			continue
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		intact++
	}
	if len(reports) != 4 {
		t.Fatalf("%d reports, want 4: %v", len(reports), reports)
	}
	lost := 0
	for i, c := range reports {
		lost += c.Lost.Len()
		if name := names[[]int{0, 2, 3, 4}[i]]; c.File != name || c.Bound || !strings.Contains(c.Error(), name) {
			t.Errorf("report %d names %s, want %s and an exact count: %v", i, c.File, name, &c)
		}
	}
	if reports[0].Offset != 24 || reports[0].Lost != (wal.Range{From: 1, To: 11}) {
		t.Errorf("first report %v, want offset 24 and positions 1 to 10", &reports[0])
	}
	if intact+lost != 2000 || intact < 1000 {
		t.Errorf("%d read and %d lost of 2000", intact, lost)
	}
}

// Bytes of a record that look like a frame are not taken for one, even where
// the frame around them is damaged.
func TestFrameInsideRecord(t *testing.T) {
	_, inner, _ := frames(t, [][]string{{"forged"}})
	name, data, _ := frames(t, [][]string{{"a"}, {string(inner[24:])}, {"b"}})
	i := bytes.Index(data, inner[24:])
	data[i-2] ^= 1 // the header of the frame around it
	l := open(t, "log", wal.Options{FS: diskWith(name, data)})
	if got, _, lost := readAll(t, l, 1); !slices.Equal(got, []string{"a", "b"}) || len(lost) != 1 {
		t.Errorf("read %q, lost %v", got, lost)
	}
}

// FuzzSegment opens and reads arbitrary bytes as a segment: it must end, keep
// order, and leave a log that takes records and returns them after a restart.
func FuzzSegment(f *testing.F) {
	name, data, ends := frames(f, groups)
	f.Add(data)
	f.Add(data[:ends[2]-1])
	f.Add([]byte{})
	damaged := bytes.Clone(data)
	damaged[ends[0]+6] ^= 0xff
	f.Add(damaged)
	f.Add(append(bytes.Clone(data[:ends[1]]), data[ends[0]:]...)) // a frame twice
	f.Add(append(bytes.Clone(data), bytes.Repeat([]byte("axf1"), 100)...))
	f.Fuzz(func(t *testing.T, segment []byte) {
		for _, o := range []wal.Options{{}, {Reuse: true, SegmentBytes: 64 << 10}} {
			o.FS = diskWith(name, segment)
			checkSegment(t, o)
		}
	})
}

func checkSegment(t *testing.T, o wal.Options) {
	l := open(t, "log", o)
	before, _, _ := readAll(t, l, 1) // checks the order
	p := appendAll(t, l, "next")
	l.Close()
	l = open(t, "log", o)
	after, _, _ := readAll(t, l, 1)
	if !slices.Equal(after, append(before, "next")) {
		t.Errorf("before the restart %q, after it %q", before, after)
	}
	if got, first, _ := readAll(t, l, p); first != p || len(got) != 1 {
		t.Errorf("position %d holds %q", p, got)
	}
}

func TestCorruptErrorText(t *testing.T) {
	err := &wal.CorruptError{File: "/spool/1.wal", Offset: 99, Lost: wal.Range{From: 5, To: 8}}
	if want := "log segment /spool/1.wal is damaged at offset 99: 3 records from position 5 are lost"; fmt.Sprint(err) != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	err.Bound = true
	if want := "log segment /spool/1.wal is damaged at offset 99: an unknown number of records from position 5 on is lost"; fmt.Sprint(err) != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// The last segment says how many records it held only by its frames. Where those
// cannot be read the loss is reported as unknown, also after the log has gone on
// and was opened again, and no position is given out twice.
func TestUnreadableLastSegment(t *testing.T) {
	name, data, _ := frames(t, groups)
	tests := []struct {
		what string
		data []byte
	}{
		{"emptied", nil},
		{"cut in the header", data[:10]},
		{"cut behind the header, which is damaged", append(make([]byte, 10), data[10:24]...)},
		{"header and first frame zeroed", append(make([]byte, 60), data[60:]...)},
		{"zeroed", make([]byte, len(data))},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			disk := diskWith(name, test.data)
			for round := range 3 {
				l := open(t, "log", wal.Options{FS: disk})
				if round > 0 {
					appendAll(t, l, "next")
				}
				r := l.Read(1)
				_, err := r.Next()
				var c *wal.CorruptError
				if !errors.As(err, &c) || !c.Bound || c.File != name || c.Lost.From != 1 {
					t.Fatalf("round %d: %v, want an unknown number from position 1 on in %s", round, err, name)
				}
				if len(test.data) > 24 && c.Lost.Len() < 8 {
					t.Errorf("round %d: positions up to %d are taken, the segment held 8", round, c.Lost.To)
				}
				for range round {
					if rec, err := r.Next(); err != nil || string(rec.Data) != "next" {
						t.Fatalf("round %d: %q, %v behind the damage", round, rec.Data, err)
					}
				}
				if _, err := r.Next(); err != io.EOF {
					t.Errorf("round %d: %v, want the end", round, err)
				}
				r.Close()
				l.Close()
			}
		})
	}
}

// The bound drops a segment nobody can read without a count.
func TestUnreadableSegmentDropped(t *testing.T) {
	disk := waltest.NewDisk(1 << 30)
	disk.Put("log/00000000000000000001.wal", make([]byte, 4<<10))
	dropped := 0
	l := open(t, "log", wal.Options{FS: disk, SegmentBytes: 4 << 10, MaxBytes: 8 << 10, Dropped: func(r wal.Range) { dropped += r.Len() }})
	n := 0
	for l.First() == 1 {
		appendAll(t, l, strings.Repeat("x", 500))
		n++
	}
	if dropped != 0 || l.Len(1) != n || n < 3 {
		t.Errorf("%d records dropped, %d of %d left", dropped, l.Len(1), n)
	}
}

// A segment whose header is damaged is read, and not written behind: the log
// goes on in another one, without a gap.
func TestGoesOnBehindDamagedHeader(t *testing.T) {
	name, data, _ := frames(t, groups)
	for at := range 24 {
		damaged := bytes.Clone(data)
		damaged[at] ^= 0xff
		disk := diskWith(name, damaged)
		for round := range 2 {
			l := open(t, "log", wal.Options{FS: disk})
			if p := appendAll(t, l, "next"); p != wal.Position(9+round) {
				t.Fatalf("byte %d: append at %d, want %d", at, p, 9+round)
			}
			if got, _, lost := readAll(t, l, 1); len(got) != 9+round || lost != nil {
				t.Fatalf("byte %d: read %q, lost %v", at, got, lost)
			}
			l.Close()
		}
		if _, contents := disk.Files("log"); !bytes.Equal(contents[name], damaged) {
			t.Fatalf("byte %d: the damaged segment was changed", at)
		}
	}
}

// A log that ends before Start has lost what stood behind it, too.
func TestShort(t *testing.T) {
	name, data, ends := frames(t, groups)
	for _, test := range []struct {
		what  string
		data  []byte
		start wal.Position
		want  bool
	}{
		{"whole", data, 9, false},
		{"whole, from within", data, 4, false},
		{"cut", data[:ends[1]], 8, true},
		{"cut to the header", data[:24], 2, true},
		{"gone", nil, 2, true},
		{"never there", nil, 0, false},
	} {
		disk := waltest.NewDisk(1 << 20)
		if test.data != nil {
			disk.Put(name, test.data)
		}
		if got := open(t, "log", wal.Options{FS: disk, Start: test.start}).Short(); got != test.want {
			t.Errorf("%s: short is %v", test.what, got)
		}
	}
}
