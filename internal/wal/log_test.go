package wal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auspex-project/auspex/internal/wal"
	"github.com/auspex-project/auspex/internal/wal/waltest"
)

func open(t testing.TB, dir string, opts wal.Options) *wal.Log {
	t.Helper()
	l, err := wal.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func appendAll(t testing.TB, l *wal.Log, records ...string) wal.Position {
	t.Helper()
	p, err := l.Append(bytesOf(records)...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func bytesOf(records []string) [][]byte {
	out := make([][]byte, len(records))
	for i, r := range records {
		out[i] = []byte(r)
	}
	return out
}

// readAll returns the records from position from on, and what was lost on the way.
func readAll(t testing.TB, l *wal.Log, from wal.Position) (records []string, first wal.Position, lost []wal.Range) {
	t.Helper()
	r := l.Read(from)
	defer r.Close()
	next := wal.Position(0)
	for {
		rec, err := r.Next()
		var corrupt *wal.CorruptError
		switch {
		case err == io.EOF:
			return records, first, lost
		case errors.As(err, &corrupt):
			lost = append(lost, corrupt.Lost)
			next = corrupt.Lost.To
			continue
		case err != nil:
			t.Fatal(err)
		}
		if first == 0 {
			first = rec.Position
		} else if rec.Position != next {
			t.Fatalf("record at %d after %d", rec.Position, next-1)
		}
		next = rec.Position + 1
		records = append(records, string(rec.Data))
	}
}

func numbered(from, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("record %d", from+i)
	}
	return out
}

func segments(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.wal"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestAppendReadReopen(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, wal.Options{})
	if p := appendAll(t, l, "a", "", "c"); p != 1 {
		t.Errorf("first append at %d, want 1", p)
	}
	if p := appendAll(t, l, "d"); p != 4 {
		t.Errorf("second append at %d, want 4", p)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append([]byte("x")); !errors.Is(err, wal.ErrClosed) {
		t.Errorf("append to a closed log: %v, want ErrClosed", err)
	}
	l = open(t, dir, wal.Options{})
	appendAll(t, l, "e")
	for from, want := range map[wal.Position][]string{
		0: {"a", "", "c", "d", "e"},
		3: {"c", "d", "e"},
		5: {"e"},
		6: nil,
		9: nil,
	} {
		got, _, lost := readAll(t, l, from)
		if !slices.Equal(got, want) || lost != nil {
			t.Errorf("read from %d: %q, lost %v; want %q", from, got, lost, want)
		}
	}
}

// A look at a log changes nothing, be it in use, and sees what a crash tore.
func TestOpenReadOnly(t *testing.T) {
	for _, reuse := range []bool{false, true} {
		disk := waltest.NewDisk(1 << 20)
		o := wal.Options{FS: disk, Reuse: reuse, SegmentBytes: 8 << 10}
		l := open(t, "log", o)
		all := numbered(0, 300)
		for _, r := range all {
			appendAll(t, l, r)
		}
		if err := l.TruncateBefore(3); err != nil {
			t.Fatal(err)
		}
		look := func(torn bool) {
			t.Helper()
			_, before := disk.Files("log")
			seen, err := wal.OpenReadOnly("log", o)
			if err != nil {
				t.Fatal(err)
			}
			if got, _, lost := readAll(t, seen, 1); !slices.Equal(got, all) || lost != nil || seen.Torn() != torn {
				t.Errorf("reuse %v: %d records, lost %v, torn %v", reuse, len(got), lost, seen.Torn())
			}
			if _, err := seen.Append([]byte("x")); !errors.Is(err, wal.ErrClosed) {
				t.Errorf("append to a log that is looked at: %v", err)
			}
			if err := seen.Close(); err != nil {
				t.Error(err)
			}
			if _, after := disk.Files("log"); !maps.EqualFunc(before, after, bytes.Equal) {
				t.Errorf("reuse %v: a look changed the files", reuse)
			}
		}
		look(false)
		disk.FailSyncs(errors.New("no power"))
		l.Append([]byte(strings.Repeat("torn", 20)))
		disk.FailSyncs(nil)
		disk.Crash(40)
		look(false) // what was written had been cut off again
		l = open(t, "log", o)
		appendAll(t, l, all...)
		all = append(all, all...)
		look(false)
	}
	if _, err := wal.OpenReadOnly(filepath.Join(t.TempDir(), "none"), wal.Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, wal.Options{})
	if _, err := wal.Open(dir, wal.Options{}); !errors.Is(err, wal.ErrLocked) {
		t.Errorf("second open: %v, want ErrLocked", err)
	}
	for _, opts := range []wal.Options{{SegmentBytes: 10}, {MaxBytes: -1}, {MaxBytes: 5000}, {MaxBytes: 1 << 20, SegmentBytes: 1 << 20}} {
		if l, err := wal.Open(t.TempDir(), opts); err == nil {
			l.Close()
			t.Errorf("open with %+v succeeded", opts)
		}
	}
}

func TestTruncateBefore(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, wal.Options{SegmentBytes: 4 << 10})
	for i := range 100 {
		appendAll(t, l, numbered(i*10, 10)...)
	}
	before := len(segments(t, dir))
	if err := l.TruncateBefore(501); err != nil {
		t.Fatal(err)
	}
	if after := len(segments(t, dir)); after >= before || before < 3 {
		t.Errorf("%d segments before, %d after", before, after)
	}
	if first := l.First(); first > 501 || first < 300 {
		t.Errorf("first kept position %d, want at most 501 and near it", first)
	}
	got, first, _ := readAll(t, l, 1)
	if first != l.First() || len(got) != 1001-int(first) {
		t.Errorf("read %d records from %d", len(got), first)
	}
	if err := l.TruncateBefore(l.End()); err != nil {
		t.Fatal(err)
	}
	if got, _, _ := readAll(t, l, l.End()); len(got) != 0 {
		t.Errorf("read %q from the end", got)
	}
}

func TestReaderFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := open(t, t.TempDir(), wal.Options{SegmentBytes: 4 << 10})
		var got []string
		var wg sync.WaitGroup
		wg.Go(func() {
			r := l.Read(1)
			defer r.Close()
			for len(got) < 1000 {
				rec, err := r.Next()
				if err == io.EOF {
					if err := r.Wait(t.Context()); err != nil {
						t.Error(err)
						return
					}
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				got = append(got, string(rec.Data))
			}
		})
		for i := range 200 {
			if i%10 == 0 {
				time.Sleep(time.Second) // let the reader catch up
			}
			appendAll(t, l, numbered(i*5, 5)...)
		}
		wg.Wait()
		if want := numbered(0, 1000); !slices.Equal(got, want) {
			t.Errorf("followed %d records, want %d in order", len(got), len(want))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := l.Wait(ctx, l.End()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("wait for nothing: %v", err)
		}
	})
}

func TestConcurrentAppends(t *testing.T) {
	l := open(t, t.TempDir(), wal.Options{SegmentBytes: 64 << 10})
	const callers, each = 32, 100
	at := make([]map[wal.Position]string, callers)
	var wg sync.WaitGroup
	for c := range callers {
		at[c] = map[wal.Position]string{}
		wg.Go(func() {
			for i := range each {
				pair := []string{fmt.Sprint(c, " ", i, " a"), fmt.Sprint(c, " ", i, " b")}
				p, err := l.Append(bytesOf(pair)...)
				if err != nil {
					t.Error(err)
					return
				}
				at[c][p], at[c][p+1] = pair[0], pair[1]
			}
		})
	}
	wg.Wait()
	got, _, _ := readAll(t, l, 1)
	if len(got) != 2*callers*each {
		t.Fatalf("read %d records, want %d", len(got), 2*callers*each)
	}
	for _, m := range at {
		for p, want := range m {
			if got[p-1] != want {
				t.Fatalf("position %d holds %q, want %q", p, got[p-1], want)
			}
		}
	}
}

func TestBoundDropsOldest(t *testing.T) {
	dir := t.TempDir()
	var lost []wal.Range
	opts := wal.Options{MaxBytes: 32 << 10, SegmentBytes: 4 << 10, Dropped: func(r wal.Range) { lost = append(lost, r) }}
	l := open(t, dir, opts)
	appendAll(t, l, numbered(0, 10)...)
	if err := l.TruncateBefore(6); err != nil {
		t.Fatal(err)
	}
	for i := 10; i < 10000; i += 10 {
		appendAll(t, l, numbered(i, 10)...)
		if l.Bytes() > opts.MaxBytes {
			t.Fatalf("%d bytes, over the bound", l.Bytes())
		}
	}
	next := wal.Position(6) // 1..5 were no longer of interest
	for _, r := range lost {
		if r.From != next {
			t.Fatalf("dropped %v, want from %d", r, next)
		}
		next = r.To
	}
	got, first, _ := readAll(t, l, 1)
	if first != next || len(got) != 10001-int(first) || len(got) < 500 {
		t.Errorf("kept %d records from %d, reported lost up to %d", len(got), first, next)
	}
	if onDisk := diskUse(t, dir); onDisk != l.Bytes() {
		t.Errorf("%d bytes on disk, %d reported", onDisk, l.Bytes())
	}
	if _, err := l.Append(make([]byte, opts.MaxBytes)); !errors.Is(err, wal.ErrTooLarge) {
		t.Errorf("append of more than the bound: %v", err)
	}
}

func diskUse(t testing.TB, dir string) (sum int64) {
	for _, name := range segments(t, dir) {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		sum += info.Size()
	}
	return sum
}

func TestReaderPassesDroppedSegments(t *testing.T) {
	l := open(t, t.TempDir(), wal.Options{MaxBytes: 16 << 10, SegmentBytes: 4 << 10})
	appendAll(t, l, numbered(0, 10)...)
	r := l.Read(1)
	defer r.Close()
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	for i := 10; i < 5000; i += 10 {
		appendAll(t, l, numbered(i, 10)...)
	}
	for range 9 { // the rest of the frame it holds
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	rec, err := r.Next()
	if err != nil || rec.Position != l.First() || string(rec.Data) != fmt.Sprintf("record %d", l.First()-1) {
		t.Errorf("after the drop: %d %q, %v; want position %d", rec.Position, rec.Data, err, l.First())
	}
}

// A write that fails names the segment as it is found on disk, not as it was made.
func TestFailedWriteNamesTheSegment(t *testing.T) {
	l := open(t, "log", wal.Options{FS: waltest.NewDisk(4 << 10)})
	for range 100 {
		if _, err := l.Append(make([]byte, 100)); err != nil {
			if !strings.Contains(err.Error(), ".wal: ") || strings.Contains(err.Error(), ".tmp") {
				t.Errorf("append: %v, want the name of the segment", err)
			}
			return
		}
	}
	t.Fatal("the disk was never full")
}

func TestFullDisk(t *testing.T) {
	const dir = "log"
	disk := waltest.NewDisk(6 << 10)
	l := open(t, dir, wal.Options{SegmentBytes: 4 << 10, FS: disk})
	var want []string
	failures := 0
	for i := range 2000 {
		if i == 1000 {
			disk.SetFree(1 << 20)
		}
		r := fmt.Sprintf("record %d", i)
		if _, err := l.Append([]byte(r)); err == nil {
			want = append(want, r)
		} else if failures++; !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), dir) {
			t.Fatalf("append: %v, want ENOSPC and the file's name", err)
		}
	}
	if failures < 500 || len(want) < 1000 {
		t.Fatalf("%d appends failed, %d succeeded", failures, len(want))
	}
	if got, _, lost := readAll(t, l, 1); !slices.Equal(got, want) || lost != nil {
		t.Errorf("read %d records, want the %d acknowledged; lost %v", len(got), len(want), lost)
	}
	l.Close()
	l = open(t, dir, wal.Options{FS: disk})
	if got, _, lost := readAll(t, l, 1); !slices.Equal(got, want) || lost != nil {
		t.Errorf("reopened: read %d records, want the %d acknowledged; lost %v", len(got), len(want), lost)
	}
}

