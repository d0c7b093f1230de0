package journal

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/internal/wal"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/filter"
	"github.com/auspex-project/auspex/placement/score"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

const gib = 1 << 30

// crashDir, when set, turns this test binary into a service that places on the
// journal there from several goroutines until it is killed, and prints each
// decision once it has the answer.
const crashDir = "AUSPEX_JOURNAL_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		placeUntilKilled(dir)
	}
	os.Exit(m.Run())
}

func openService(dir string) (*placement.Service, *Journal, error) {
	j, err := Open(dir, Options{SegmentBytes: 16 << 10})
	if err != nil {
		return nil, nil, err
	}
	s, err := placement.Open(context.Background(), placement.Options{
		Settings: placement.Settings{HeartbeatTimeout: -1}, Filters: filter.All(), Scorers: score.All(), Journal: j,
	})
	return s, j, err
}

func placeUntilKilled(dir string) {
	s, _, err := openService(dir)
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	for i := range 8 {
		if err := s.RegisterNode(context.Background(), fleet.Node{Name: fmt.Sprintf("n%d", i), Capacity: resource.Of(1e6, 1e6*gib)}); err != nil {
			fmt.Println("error", err)
		}
	}
	run := time.Now().UnixNano()
	for g := range 4 {
		go func() {
			for i := 0; ; i++ {
				w := &workload.Workload{ID: fmt.Sprintf("w-%d-%d-%d", run, g, i), Class: workload.Service, Requests: resource.Of(1, gib)}
				d, err := s.Place(context.Background(), placement.Request{ID: w.ID, Workload: w, ReserveFor: time.Hour})
				if err != nil {
					fmt.Println("error", err)
					continue
				}
				fmt.Println("placed", d.ID, d.Node)
				switch i % 3 {
				case 1:
					if _, _, err := s.Confirm(context.Background(), d.ID); err == nil {
						fmt.Println("confirmed", d.ID, d.Node)
					}
				case 2:
					fmt.Println("releasing", d.ID, d.Node)
					if _, err := s.Release(context.Background(), d.ID); err == nil {
						fmt.Println("released", d.ID, d.Node)
					}
				}
			}
		}()
	}
	select {}
}

