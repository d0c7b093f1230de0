package sqlite_test

import (
	"bufio"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/internal/store/sqlite"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

const (
	crashPath  = "AUSPEX_SQLITE_CRASH_PATH"
	crashFirst = "AUSPEX_SQLITE_CRASH_FIRST"

	crashBatch = 400
)

// crashSamples is the batch number n: every batch adds a sample to each series.
func crashSamples(n int) []timeseries.Sample {
	batch := make([]timeseries.Sample, crashBatch)
	for i := range batch {
		batch[i] = timeseries.Sample{
			Key:   timeseries.Key{Workload: fmt.Sprint("w", i), Source: "crash"},
			Time:  time.UnixMilli(1_700_000_000_000 + int64(n)*1000).UTC(),
			Usage: resource.Of(float64(n), float64(i)),
		}
	}
	return batch
}

// TestKilledWriter runs a writer as a process of its own, kills it by SIGKILL at
// random moments, and finds every acknowledged batch whole and no batch in part;
// also while it is being written, from this process.
func TestKilledWriter(t *testing.T) {
	if path := os.Getenv(crashPath); path != "" {
		writeUntilKilled(t, path)
		return
	}
	path := filepath.Join(t.TempDir(), "history.db")
	r := rand.New(rand.NewPCG(7, 7))
	acknowledged := 0
	for range 10 {
		acknowledged = killWriter(t, path, acknowledged, 1+r.IntN(30))
	}
	integrity(t, path)
}

func writeUntilKilled(t *testing.T, path string) {
	first, err := strconv.Atoi(os.Getenv(crashFirst))
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, path, sqlite.Options{})
	for n := first; n < first+100_000; n++ {
		if err := s.Write(t.Context(), crashSamples(n)); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Println("acknowledged", n); err != nil {
			t.Fatal(err) // the parent is gone
		}
	}
}

// killWriter starts a writer, kills it after so many acknowledgements, and
// returns the number of batches in the file.
func killWriter(t *testing.T, path string, first, after int) int {
	child := exec.Command(os.Args[0], "-test.run=^TestKilledWriter$", "-test.v")
	child.Env = append(os.Environ(), crashPath+"="+path, crashFirst+"="+strconv.Itoa(first))
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := first
	for lines := bufio.NewScanner(output); acknowledged < first+after && lines.Scan(); {
		if number, ok := strings.CutPrefix(lines.Text(), "acknowledged "); ok {
			if n, err := strconv.Atoi(number); err != nil || n != acknowledged {
				t.Fatalf("%q after %d acknowledgements", lines.Text(), acknowledged)
			}
			acknowledged++
			if acknowledged%7 == 0 {
				batches(t, path, acknowledged)
			}
		}
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // "signal: killed"
	if acknowledged < first+after {
		t.Fatalf("the writer ended by itself after %d acknowledgements", acknowledged-first)
	}
	return batches(t, path, acknowledged)
}

// batches returns how many batches the file holds, at least so many, each whole.
func batches(t *testing.T, path string, atLeast int) int {
	t.Helper()
	s, err := sqlite.Open(path, sqlite.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	count, err := s.Count(t.Context(), store.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if count%crashBatch != 0 || count < int64(atLeast)*crashBatch {
		t.Fatalf("%d samples in the file after %d acknowledged batches of %d", count, atLeast, crashBatch)
	}
	for x, err := range s.Scan(t.Context(), store.Query{Workloads: []string{"w17"}}) {
		n := (x.Time.UnixMilli() - 1_700_000_000_000) / 1000
		if err != nil || !x.Usage.Equal(resource.Of(float64(n), 17)) {
			t.Fatalf("sample %d of w17 is %v, %v", n, x.Usage, err)
		}
	}
	return int(count) / crashBatch
}

func integrity(t *testing.T, path string) {
	t.Helper()
	var verdict string
	if err := rawDB(t, path).QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Fatalf("integrity check: %s, %v", verdict, err)
	}
}

// rawDB opens the file as another program would.
func rawDB(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
