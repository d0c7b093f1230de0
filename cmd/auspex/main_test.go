package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/auspex-project/auspex/internal/app"
	"github.com/auspex-project/auspex/internal/store/journal"
	"github.com/auspex-project/auspex/internal/wal"
	"github.com/auspex-project/auspex/placement/ledger"
)

// run executes one command line and returns what it printed.
func run(t *testing.T, ctx context.Context, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = execute(ctx, args, app.IO{In: strings.NewReader(stdin), Out: &out, Err: &errs})
	return code, out.String(), errs.String()
}

func TestExitCodes(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		args   string
		code   int
		stderr string
	}{
		{"version", exitDone, ""},
		{"config validate", exitDone, ""},
		{"bogus", exitMisuse, `unknown command "bogus"`},
		{"place --bogus", exitMisuse, "unknown flag: --bogus"},
		{"place", exitMisuse, "no workload id"},
		{"place --gang", exitMisuse, "need --members"},
		{"place --members workers.yaml --class service", exitMisuse, "--class is about one workload"},
		{"place --id a --requests cpu=lots", exitMisuse, "number of cores"},
		{"explain", exitMisuse, "usage: auspex explain DECISION"},
		{"completion nushell", exitMisuse, "usage: auspex completion"},
		{"backtest --trace synthetic:1 --replicates 2000000000", exitMisuse, "want 1 to 10000"},
		{"simulate pack --nodes openb:a --pods openb:b --plot /dev/null/plots", exitFailed, "plots: mkdir /dev/null"},
		{"collect --trace nonsense", exitMisuse, "want FORMAT:PATH"},
		{"models promote learned 01ARZ3NDEKTSV4RRFFQ69G5FAV", exitMisuse, "such as learned/service/cpu"},
		{"models rollback nonsense", exitMisuse, "such as learned/service/cpu"},
		{"release", exitMisuse, "either a decision or --workload"},
		{"predict", exitMisuse, "name one of a workload"},
		{"nodes -o xml", exitMisuse, "want table, json or yaml"},
		{"import --trace nonsense", exitMisuse, "want FORMAT:PATH"},
		{"import --trace bitbrains:missing.csv", exitFailed, "missing.csv"},
		{"import", exitMisuse, "no trace"},
		{"config validate missing.yaml", exitFailed, "missing.yaml"},
		{"--server 127.0.0.1:1 nodes", exitFailed, "is 'auspex serve' running there?"},
		{"models show 01ARZ3NDEKTSV4RRFFQ69G5FAV", exitFailed, "no such artefact"},
	} {
		code, _, stderr := run(t, t.Context(), "", strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(stderr, c.stderr) {
			t.Errorf("auspex %s: exit code %d, want %d; said %q, want %q in it", c.args, code, c.code, stderr, c.stderr)
		}
	}
}

// server runs `auspex serve` on free ports until the test ends.
type server struct {
	config  string
	path    string
	address string
}

func startServer(t *testing.T) *server {
	t.Helper()
	dir := t.TempDir()
	s := &server{path: filepath.Join(dir, "auspex.yaml"), address: freeAddress(t)}
	s.config = fmt.Sprintf(`data_dir: %s
server: {grpc_address: %s, http_address: %s}
collector: {host: {interval: 1s}}
placement: {heartbeat_timeout: -1s}
`, filepath.Join(dir, "data"), s.address, freeAddress(t))
	s.write(t, s.config)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan string)
	go func() {
		code, _, stderr := run(t, ctx, "", "serve", "--config", s.path)
		ended <- fmt.Sprintf("exit code %d\n%s", code, stderr)
	}()
	t.Cleanup(func() {
		stop()
		if how := <-ended; !strings.HasPrefix(how, "exit code 0") || t.Failed() {
			t.Errorf("serve: %s", how)
		}
	})
	until(t, func() bool {
		code, _, _ := s.call(t, "", "nodes")
		return code == exitDone
	})
	return s
}