// A service killed in mid-write, again and again, comes back with exactly what it
// had answered.
func TestKilledWhilePlacing(t *testing.T) {
	dir := t.TempDir()
	want := map[string]string{} // node and phase by decision
	for round := range 5 {
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), crashDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			what, rest, _ := strings.Cut(lines.Text(), " ")
			id, node, _ := strings.Cut(rest, " ")
			switch what {
			case "placed":
				want[id] = node + " reserved"
			case "confirmed":
				want[id] = node + " confirmed"
			case "releasing":
				want[id] = "either"
			case "released":
				want[id] = ""
			default:
				t.Error(lines.Text())
			}
			if n == 100+37*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // killed

		s, j, err := openService(dir)
		if err != nil {
			t.Fatal(err)
		}
		onNode := map[string]bool{}
		for _, n := range s.Nodes("", 0) {
			for _, w := range n.Workloads {
				onNode[w] = true
			}
		}
		for id, state := range want {
			e, err := s.Explain(id, "")
			switch {
			case state == "either":
			case state == "" && err == nil && e.Phase != placement.Released:
				t.Errorf("round %d: %s was released and is %s on %s", round, id, e.Phase, e.Decision.Node)
			case state == "":
			case err != nil:
				t.Errorf("round %d: %s was %s: %v", round, id, state, err)
			case strings.HasSuffix(state, "reserved") && e.Decision.Node+" confirmed" == strings.Replace(state, "reserved", "confirmed", 1):
				// Confirmed, and killed before it could say so.
			case e.Decision.Node+" "+string(e.Phase) != state:
				t.Errorf("round %d: %s is %s on %s, was %s", round, id, e.Phase, e.Decision.Node, state)
			}
			if state != "" && state != "either" && err == nil && !onNode[e.Decision.Workload.ID] {
				t.Errorf("round %d: %s is not on its node", round, id)
			}
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(want) < 300 {
		t.Errorf("only %d decisions were made", len(want))
	}
}

func full() []placement.Record {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)
	curve, err := fleet.NewPowerCurve(50, 100)
	if err != nil {
		panic(err)
	}
	n := &fleet.Node{
		Name: "n1", Capacity: resource.Of(64, 256*gib).With(resource.GPU, 1).With("licence", 3), Provider: "p", Region: "r", Zone: "z", Rack: "k",
		Labels: map[string]string{"a": "b"}, Taints: []fleet.Taint{{Key: "k", Value: "v", Effect: fleet.PreferNoSchedule}}, Devices: []fleet.Device{{Model: "t4", MemoryBytes: 16 * gib, IdleWatts: 10, MaxWatts: 70}},
		Level: 3, Compartments: []string{"c"}, Attested: true, Power: curve, CapWatts: 300, CostPerHour: 1.5, Data: []string{"d"},
		PDU: "u", Site: "s", Dedicated: fleet.Dedication{Tenant: "t", Queue: "q"}, Maintenance: []fleet.Window{{From: at, Until: at.Add(time.Hour)}},
	}
	w := &workload.Workload{
		ID: "w1", App: "app", Class: workload.MLTraining, Queue: "q", Owner: "o", Requests: resource.Of(1.25, gib), Limits: resource.Of(2, 2*gib), Priority: -3,
		Labels: map[string]string{"x": "y"}, Accelerator: workload.Accelerator{Models: []string{"t4"}, Devices: 1, Share: .5, MemoryBytes: gib},
		Security: workload.Security{Level: 2, Compartments: []string{"c"}, Tenant: "t", Exclusive: true, Attested: true, Countries: []string{"DE"}},
		Locality: workload.Locality{
			Required:  workload.Places{Providers: []string{"p"}, Regions: []string{"r"}, Zones: []string{"z"}, Racks: []string{"k"}, Nodes: []string{"n1"}},
			Preferred: workload.Places{Zones: []string{"z"}},
		},
		Data: []workload.DataSet{{Name: "d", Bytes: 5, Required: true, Within: workload.AtZone}}, Selector: map[string]string{"a": "b"}, Tolerations: []workload.Toleration{{Key: "k", Value: "v"}},
		Requirements: []workload.Requirement{{Key: "k", Operator: workload.In, Values: []string{"v"}}},
		Spread:       []workload.Spread{{Over: workload.AtZone, MaxSkew: 2, Peers: workload.Peers{App: "a", Labels: map[string]string{"a": "b"}}, Preferred: true}},
		Affinity:     []workload.Affinity{{Within: workload.AtRack, Peers: workload.Peers{App: "a", Labels: map[string]string{"a": "b"}}, Apart: true, Preferred: true}},
		MaxPerNode:   3, Runtime: time.Hour, RunsOn: "n1",
	}
	return []placement.Record{
		{Seq: 1, Kind: placement.NodeRegistered, Time: at, Node: n},
		{Seq: 2, Kind: placement.NodeDrained, Time: at, Name: "n1"},
		{Seq: 3, Kind: placement.NodeUndrained, Time: at, Name: "n1"},
		{Seq: 4, Kind: placement.WorkloadReserved, Time: at, Reserved: &placement.Reservation{
			Decision: "d1", Request: "r1", Principal: "me", Workload: w, Class: workload.MLTraining, Node: "n1", Devices: []int{0}, Expires: at.Add(time.Minute), Confirmed: true,
			Gang: "d", Member: 1, Members: 3,
		}},
		{Seq: 5, Kind: placement.WorkloadConfirmed, Time: at, Decision: "d1"},
		{Seq: 6, Kind: placement.WorkloadReleased, Time: at, Decision: "d1"},
		{Seq: 7, Kind: placement.WorkloadExpired, Time: at, Decision: "d1"},
		{Seq: 8, Kind: placement.NodeRemoved, Time: at, Name: "n1"},
	}
}

func TestRecordsComeBack(t *testing.T) {
	for _, r := range full() {
		b, err := encode(nil, &r)
		if err != nil {
			t.Fatal(err)
		}
		back, err := decode(b)
		if err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if !reflect.DeepEqual(r, back) {
			t.Errorf("%s\nwas %+v\nis  %+v", r.Kind, r, back)
		}
		assertAllSet(t, reflect.ValueOf(r.Node), "node")
		if r.Reserved != nil {
			assertAllSet(t, reflect.ValueOf(*r.Reserved), "reservation")
		}
	}
}

