package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/internal/store/sqlite"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

func someSample(workload string, second int64) timeseries.Sample {
	return timeseries.Sample{
		Key:   timeseries.Key{Workload: workload, Class: "batch", Source: "test"},
		Time:  time.Unix(1_700_000_000+second, 0).UTC(),
		Usage: resource.Of(0.5, 1<<30),
	}
}

func write(t *testing.T, s *sqlite.Store, samples ...timeseries.Sample) {
	t.Helper()
	if err := s.Write(t.Context(), samples); err != nil {
		t.Fatal(err)
	}
}

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new folder", "odd name?#%41 &.db")
	first, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	write(t, first, someSample("a", 0))
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the file is not where it was asked for: %v", err)
	}
	if files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); err != nil || len(files) != 1 {
		t.Errorf("a closed history is the files %v, want one", files)
	}
	second := open(t, path, sqlite.Options{})
	write(t, second, someSample("a", 0), someSample("a", 1))
	counts(t, second, store.Query{}, 2)
}

func TestReadOnlyBesideAWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	writer := open(t, path, sqlite.Options{})
	reader := open(t, path, sqlite.Options{ReadOnly: true})
	write(t, writer, someSample("a", 0))
	counts(t, reader, store.Query{}, 1)

	err := reader.Write(t.Context(), []timeseries.Sample{someSample("a", 1)})
	if !errors.Is(err, store.ErrRefused) {
		t.Errorf("write: %v, want it refused", err)
	}
	if _, err := reader.DeleteBefore(t.Context(), time.Now()); !errors.Is(err, store.ErrRefused) {
		t.Errorf("delete: %v, want it refused", err)
	}
	counts(t, writer, store.Query{}, 1)
}

func TestReadOnlyNeedsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "history.db")
	_, err := sqlite.Open(path, sqlite.Options{ReadOnly: true})
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("open: %v, want an error that names the file", err)
	}
	if _, err := os.Stat(filepath.Dir(path)); err == nil {
		t.Error("opening read-only made a folder")
	}
}

// Files that are not ours, or of another version, are refused and not changed.
func TestForeignFiles(t *testing.T) {
	for name, c := range map[string]struct {
		make func(t *testing.T, path string)
		want string
	}{
		"text": {func(t *testing.T, path string) {
			if err := os.WriteFile(path, bytes.Repeat([]byte("not a database\n"), 500), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "no SQLite database"},
		"another program": {func(t *testing.T, path string) { execute(t, path, "CREATE TABLE books(title)") }, "another program"},
		"a newer version": {func(t *testing.T, path string) {
			if err := open(t, path, sqlite.Options{}).Close(); err != nil {
				t.Fatal(err)
			}
			execute(t, path, "PRAGMA user_version=99")
		}, "schema version 99"},
		"an empty database opened to read": {func(t *testing.T, path string) {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "nothing in it"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "history.db")
			c.make(t, path)
			before := read(t, path)
			_, err := sqlite.Open(path, sqlite.Options{ReadOnly: strings.Contains(name, "to read")})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("open: %v, want the path and %q", err, c.want)
			}
			if !bytes.Equal(before, read(t, path)) {
				t.Error("the file has changed")
			}
		})
	}
}

