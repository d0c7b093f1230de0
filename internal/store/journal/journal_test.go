package journal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/internal/wal"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/filter"
	"github.com/auspex-project/auspex/placement/ledger"
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

func openService(dir string) (*ledger.Service, *Journal, error) {
	j, err := Open(dir, Options{SegmentBytes: 16 << 10})
	if err != nil {
		return nil, nil, err
	}
	s, err := ledger.Open(context.Background(), ledger.Options{
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
				d, err := s.Place(context.Background(), ledger.Request{ID: w.ID, Workload: w, ReserveFor: time.Hour})
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
			case state == "" && err == nil && e.Phase != ledger.Released:
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

func full() []ledger.Record {
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
	return []ledger.Record{
		{Seq: 1, Kind: ledger.NodeRegistered, Time: at, Node: n},
		{Seq: 2, Kind: ledger.NodeDrained, Time: at, Name: "n1"},
		{Seq: 3, Kind: ledger.NodeUndrained, Time: at, Name: "n1"},
		{Seq: 4, Kind: ledger.WorkloadReserved, Time: at, Reserved: &ledger.Reservation{
			Decision: "d1", Request: "r1", Principal: "me", Workload: w, Class: workload.MLTraining, Node: "n1", Devices: []int{0}, Expires: at.Add(time.Minute), Confirmed: true,
			Gang: "d", Member: 1, Members: 3,
		}},
		{Seq: 5, Kind: ledger.WorkloadConfirmed, Time: at, Decision: "d1"},
		{Seq: 6, Kind: ledger.WorkloadReleased, Time: at, Decision: "d1"},
		{Seq: 7, Kind: ledger.WorkloadExpired, Time: at, Decision: "d1"},
		{Seq: 8, Kind: ledger.NodeRemoved, Time: at, Name: "n1"},
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
		{"a newer field", "\x02\x08\x01\x78\x01", "field 15 is unknown"},
		{"cut in a field", "\x02\x08", "cut short"},
		{"a number for a text", "\x02\x28\x01", "another type"},
		{"unknown kind, binary", "\x02\x08\x01\x10\x63", "unknown kind"},
		{"half a gang member", changed(func(r *ledger.Reservation) { r.Member, r.Members = 3, 3 }), "member 3 of the 3"},
		{"of no gang", changed(func(r *ledger.Reservation) { r.Member, r.Members = 0, 0 }), "member 0 of the 0"},
		{"JSON", `{"v":1,"seq":1,"kind":"drained","name":"n"}`, "development versions"},
		{"node missing", written(ledger.Record{Kind: ledger.NodeRegistered}), "no node is described"},
		{"node without capacity", "\x02\x10\x01\x22\x03\x0a\x01n", "capacity is empty"},
		{"drained nobody", written(ledger.Record{Kind: ledger.NodeDrained}), "no node is named"},
		{"released nothing", written(ledger.Record{Kind: ledger.WorkloadReleased}), "no decision is named"},
		{"reservation missing", written(ledger.Record{Kind: ledger.WorkloadReserved}), "no reservation is described"},
		{"reservation nowhere", changed(func(r *ledger.Reservation) { r.Node = "" }), "without decision"},
		{"negative amount", changed(func(r *ledger.Reservation) { r.Workload = &workload.Workload{ID: "w", Requests: resource.Of(-1, 0)} }), "negative"},
	}
	for _, test := range tests {
		if _, err := decode([]byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
	if _, err := encode(nil, &ledger.Record{Node: &fleet.Node{Capacity: resource.Of(math.Inf(1), 0)}}); err == nil {
		t.Error("infinite capacity was encoded")
	}
}

// written returns r as it is on disk.
func written(r ledger.Record) string {
	b, err := encode(nil, &r)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// changed returns the record of a reservation that is not as it should be.
func changed(change func(*ledger.Reservation)) string {
	r := full()[3]
	held := *r.Reserved
	change(&held)
	r.Reserved = &held
	return written(r)
}

// What development versions wrote is refused with a way on, be it a snapshot or a
// record of the log.
func TestJSONIsRefused(t *testing.T) {
	for name, write := range map[string]func(t *testing.T, dir string){
		"snapshot": func(t *testing.T, dir string) {
			text := `{"version":1,"up_to":4,"position":3,"records":0}` + "\n"
			text += fmt.Sprintf("%08x\n", crc32.Checksum([]byte(text), castagnoli))
			if err := os.WriteFile(filepath.Join(dir, snapshotName), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"log": func(t *testing.T, dir string) {
			log, err := wal.Open(filepath.Join(dir, "log"), wal.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			if _, err := log.Append([]byte(`{"v":1,"seq":1,"kind":"drained","name":"n1"}`)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir)
			j, err := Open(dir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer j.Close()
			for _, err = range j.Replay() {
			}
			if !errors.Is(err, errJSON) || !strings.Contains(err.Error(), "move the journal's folder away") {
				t.Errorf("%v, want a way on", err)
			}
		})
	}
}

// snapshotOf returns records as a ledger would.
func snapshotOf(upTo uint64, records ...ledger.Record) ledger.Snapshot {
	return ledger.Snapshot{UpTo: upTo, Count: len(records), Records: slices.Values(records)}
}

func replayed(t *testing.T, j *Journal) (seqs []uint64) {
	t.Helper()
	for r, err := range j.Replay() {
		if err != nil {
			t.Fatal(err)
		}
		if r.Kind != ledger.SnapshotTaken {
			seqs = append(seqs, r.Seq)
		}
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
	at := func(seq uint64) ledger.Record {
		return ledger.Record{Seq: seq, Kind: ledger.NodeDrained, Name: fmt.Sprintf("node-%d", seq)}
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
		err := j.Compact(func() ledger.Snapshot {
			upTo := seq
			seq++
			if err := j.Append(at(seq)); err != nil { // while it runs
				t.Fatal(err)
			}
			return snapshotOf(upTo, at(1), at(upTo))
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
				r := ledger.Record{Seq: uint64(g*25 + i + 1), Kind: ledger.NodeDrained, Name: "n"}
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
	if err := writeSnapshot(dir, 9, snapshotOf(8, full()...)); err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, snapshotName))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(data))
	f.Add("")
	f.Add("\n")
	f.Fuzz(func(t *testing.T, text string) {
		h, records, err := parseSnapshot([]byte(text))
		if err == nil && h.Records != len(records) {
			t.Fatalf("%d records, header says %d", len(records), h.Records)
		}
	})
}