func TestFailingDisk(t *testing.T) {
	broken := errors.New("input/output error")
	for name, fail := range map[string]func(*waltest.Disk, error){
		"write": (*waltest.Disk).FailWrites,
		"sync":  (*waltest.Disk).FailSyncs,
	} {
		t.Run(name, func(t *testing.T) {
			disk := waltest.NewDisk(1 << 30)
			l := open(t, "log", wal.Options{FS: disk})
			appendAll(t, l, "a")
			fail(disk, broken)
			for range 3 {
				if _, err := l.Append([]byte("lost"), []byte("lost too")); !errors.Is(err, broken) {
					t.Fatalf("append: %v, want %v", err, broken)
				}
			}
			fail(disk, nil)
			if p := appendAll(t, l, "b"); p != 2 {
				t.Errorf("append after the failure at %d, want 2", p)
			}
			l.Close()
			l = open(t, "log", wal.Options{FS: disk})
			if got, _, lost := readAll(t, l, 1); !slices.Equal(got, []string{"a", "b"}) || lost != nil {
				t.Errorf("read %q, lost %v", got, lost)
			}
		})
	}
}

func TestStartIsNeverReused(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, wal.Options{})
	appendAll(t, l, numbered(0, 10)...)
	l.Close()

	// The operator has emptied the directory, or the tail was lost with the disk's cache.
	for _, remove := range []bool{false, true} {
		if remove {
			for _, name := range segments(t, dir) {
				os.Remove(name)
			}
		}
		l = open(t, dir, wal.Options{Start: 1000})
		if p := appendAll(t, l, "new"); p < 1000 {
			t.Errorf("append at %d, below the start of 1000", p)
		}
		if got, _, lost := readAll(t, l, 1000); got[len(got)-1] != "new" || lost != nil {
			t.Errorf("read %q, lost %v", got, lost)
		}
		l.Close()
	}
}

func BenchmarkAppend(b *testing.B) {
	record := make([]byte, 200)
	for _, reuse := range []bool{false, true} {
		for _, callers := range []int{1, 16, 256, 1024} {
			b.Run(fmt.Sprintf("reuse=%v/callers=%d", reuse, callers), func(b *testing.B) {
				l := open(b, b.TempDir(), wal.Options{Reuse: reuse})
				if _, err := l.Append(record); err != nil { // the segment is there
					b.Fatal(err)
				}
				b.SetParallelism(callers)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if _, err := l.Append(record); err != nil {
							b.Error(err)
						}
					}
				})
				if got := int(l.End()) - 2; got != b.N {
					b.Fatalf("%d records in the log, want %d", got, b.N)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
			})
		}
	}
}

func BenchmarkRead(b *testing.B) {
	l := open(b, b.TempDir(), wal.Options{})
	batch := make([][]byte, 1000)
	for i := range batch {
		batch[i] = make([]byte, 100)
	}
	for range 1000 {
		if _, err := l.Append(batch...); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		r := l.Read(1)
		n := 0
		for {
			_, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		r.Close()
		if n != 1_000_000 {
			b.Fatalf("read %d records", n)
		}
	}
	b.ReportMetric(1e6*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
