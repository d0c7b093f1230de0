package journal

import (
	"bytes"
	"fmt"
	"github.com/auspex-project/auspex/placement/ledger"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// A snapshot that was changed by anyone is refused with a way out, and so is a
// log, unless it is to be read around, loudly.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	var logged strings.Builder
	o := Options{Log: slog.New(slog.NewTextHandler(&logged, nil))}
	j, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Compact(func() ledger.Snapshot { return snapshotOf(1, full()[:1]...) }); err != nil {
		t.Fatal(err)
	}
	for _, r := range full()[1:4] {
		if err := j.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}

	segments, err := filepath.Glob(filepath.Join(dir, "log", "*"))
	if err != nil {
		t.Fatal(err)
	}
	undrained, err := encode(nil, &full()[2])
	if err != nil {
		t.Fatal(err)
	}
	flipped := false
	for _, path := range segments {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if i := bytes.Index(data, undrained); i > 0 {
			data[i] ^= 1
			flipped = os.WriteFile(path, data, 0o600) == nil
		}
	}
	if !flipped {
		t.Fatalf("no record found to damage in %v", segments)
	}
	if j, err = Open(dir, o); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, j, "00001.wal is damaged at offset")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	o.Repair = true
	if j, err = Open(dir, o); err != nil {
		t.Fatal(err)
	}
	if got := replayed(t, j); !reflect.DeepEqual(got, []uint64{1, 2, 4}) || !strings.Contains(logged.String(), "records are lost") {
		t.Errorf("replayed %v, logged %q", got, logged.String())
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}

	path := filepath.Join(dir, snapshotName)
	snapshot, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, damage := range []struct{ name, text, want string }{
		{"flipped", strings.Replace(string(snapshot), "n1", "n2", 1), "checksum"},
		{"cut", string(snapshot[:len(snapshot)-20]), "cut short"},
		{"cut at a line", string(snapshot[:strings.IndexByte(string(snapshot), '\n')+1]), "checksum"},
	} {
		if err := os.WriteFile(path, []byte(damage.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := readSnapshot(path)
		if err == nil || !strings.Contains(err.Error(), damage.want) || !strings.Contains(err.Error(), "restore it") {
			t.Errorf("%s: %v, want %q and what to do", damage.name, err, damage.want)
		}
	}
}

// wantRefused fails when j replays, or does not say why not and how to go on.
func wantRefused(t *testing.T, j *Journal, want string) {
	t.Helper()
	var refused error
	for _, err := range j.Replay() {
		refused = err
	}
	if refused == nil {
		t.Fatal("replayed a damaged journal")
	}
	for _, part := range []string{want, j.dir, "restore the folder", "move it away"} {
		if !strings.Contains(refused.Error(), part) {
			t.Errorf("%v, want %q in it", refused, part)
		}
	}
}

// What is done to the files of a log costs no reservation in silence.
func TestDamagedLog(t *testing.T) {
	const whole = "" // nothing is lost
	tests := []struct {
		name      string
		compacted int // records, before the rest
		damage    func(t *testing.T, log string, segments []string)
		want      string // of the refusal
	}{
		{"untouched", 0, func(*testing.T, string, []string) {}, whole},
		{"untouched behind a snapshot", 100, func(*testing.T, string, []string) {}, whole},
		{"torn at the end", 0, func(t *testing.T, _ string, s []string) { cut(t, s[len(s)-1], -5) }, whole},
		{"first byte flipped", 0, func(t *testing.T, _ string, s []string) { overwrite(t, s[0], 0, "X") }, whole},
		{"first byte of the last flipped", 0, func(t *testing.T, _ string, s []string) { overwrite(t, s[len(s)-1], 0, "X") }, whole},
		{"first kilobyte zeroed", 0, func(t *testing.T, _ string, s []string) { overwrite(t, s[0], 0, strings.Repeat("\x00", 1024)) }, "1.wal is damaged at offset 0"},
		{"in a frame", 0, func(t *testing.T, _ string, s []string) { overwrite(t, s[0], 40, "?") }, "1.wal is damaged at offset 24"},
		{"first emptied", 0, func(t *testing.T, _ string, s []string) { cut(t, s[0], 0) }, "1.wal is damaged at offset 0"},
		{"last emptied", 0, func(t *testing.T, _ string, s []string) { cut(t, s[len(s)-1], 0) }, "unknown number of records"},
		{"last emptied behind a snapshot", 100, func(t *testing.T, _ string, s []string) { cut(t, s[len(s)-1], 0) }, "unknown number of records"},
		{"only one emptied, behind a snapshot of all", 200, func(t *testing.T, _ string, s []string) { cut(t, s[len(s)-1], 0) }, "unknown number of records"},
		{"cut before the snapshot", 200, func(t *testing.T, _ string, s []string) { cut(t, s[len(s)-1], 24) }, "ends before record 201"},
		{"first gone", 0, func(t *testing.T, _ string, s []string) { remove(t, s[0]) }, "begins with record"},
		{"middle gone", 0, func(t *testing.T, _ string, s []string) { remove(t, s[1]) }, "1.wal is damaged at offset"},
		{"all gone behind a snapshot", 100, func(t *testing.T, log string, _ []string) { remove(t, log) }, "ends before record 101"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			var logged strings.Builder
			o := Options{SegmentBytes: 4 << 10, Log: slog.New(slog.NewTextHandler(&logged, nil))}
			open := func() *Journal {
				t.Helper()
				j, err := Open(dir, o)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { j.Close() })
				return j
			}
			j := open()
			for seq := uint64(1); seq <= 200; seq++ {
				r := ledger.Record{Seq: seq, Kind: ledger.NodeDrained, Name: fmt.Sprintf("node-%d", seq)}
				if err := j.Append(r); err != nil {
					t.Fatal(err)
				}
				if int(seq) == test.compacted {
					if err := j.Compact(func() ledger.Snapshot { return snapshotOf(seq, r) }); err != nil {
						t.Fatal(err)
					}
				}
			}
			j.Close()
			segments, err := filepath.Glob(filepath.Join(dir, "log", "*.wal"))
			if err != nil || len(segments) < 3 && test.compacted == 0 {
				t.Fatalf("segments %v, %v", segments, err)
			}
			test.damage(t, filepath.Join(dir, "log"), segments)

			for range 2 { // it refuses again
				j = open()
				if test.want != whole {
					wantRefused(t, j, test.want)
				} else if got := replayed(t, j); len(got) < min(199, 201-test.compacted) {
					t.Errorf("replayed %d records", len(got))
				}
				j.Close()
			}
			logged.Reset()
			o.Repair = true
			replayed(t, open())
			if lost := strings.Contains(logged.String(), "records are lost"); lost != (test.want != whole) {
				t.Errorf("repair logged %q", logged.String())
			}
		})
	}
}

func overwrite(t *testing.T, path string, offset int64, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(text), offset); err != nil {
		t.Fatal(err)
	}
}

// cut cuts a file to size, or by as much where size is negative.
func cut(t *testing.T, path string, size int64) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if size < 0 {
		size += info.Size()
	}
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}
