package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A trace that is moved to end now is moved alike when it comes again,
// and a row with a time that cannot be is refused as a row.
func TestImportEndNowTwice(t *testing.T) {
	dir := t.TempDir()
	s := &server{path: filepath.Join(dir, "auspex.yaml")}
	s.write(t, "data_dir: "+filepath.Join(dir, "data")+"\n")
	trace := filepath.Join(dir, "usage.csv")
	begin := time.Date(2020, 1, 6, 0, 0, 0, 0, time.UTC)
	write := func(hours int, extra string) {
		t.Helper()
		rows := "time,workload,cpu,cpu_limit\n"
		for hour := range hours {
			for w := range 3 {
				rows += fmt.Sprintf("%s,w%d,%g,4\n", begin.Add(time.Duration(hour)*time.Hour).Format(time.RFC3339), w, 1+float64(hour%5)/5)
			}
		}
		if err := os.WriteFile(trace, []byte(rows+extra), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	call := func(holds string) (said string) {
		t.Helper()
		code, out, stderr := s.call(t, "", "import", "--trace", "csv:"+trace, "--end-now")
		if code != exitDone || !strings.Contains(out, "store holds "+holds+" samples") {
			t.Fatalf("exit code %d, %s%s", code, out, stderr)
		}
		return out + stderr
	}
	write(24, "")
	if said := call("72"); strings.Contains(said, "before") {
		t.Errorf("the first time it said %s", said)
	}
	if said := call("72"); !strings.Contains(said, "was imported before") {
		t.Errorf("the second time it said %s", said)
	}
	write(24, "2099-01-01T00:00:00Z,w0,1,4\n")
	if said := call("72"); !strings.Contains(said, "1 refused") || !strings.Contains(said, "is in the future") {
		t.Errorf("of a row in the future it said %s", said)
	}
	write(48, "")
	if said := call("216"); !strings.Contains(said, "has grown") {
		t.Errorf("of a longer trace it said %s", said)
	}
}

// The hint that comes with samples of the future works: a trace ahead of the clock is
// moved to end now, and what that moves before 1970 is refused as a row.
func TestImportEndNowOfATraceAhead(t *testing.T) {
	dir := t.TempDir()
	s := &server{path: filepath.Join(dir, "auspex.yaml")}
	s.write(t, "data_dir: "+filepath.Join(dir, "data")+"\n")
	trace := filepath.Join(dir, "usage.csv")
	rows, ahead := "time,workload,cpu,cpu_limit\n1970-01-01T00:00:01Z,w0,1,4\n", time.Now().AddDate(3, 0, 0)
	for hour := range 24 {
		for w := range 3 {
			rows += fmt.Sprintf("%s,w%d,1,4\n", ahead.Add(time.Duration(hour)*time.Hour).UTC().Format(time.RFC3339Nano), w)
		}
	}
	if err := os.WriteFile(trace, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		code, out, stderr := s.call(t, "", "import", "--trace", "csv:"+trace, "--end-now")
		if code != exitDone || !strings.Contains(out, "store holds 72 samples") || !strings.Contains(out, "1 refused") || !strings.Contains(out, "is not after 1970") {
			t.Fatalf("exit code %d, %s%s", code, out, stderr)
		}
	}
}