func execute(t *testing.T, path, statement string) {
	t.Helper()
	db := rawDB(t, path)
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestDamagedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	s := open(t, path, sqlite.Options{})
	var batch []timeseries.Sample
	for i := range int64(5000) {
		batch = append(batch, someSample("a", i))
	}
	write(t, s, batch...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	content := read(t, path)
	for i := 3 * 4096; i < len(content)-4096; i += 4096 {
		clear(content[i : i+4096])
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	damaged := open(t, path, sqlite.Options{})
	var failed error
	for _, err := range damaged.Scan(t.Context(), store.Query{}) {
		failed = err
	}
	if !errors.Is(failed, store.ErrUnavailable) || !strings.Contains(failed.Error(), "damaged") {
		t.Errorf("scan: %v, want it to say that the file is damaged", failed)
	}
}

func TestLockedByAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	s := open(t, path, sqlite.Options{LockTimeout: time.Millisecond})
	other, err := rawDB(t, path).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	samples := []timeseries.Sample{someSample("a", 0)}
	if err := s.Write(t.Context(), samples); !errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrRefused) {
		t.Errorf("write: %v, want it unavailable", err)
	}
	counts(t, s, store.Query{}, 0) // readers are not hindered

	patient := open(t, path, sqlite.Options{LockTimeout: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := patient.Write(ctx, samples); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("write: %v, want it to end with its context", err)
	}

	if _, err := other.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	write(t, s, samples...)
	counts(t, s, store.Query{}, 1)
}

// Two processes write the same file; one must not trust what it remembers of a
// series that the other has deleted.
func TestTwoWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	a, b := open(t, path, sqlite.Options{}), open(t, path, sqlite.Options{})
	write(t, a, someSample("x", 0), someSample("y", 5))
	write(t, b, someSample("x", 1))
	if n, err := b.DeleteBefore(t.Context(), someSample("", 2).Time); n != 2 || err != nil {
		t.Fatalf("delete: %d, %v", n, err)
	}
	write(t, a, someSample("x", 3))
	for _, s := range []*sqlite.Store{a, b} {
		counts(t, s, store.Query{}, 2)
		counts(t, s, store.Query{Workloads: []string{"x"}}, 1)
	}
}

// More kinds of samples than a writer keeps statements for.
func TestManyColumnSets(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "history.db"), sqlite.Options{})
	var want []timeseries.Sample
	for set := 1; set < 1<<len(resource.Standard()); set++ {
		x := someSample("a", int64(set))
		x.Usage = resource.Vector{}
		for i, n := range resource.Standard() {
			if set&(1<<i) != 0 {
				x.Usage = x.Usage.With(n, float64(set))
				x.Limit = x.Limit.With(n, float64(i))
			}
		}
		want = append(want, x)
	}
	write(t, s, want...)
	i := 0
	for x, err := range s.Scan(t.Context(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if !x.Usage.Equal(want[i].Usage) || !x.Limit.Equal(want[i].Limit) {
			t.Fatalf("sample %d: %v of %v, want %v of %v", i, x.Usage, x.Limit, want[i].Usage, want[i].Limit)
		}
		i++
	}
}

// An operator reads the view with the sqlite3 shell.
func TestOperatorsView(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	s := open(t, path, sqlite.Options{})
	x := someSample("web-1", 0)
	x.Time = x.Time.Add(7 * time.Millisecond)
	x.Usage = x.Usage.With("licence/x", 3)
	x.Limit = resource.Of(2, 4<<30)
	write(t, s, x)
	rows, err := rawDB(t, path).Query("SELECT * FROM usage")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values, targets := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	if !rows.Next() {
		t.Fatal("the view is empty")
	}
	if err := rows.Scan(targets...); err != nil {
		t.Fatal(err)
	}
	for column, want := range map[string]any{
		"workload": "web-1", "class": "batch", "time": "2023-11-14T22:13:20.007Z", "cpu_cores": 0.5, "memory_bytes": float64(1 << 30),
		"gpu_devices": nil, "limit_cpu_cores": 2.0, "limit_memory_bytes": float64(4 << 30), "custom": `{"usage":{"licence/x":3},"limit":{}}`,
	} {
		if i := slices.Index(columns, column); i < 0 || values[i] != want {
			t.Errorf("column %s is not %v: %v %v", column, want, columns, values)
		}
	}
	for _, n := range resource.Standard() {
		for _, prefix := range []string{"", "limit_"} {
			if !slices.ContainsFunc(columns, func(c string) bool { return strings.HasPrefix(c, prefix+string(n)+"_") }) {
				t.Errorf("no column of the view is %s%s", prefix, n)
			}
		}
	}
}