func (s *server) write(t *testing.T, config string) {
	t.Helper()
	if err := os.WriteFile(s.path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *server) call(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return run(t, t.Context(), stdin, append([]string{"--config", s.path}, args...)...)
}

// must calls a command that has to succeed and decodes its JSON.
func (s *server) must(t *testing.T, stdin string, args ...string) map[string]any {
	t.Helper()
	code, stdout, stderr := s.call(t, stdin, append(args, "-o", "json")...)
	if code != exitDone {
		t.Fatalf("auspex %s: exit code %d: %s", strings.Join(args, " "), code, stderr)
	}
	var v map[string]any
	if err := json.Unmarshal([]byte(stdout), &v); err != nil {
		t.Fatalf("auspex %s: %v in %s", strings.Join(args, " "), err, stdout)
	}
	return v
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// until polls a condition that another process or goroutine will make true.
func until(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatal("waited 30 seconds in vain")
		case <-tick.C:
		}
	}
}

const testNode = `
name: %s
capacity: {cpu: 8, memory: 32GiB}
provider: bare-metal
region: here
zone: %s
security_level: 1
power: {watts: [50, 150]}
`

// TestDay follows a scheduler and an operator through the commands against a
// running server.
func TestDay(t *testing.T) {
	s := startServer(t)
	for i, zone := range []string{"a", "a", "b"} {
		name := fmt.Sprintf("n%d", i+1)
		if code, _, stderr := s.call(t, fmt.Sprintf(testNode, name, zone), "nodes", "register", "-f", "-"); code != exitDone {
			t.Fatal(stderr)
		}
	}

	placed := s.must(t, "", "place", "--id", "web-1", "--class", "service", "--requests", "cpu=2,memory=4GiB", "--request-id", "r1", "--zone", "b")
	if placed["node"] != "n3" || placed["nodes_feasible"] != 1.0 || placed["reason"] == "" {
		t.Errorf("placed %v", placed)
	}
	decision := placed["decision_id"].(string)
	again := s.must(t, "", "place", "--id", "web-1", "--class", "service", "--requests", "cpu=2,memory=4GiB", "--request-id", "r1", "--zone", "b")
	if again["decision_id"] != decision {
		t.Errorf("the same request got decision %v, then %v", decision, again["decision_id"])
	}
	if c := s.must(t, "", "confirm", decision); c["node"] != "n3" {
		t.Errorf("confirmed %v", c)
	}
	why := s.must(t, "", "explain", decision, "--node", "n1")
	if verdict := why["verdict"].(map[string]any); why["state"] != "confirmed" || verdict["feasible"] != false {
		t.Errorf("explained %v", why)
	}
	if code, text, _ := s.call(t, "", "explain", decision, "--node", "n1"); code != exitDone || !strings.Contains(text, "n1 cannot take it") || !strings.Contains(text, "points of the chosen node") {
		t.Errorf("explained as a table:\n%s", text)
	}

	none := s.must(t, "", "place", "--id", "big", "--class", "batch", "--requests", "cpu=64")
	if rejections := none["rejections"].([]any); none["node"] != "" || len(rejections) == 0 || rejections[0].(map[string]any)["nodes"] != 3.0 {
		t.Errorf("placed a workload larger than any node: %v", none)
	}

	// A file of many: each for itself, then all of them or none.
	const many = "members: [{id: a, class: service, requests: {cpu: 500m, memory: 1GiB}}, {id: b, class: service, requests: {cpu: 64}}, {id: c, class: nonsense, requests: {cpu: 1}}]"
	results := s.must(t, many, "place", "--members", "-")["results"].([]any)
	for i, want := range []string{"decision", "decision", "failure"} {
		if results[i].(map[string]any)[want] == nil {
			t.Errorf("workload %d: %v, want a %s", i, results[i], want)
		}
	}
	if code, text, _ := s.call(t, many, "place", "--members", "-", "--dry-run"); code != exitDone || !strings.Contains(text, "1 of 3 placed") || !strings.Contains(text, "INVALID_REQUEST") {
		t.Errorf("placed many as a table:\n%s", text)
	}
	const gang = "members: [{id: r0, class: service, requests: {cpu: 1}}, {id: r1, class: service, requests: {cpu: 1}}]"
	placedGang := s.must(t, gang, "place", "--members", "-", "--gang", "--together", "zone")
	if placedGang["placed"] != true || len(placedGang["members"].([]any)) != 2 || placedGang["together"] == "" {
		t.Errorf("gang %v", placedGang)
	}
	gangID := placedGang["decision_id"].(string)
	if code, text, _ := s.call(t, "", "explain", gangID); code != exitDone || !strings.Contains(text, gangID+".1") || !strings.Contains(text, "all in zone") {
		t.Errorf("explained the gang:\n%s", text)
	}
	if code, text, _ := s.call(t, "", "confirm", gangID); code != exitDone || !strings.Contains(text, "2 members") {
		t.Errorf("confirmed the gang:\n%s", text)
	}
	if code, text, _ := s.call(t, "members: [{id: r2, class: service, requests: {cpu: 64}}]", "place", "--members", "-", "--gang"); code != exitDone || !strings.Contains(text, "not placed, nothing is reserved") {
		t.Errorf("refused the gang:\n%s", text)
	}
	s.must(t, "", "release", gangID)
	s.must(t, "", "release", "--workload", "a")

	s.must(t, "", "nodes", "drain", "n1")
	states := map[string]string{}
	for _, n := range s.must(t, "", "nodes")["nodes"].([]any) {
		n := n.(map[string]any)
		states[n["node"].(map[string]any)["name"].(string)] = n["state"].(string)
	}
	if states["n1"] != "draining" || states["n2"] != "ready" {
		t.Errorf("states %v", states)
	}
	if code, _, stderr := s.call(t, "", "nodes", "remove", "n3"); code != exitFailed || !strings.Contains(stderr, "FailedPrecondition") {
		t.Errorf("removed a node that holds work: %d, %s", code, stderr)
	}

	predicted := s.must(t, "{id: x, class: service, requests: {cpu: 500m, memory: 1GiB}}", "predict", "-f", "-")
	if f := predicted["forecast"].(map[string]any); f["basis"] != "limit" {
		t.Errorf("predicted %v", predicted)
	}
	if shares := s.must(t, "", "shares")["queues"].([]any); len(shares) != 1 || shares[0].(map[string]any)["workloads"] != 1.0 {
		t.Errorf("shares %v", shares)
	}
	if r := s.must(t, "", "release", "--workload", "web-1"); r["released"] != true {
		t.Errorf("released %v", r)
	}
	if code, text, stderr := s.call(t, "", "doctor"); code != exitDone || !strings.Contains(text, "serving on "+s.address) {
		t.Errorf("doctor: %d, %s%s", code, text, stderr)
	}
}