// assertAllSet fails for fields the round trip above would not miss because they
// are zero: one added to the vocabulary must be added here and to the record.
func assertAllSet(t *testing.T, v reflect.Value, path string) {
	t.Helper()
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct || v.Type() == reflect.TypeFor[resource.Vector]() || v.Type() == reflect.TypeFor[time.Time]() {
		return
	}
	for i := range v.NumField() {
		f := v.Field(i)
		at := path + "." + v.Type().Field(i).Name
		if f.IsZero() && !strings.HasPrefix(at, "reservation.Workload.Locality.Preferred.") {
			t.Errorf("%s is not set in the test", at)
		}
		assertAllSet(t, f, at)
	}
}

func TestRefused(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"empty", ``, "empty"},
		{"a newer version", "\x03\x08\x01", "newer program"},
		{"no version", `{"seq":1,"kind":"drained","name":"n"}`, "version 0"},
		{"a newer field", "\x02\x08\x01\x78\x01", "field 15 is unknown"},
		{"cut in a field", "\x02\x08", "cut short"},
		{"a number for a text", "\x02\x28\x01", "another type"},
		{"unknown kind, binary", "\x02\x08\x01\x10\x63", "unknown kind"},
		{"half a gang member", gangRecord(3, 3), "member 3 of the 3"},
		{"of no gang", gangRecord(0, 0), "member 0 of the 0"},
		{"unknown field", `{"v":1,"seq":1,"kind":"drained","name":"n","nmae":"m"}`, "unknown field"},
		{"unknown kind", `{"v":1,"seq":1,"kind":"moved"}`, "unknown kind"},
		{"two records", `{"v":1,"seq":1,"kind":"drained","name":"n"}{}`, "text behind"},
		{"node missing", `{"v":1,"seq":1,"kind":"node"}`, "no node is described"},
		{"node without capacity", `{"v":1,"seq":1,"kind":"node","node":{"name":"n","capacity":{}}}`, "capacity is empty"},
		{"power curve", `{"v":1,"seq":1,"kind":"node","node":{"name":"n","capacity":{"cpu":1},"watts":[1,2,3]}}`, "3 values"},
		{"drained nobody", `{"v":1,"seq":1,"kind":"drained"}`, "no node is named"},
		{"released nothing", `{"v":1,"seq":1,"kind":"released"}`, "no decision is named"},
		{"reservation missing", `{"v":1,"seq":1,"kind":"reserved"}`, "no reservation is described"},
		{"reservation nowhere", `{"v":1,"seq":1,"kind":"reserved","reserved":{"decision":"d","request":"r","class":"batch","workload":{"id":"w","requests":{}}}}`, "without decision"},
		{"negative amount", `{"v":1,"seq":1,"kind":"reserved","reserved":{"decision":"d","request":"r","class":"batch","node":"n","workload":{"id":"w","requests":{"cpu":-1}}}}`, "negative"},
	}
	for _, test := range tests {
		if _, err := decode([]byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
	if _, err := encode(nil, &placement.Record{Node: &fleet.Node{Capacity: resource.Of(math.Inf(1), 0)}}); err == nil {
		t.Error("infinite capacity was encoded")
	}
}

// gangRecord returns a reservation of a member that no gang has.
func gangRecord(member, members int) string {
	r := full()[3]
	held := *r.Reserved
	held.Member, held.Members = member, members
	r.Reserved = &held
	b, err := encode(nil, &r)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// forgetLater takes out of n and w what version 1 did not know.
func forgetLater(n *fleet.Node, w *workload.Workload) {
	n.PDU, n.Site, n.Dedicated, n.Maintenance = "", "", fleet.Dedication{}, nil
	n.Taints[0].Effect = fleet.NoSchedule
	w.Security.Countries, w.Data[0].Within = nil, ""
	w.Requirements, w.Spread, w.Affinity, w.MaxPerNode, w.Runtime, w.RunsOn = nil, nil, nil, 0, 0, ""
}

// What earlier versions wrote is read as it was meant.
func TestVersion1(t *testing.T) {
	want := full()
	want[3].Reserved.Gang, want[3].Reserved.Member, want[3].Reserved.Members = "", 0, 0
	forgetLater(want[0].Node, want[3].Reserved.Workload)
	data, err := os.ReadFile("testdata/version1/records.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d records, want %d", len(lines), len(want))
	}
	for i, line := range lines {
		if r, err := decode([]byte(line)); err != nil || !reflect.DeepEqual(r, want[i]) {
			t.Errorf("%s (%v)\nis   %+v\nwant %+v", line, err, r, want[i])
		}
	}

	// A folder of that version goes on in this one.
	dir := t.TempDir()
	snapshot, err := os.ReadFile("testdata/version1/snapshot")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, snapshotName), snapshot, 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := wal.Open(filepath.Join(dir, "log"), wal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if _, err := log.Append([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	j, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if err := j.Append(placement.Record{Seq: 9, Kind: placement.NodeDrained, Name: "n2"}); err != nil {
		t.Fatal(err)
	}
	if got, want := replayed(t, j), []uint64{3, 4, 5, 6, 7, 8, 9}; !reflect.DeepEqual(got, want) {
		t.Errorf("replayed %v, want %v", got, want)
	}
}

func replayed(t *testing.T, j *Journal) (seqs []uint64) {
	t.Helper()
	for r, err := range j.Replay() {
		if err != nil {
			t.Fatal(err)
		}
		seqs = append(seqs, r.Seq)
	}
	return seqs
}

// A compaction keeps what came after it, also what came while it ran, and bounds
// the log.
func TestCompaction(t *testing.T) {
	dir := t.TempDir()
	j, err := Open(dir, Options{SegmentBytes: 4 << 10})
	if err != nil {
		t.Fatal(err)
	}
	at := func(seq uint64) placement.Record {
		return placement.Record{Seq: seq, Kind: placement.NodeDrained, Name: fmt.Sprintf("node-%d", seq)}
	}
	var seq uint64
	var largest int64
	for range 20 {
		for range 100 {
			seq++
			if err := j.Append(at(seq)); err != nil {
				t.Fatal(err)
			}
		}
		largest = max(largest, j.Bytes())
		err := j.Compact(func() ([]placement.Record, uint64) {
			upTo := seq
			seq++
			if err := j.Append(at(seq)); err != nil { // while it runs
				t.Fatal(err)
			}
			return []placement.Record{at(1), at(upTo)}, upTo
		})
		if err != nil {
			t.Fatal(err)
		}
		want := []uint64{1, seq - 1, seq}
		if got := replayed(t, j); !reflect.DeepEqual(got, want) {
			t.Fatalf("replayed %v, want %v", got, want)
		}
	}
	if largest > 40<<10 {
		t.Errorf("the log grew to %d bytes", largest)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j, err = Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if got, want := replayed(t, j), []uint64{1, seq - 1, seq}; !reflect.DeepEqual(got, want) {
		t.Fatalf("opened again: %v, want %v", got, want)
	}
}

func TestConcurrentAppends(t *testing.T) {
	j, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 25 {
				r := placement.Record{Seq: uint64(g*25 + i + 1), Kind: placement.NodeDrained, Name: "n"}
				if err := j.Append(r); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(replayed(t, j)); n != 200 {
		t.Errorf("%d records, want 200", n)
	}
}

func TestSecondProcess(t *testing.T) {
	dir := t.TempDir()
	j, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if _, err := Open(dir, Options{}); !errors.Is(err, wal.ErrLocked) {
		t.Errorf("opened twice: %v", err)
	}
}

func FuzzRecord(f *testing.F) {
	for _, r := range full() {
		b, err := encode(nil, &r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	old, err := os.ReadFile("testdata/version1/records.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	for line := range bytes.Lines(old) {
		f.Add(line)
	}
	f.Add([]byte(`{"v":1,"seq":1,"kind":"reserved","reserved":{"workload":null}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decode(data)
		if err != nil {
			return
		}
		b, err := encode(nil, &r)
		if err != nil {
			t.Fatalf("decoded but not encoded: %v", err)
		}
		again, err := decode(b)
		if err != nil {
			t.Fatalf("%s\nencoded as\n%s: %v", data, b, err)
		}
		b2, err := encode(nil, &again)
		if err != nil || string(b) != string(b2) {
			t.Fatalf("%s\nthen\n%s (%v)", b, b2, err)
		}
	})
}

func FuzzSnapshot(f *testing.F) {
	dir := f.TempDir()
	if err := writeSnapshot(dir, header{Version: version, UpTo: 8, Position: 9, Records: 8}, full()); err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, snapshotName))
	if err != nil {
		f.Fatal(err)
	}
	old, err := os.ReadFile("testdata/version1/snapshot")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(data))
	f.Add(string(old))
	f.Add("")
	f.Add("\n")
	f.Fuzz(func(t *testing.T, text string) {
		h, records, err := parseSnapshot([]byte(text))
		if err == nil && h.Records != len(records) {
			t.Fatalf("%d records, header says %d", len(records), h.Records)
		}
	})
}
