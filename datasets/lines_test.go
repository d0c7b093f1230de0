package datasets

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"
)

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, text)
	w.Close()
	return b.String()
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 3*readBuffer)
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"none", "", nil},
		{"ends", "a\nb\r\nc", []string{"a", "b", "c"}},
		{"blank", "\n\na\n", []string{"", "", "a"}},
		{"byte order mark", "\xef\xbb\xbfa\n\xef\xbb\xbfb\n", []string{"a", "\xef\xbb\xbfb"}},
		{"long", "a\n" + long + "\nb", []string{"a", long, "b"}},
		{"starts like gzip", "\x1f", []string{"\x1f"}},
	} {
		for _, form := range []string{test.text, gzipped(test.text), gzipped(test.text[:len(test.text)/2]) + gzipped(test.text[len(test.text)/2:])} {
			path := filepath.Join(t.TempDir(), "file")
			write(t, path, form)
			fs, err := findFiles(path)
			if err != nil {
				t.Fatal(err)
			}
			l, err := fs.open(path)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for {
				line, err := l.next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(line))
				if l.number != len(got) {
					t.Errorf("%s: line %d is numbered %d", test.name, len(got), l.number)
				}
			}
			l.close()
			if !slices.Equal(got, test.want) {
				t.Errorf("%s: got %.60q, want %.60q", test.name, got, test.want)
			}
			if done, total := fs.progress(); done != total || total != int64(len(form)) {
				t.Errorf("%s: progress %d of %d, file of %d", test.name, done, total, len(form))
			}
		}
	}
}

func TestNaturalOrder(t *testing.T) {
	want := []string{"a", "a-2-of-10", "a-9-of-10", "a-10-of-10", "a010", "b/1.csv", "b/2.csv", "b/10.csv", "b/100", "b/x"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, compareNatural)
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a0-2]{0,4}`)
		a, b, c := name.Draw(t, "a"), name.Draw(t, "b"), name.Draw(t, "c")
		if compareNatural(a, b) != -compareNatural(b, a) || (compareNatural(a, b) == 0) != (a == b) {
			t.Errorf("%q and %q", a, b)
		}
		if compareNatural(a, b) < 0 && compareNatural(b, c) < 0 && compareNatural(a, c) >= 0 {
			t.Errorf("%q < %q < %q, yet not %q < %q", a, b, c, a, c)
		}
	})
}

func TestFindFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"10.csv", "9.csv", "sub/1.csv", "README.md", "LICENSE", "notes.md", ".hidden", ".git/config"} {
		write(t, filepath.Join(dir, name), "x")
	}
	if err := os.Symlink(filepath.Join(dir, "9.csv"), filepath.Join(dir, "11.csv")); err != nil {
		t.Fatal(err)
	}
	fs, err := findFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range fs.list {
		name, _ := filepath.Rel(dir, f.path)
		got = append(got, name)
	}
	if want := []string{"9.csv", "10.csv", "11.csv", "sub/1.csv"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNumber(t *testing.T) {
	for _, text := range []string{"0", "1", "-1", "747.1", "0.1", ".5", "5.", "123456789012345", "0.000000000000001", "1234567890123456789",
		"0.12345678901234567", "1e5", "1E-3", "-0", "-.5", "", "-", ".", "1.2.3", "NaN", "inf", "0x1p4", "1_000", " 1", "1e999", "+1"} {
		want, err := strconv.ParseFloat(text, 64)
		wantOK := err == nil && want-want == 0
		got, ok := number([]byte(text))
		if ok != wantOK || ok && got != want {
			t.Errorf("%q: got %v, %v, want %v, %v", text, got, ok, want, wantOK)
		}
	}
}

func FuzzNumber(f *testing.F) {
	for _, seed := range []string{"747.1", "-12", "1e-7", "999999999999999", "99999999999999.9", "0000000000000000001"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, err := strconv.ParseFloat(text, 64)
		wantOK := err == nil && want-want == 0
		if got, ok := number([]byte(text)); ok != wantOK || ok && got != want {
			t.Errorf("%q: got %v, %v, want %v, %v", text, got, ok, want, wantOK)
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if got, ok := integer([]byte(text)); ok && (err != nil || got != n) {
			t.Errorf("%q: integer %d, want %d, %v", text, got, n, err)
		}
	})
}

// pipe returns the path of a named pipe that is fed by writing to it.
func pipe(t testing.TB, name string, feed func(io.Writer) error) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		w, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			done <- err
			return
		}
		err = feed(w)
		done <- errors.Join(err, w.Close())
	}()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return path
}

// TestMemory feeds each reader that may meet a long file with a file without
// end, as far as memory is concerned, and compares the heap early and late.
func TestMemory(t *testing.T) {
	const rows = 400_000
	for _, test := range []struct {
		format, file, head string
		row                func(i int) string
		records            int
	}{
		{"bitbrains", "a.csv", "vm,ts,cores,cpu_cap_mhz,cpu_mhz,mem_cap_kb,mem_used_kb\n",
			func(i int) string {
				return fmt.Sprintf("%d,%d,2,5852,%d.5,8388608,%d\n", i%500, 1375308176+i, i%5852, i)
			}, rows},
		{"planetlab", "20110303.csv", "", func(i int) string { return fmt.Sprintf("vm-%d,%d,2,3\n", i, i%100) }, 3 * rows},
		{"csv", "a.csv", "time,workload,cpu,memory\n", // every row another workload
			func(i int) string { return fmt.Sprintf("%d,w-%d,%d,4GiB\n", 1767600600+i, i, i%8) }, rows},
	} {
		t.Run(test.format, func(t *testing.T) {
			path := pipe(t, test.file, func(w io.Writer) error {
				buffer := []byte(test.head)
				for i := range rows {
					if buffer = append(buffer, test.row(i)...); len(buffer) > 1<<16 || i == rows-1 {
						if _, err := w.Write(buffer); err != nil {
							return err
						}
						buffer = buffer[:0]
					}
				}
				return nil
			})
			u := openUsage(t, test.format+":"+path)
			heap := func() int64 {
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				return int64(m.HeapAlloc)
			}
			n, early := 0, int64(0)
			for _, err := range u.Samples(context.Background()) {
				if err != nil {
					t.Fatal(err)
				}
				// Key caches are full by the first look: they hold mostKeys at most.
				if n++; n == test.records/2 {
					early = heap()
				}
				if n == test.records {
					if late := heap(); late > early+1<<20 && late > early+early/4 {
						t.Errorf("heap grew from %d to %d bytes over %d rows", early, late, test.records/2)
					}
				}
			}
			if n != test.records {
				t.Errorf("%d records, want %d", n, test.records)
			}
		})
	}
}

func TestStops(t *testing.T) {
	for _, ref := range []string{"bitbrains:testdata/bitbrains-compact", "planetlab:testdata/planetlab-packed", "azure:testdata/azure", "csv:testdata/csv", "synthetic:1,workloads=10,days=1"} {
		u := openUsage(t, ref)
		n := 0
		for range u.Samples(context.Background()) {
			if n++; n == 2 {
				break
			}
		}
		cancelled, cancel := context.WithCancel(context.Background())
		cancel()
		if !strings.HasPrefix(ref, formatSynthetic) { // looks at the context now and then
			for _, err := range u.Samples(cancelled) {
				if !errors.Is(err, context.Canceled) {
					t.Errorf("%s: got %v after cancelling", ref, err)
				}
				break
			}
		}
	}
}