// TestDoctorReadsWhatMustLast has the doctor look at the journal and the spool: while
// they are in use, and once a byte of the journal has changed.
func TestDoctorReadsWhatMustLast(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "auspex.yaml")
	if err := os.WriteFile(path, []byte("data_dir: "+dir+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	doctor := func() (code int, lines map[string]string) {
		code, text, stderr := run(t, t.Context(), "", "doctor", "--config", path)
		lines = make(map[string]string)
		for line := range strings.Lines(text) {
			name, rest, _ := strings.Cut(line, "  ")
			lines[name] = rest
		}
		if len(lines) < 6 {
			t.Fatalf("the doctor says %s%s", text, stderr)
		}
		return code, lines
	}
	if _, lines := doctor(); !strings.Contains(lines["journal"], "nothing has been placed") || !strings.Contains(lines["spool"], "nothing has been collected") {
		t.Errorf("of an empty folder the doctor says %q", lines)
	}

	j, err := journal.Open(filepath.Join(dir, "journal"), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for seq := range uint64(20) {
		if err := j.Append(ledger.Record{Seq: seq + 1, Kind: ledger.NodeDrained, Name: "n"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, lines := doctor(); !strings.Contains(lines["journal"], "ok") || !strings.Contains(lines["journal"], "20 records, all readable") || !strings.Contains(lines["journal"], "a sync takes") {
		t.Errorf("of a journal in use the doctor says %q", lines["journal"])
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	segments, err := filepath.Glob(filepath.Join(dir, "journal", "log", "*.wal"))
	if err != nil || len(segments) != 1 {
		t.Fatal(segments, err)
	}
	data, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	last := bytes.LastIndex(data[:bytes.LastIndex(data, []byte("axf1"))], []byte("axf1")) // behind it stands what says that it is the last
	header := bytes.Clone(data[last : last+28])
	for _, damage := range []func(){func() { data[last+9] ^= 1 }, func() { clear(data[last : last+28]) }} {
		damage()
		if err := os.WriteFile(segments[0], data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, lines := doctor(); !strings.Contains(lines["journal"], "warning") || !strings.Contains(lines["journal"], "19 records, readable but for the end") {
			t.Errorf("of a journal whose last frame is damaged the doctor says %q", lines["journal"])
		}
		copy(data[last:], header)
	}
	data[100] ^= 1
	if err := os.WriteFile(segments[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
	code, lines := doctor()
	if code != exitFailed || !strings.Contains(lines["journal"], "failing") || !strings.Contains(lines["journal"], "restore the folder") {
		t.Errorf("of a damaged journal the doctor says %q, exit code %d", lines["journal"], code)
	}
	if after, err := os.ReadFile(segments[0]); err != nil || !bytes.Equal(after, data) {
		t.Errorf("the doctor changed the journal: %v", err)
	}
}

// TestDoctorTellsATornSpool has the doctor look at a spool that a crash has torn.
func TestDoctorTellsATornSpool(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "auspex.yaml")
	if err := os.WriteFile(path, []byte("data_dir: "+dir+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	spool := filepath.Join(dir, "spool")
	l, err := wal.Open(spool, wal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append([]byte("one"), []byte("two")); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, torn := range []bool{false, true} {
		if torn {
			segments, err := filepath.Glob(filepath.Join(spool, "*.wal"))
			if err != nil || len(segments) != 1 {
				t.Fatal(segments, err)
			}
			data, err := os.ReadFile(segments[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(segments[0], append(data, data[24:40]...), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, text, stderr := run(t, t.Context(), "", "doctor", "--config", path)
		want := []string{"ok", "2 samples wait"}
		if torn {
			want = []string{"warning", "2 samples wait", "not whole"}
		}
		_, line, _ := strings.Cut(text, "\nspool")
		line, _, _ = strings.Cut(line, "\n")
		for _, part := range want {
			if !strings.Contains(line, part) {
				t.Errorf("torn %v: of the spool the doctor says %q, want %q\n%s%s", torn, line, part, text, stderr)
			}
		}
	}
}

// TestReload changes the configuration under a running server: good changes
// take effect, bad ones do not.
func TestReload(t *testing.T) {
	s := startServer(t)
	queues := func() int { return len(s.must(t, "", "shares")["queues"].([]any)) }
	s.write(t, s.config+"queues: {research: {weight: 2}}\n")
	until(t, func() bool { return queues() == 2 })
	bad := filepath.Join(filepath.Dir(s.path), "bad.yaml")
	if err := os.WriteFile(bad, []byte(s.config+"queues: {research: {weight: -2}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := run(t, t.Context(), "", "config", "validate", bad); code != exitFailed || !strings.Contains(stderr, "bad.yaml:5:29: queues.research.weight: -2 is negative") {
		t.Errorf("validated: %d, %s", code, stderr)
	}
}

// TestSecondServerIsRefused starts a server on a data folder that is in use.
func TestSecondServerIsRefused(t *testing.T) {
	s := startServer(t)
	code, _, stderr := s.call(t, "", "serve")
	if code != exitFailed || !strings.Contains(stderr, "another process") {
		t.Errorf("exit code %d, said %q", code, stderr)
	}
}

// TestHostIsCollected waits until a running server has stored usage of this
// machine.
func TestHostIsCollected(t *testing.T) {
	s := startServer(t)
	until(t, func() bool {
		_, text, _ := s.call(t, "", "doctor")
		return strings.Contains(text, "series in the last day")
	})
}

func TestImportRefusesTheFuture(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	s := &server{path: filepath.Join(dir, "auspex.yaml")}
	s.write(t, "data_dir: data\n")
	if err := os.WriteFile("a.csv", []byte("time,workload,cpu\n1767600600,w,1\n7258118400,w,1\n1767601200,w,1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := s.must(t, "", "import", "--trace", "csv:a.csv")
	if got["rows_written"] != 2. || got["rows_refused"] != 1. || !strings.Contains(fmt.Sprint(got["refusals"]), "2200-01-01T00:00:00Z is in the future") {
		t.Errorf("%v", got)
	}
}

func TestImportIsIdempotent(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	s := &server{path: filepath.Join(dir, "auspex.yaml")}
	s.write(t, "data_dir: data\n")
	first := s.must(t, "", "import", "--trace", "synthetic:1,days=1,workloads=20,step=15m")
	second := s.must(t, "", "import", "--trace", "synthetic:1,days=1,workloads=20,step=15m")
	if first["rows_written"] != first["samples_in_store"] || first["samples_in_store"] != second["samples_in_store"] || first["rows_written"].(float64) < 1000 {
		t.Errorf("imported %v, then %v", first, second)
	}
	report := s.must(t, "", "train")
	if report["skipped"] == "" {
		t.Errorf("learned from a single day: %v", report)
	}
}
