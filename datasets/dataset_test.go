package datasets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auspex-project/auspex/resource"
)

// dump reads a trace of usage to its end and prints a line for each sample and
// each error, without the folder of the trace.
func dump(t *testing.T, ref string) string {
	t.Helper()
	r, err := ParseRef(ref)
	if err != nil {
		t.Fatal(err)
	}
	u, err := OpenUsage(r, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for s, err := range u.Samples(context.Background()) {
		if err != nil {
			fmt.Fprintln(&b, "error:", strings.TrimPrefix(err.Error(), r.Path+"/"))
			continue
		}
		k := s.Key
		fmt.Fprintf(&b, "%s", k.Workload)
		for _, f := range []string{k.App, string(k.Class), k.Queue, k.Node} {
			if f != "" {
				fmt.Fprintf(&b, "/%s", f)
			}
		}
		if k.Source != r.Label() {
			t.Errorf("sample of %s: source %q, want %q", k.Workload, k.Source, r.Label())
		}
		fmt.Fprintf(&b, " %s | %s | %s\n", s.Time.Format("2006-01-02T15:04:05.999Z07:00"), s.Usage, s.Limit)
	}
	return b.String()
}

// unindent strips the tabs that make a table of tests readable.
func unindent(s string) string {
	var out []string
	for line := range strings.Lines(strings.TrimLeft(s, "\n")) {
		if trimmed := strings.TrimLeft(line, "\t"); trimmed != "" {
			out = append(out, trimmed)
		}
	}
	return strings.Join(out, "")
}

func TestUsageFormats(t *testing.T) {
	for _, test := range []struct {
		ref, want string
	}{
		{"bitbrains:testdata/bitbrains-compact", `
			vm-1 2013-07-30T21:55:00Z | cpu=0.2 memory=1GiB | cpu=2 memory=8GiB
			vm-1 2013-07-30T22:00:00Z | cpu=0 memory=0B | cpu=0 memory=0B
			vm-2 2013-07-30T21:55:00Z | cpu=7.199 memory=4.1GiB | cpu=4 memory=4GiB
			vm-2 2013-07-30T22:15:00Z | cpu=0 memory=0B | cpu=4 memory=8GiB
			vm-3 2013-07-30T21:55:00Z | memory=1MiB | cpu=1 memory=1GiB
			vm-3 2013-07-30T22:00:00Z | cpu=0.01 memory=1MiB | cpu=1
			vm-1 2013-08-01T00:00:00Z | cpu=1 memory=1GiB | cpu=2 memory=8GiB
		`},
		{"bitbrains:testdata/bitbrains-original", `
			vm-9 2013-06-30T22:03:24Z | cpu=0.5 memory=1GiB disk_io=4KiB/s network=30KiB/s | cpu=2 memory=8GiB
			vm-9 2013-06-30T22:08:24Z | cpu=0 memory=0B disk_io=0B/s network=0B/s | cpu=0 memory=0B
			vm-10 2013-06-30T22:03:24Z | cpu=0.1 memory=100MiB | cpu=1 memory=1GiB
			vm-9 2013-07-31T22:02:56Z | cpu=2 memory=1GiB disk_io=0B/s network=0B/s | cpu=2 memory=4GiB
		`},
		{"planetlab:testdata/planetlab-packed", `
			node-a_example_org_slice 2011-03-03T00:00:00Z | cpu=0.24 | cpu=1
			node-a_example_org_slice 2011-03-03T00:05:00Z | cpu=0 | cpu=1
			node-a_example_org_slice 2011-03-03T00:10:00Z | cpu=1.01 | cpu=1
			node-b_example_org_slice 2011-03-03T00:00:00Z | cpu=0.07 | cpu=1
			node-a_example_org_slice 2011-03-06T00:00:00Z | cpu=0.5 | cpu=1
		`},
		{"planetlab:testdata/planetlab-original", `
			node-a_example_org_slice 2011-03-03T00:00:00Z | cpu=0.24 | cpu=1
			node-a_example_org_slice 2011-03-03T00:05:00Z | cpu=0 | cpu=1
			node-a_example_org_slice 2011-03-03T00:15:00Z | cpu=1.01 | cpu=1
			node-b_example_org_slice 2011-03-03T00:00:00Z | cpu=0.07 | cpu=1
		`},
		{"azure:testdata/azure", `
			vmA+/=/depX/batch/subX 2020-01-06T00:00:00Z | cpu=0.828 | cpu=4 memory=32GiB
			vmC+/=/depY/subY 2020-01-06T00:00:00Z | cpu=0.02 | cpu=2 memory=1.75GiB
			vmB+/=/depX/service/subX 2020-01-06T00:05:00Z | cpu=0.16 | cpu=32 memory=128GiB
			vmB+/=/depX/service/subX 2020-01-06T00:10:00Z | cpu=3.2 | cpu=32 memory=128GiB
			error: trace_data/vm_cpu_readings-file-10-of-10.csv:2: VM "vmD+/=" is not in vmtable
		`},
		{"alibaba-gentd26:testdata/gentd26", `
			pod-a/ml-inference 2022-09-11T01:12:00Z | gpu=0.5 gpu_memory=1GiB | gpu=1
			pod-c/ml-inference 2022-09-11T01:12:00Z | memory=512MiB | memory=1GiB
			error: pod_gpu_duty_cycle.csv:5: time goes back from 1662858777 to 1662858720
			error: pod_memory_util.csv:4: container_ip is empty
			pod-a/ml-inference 2022-09-11T01:12:57Z | memory=0B gpu=0 | memory=1GiB gpu=1
			pod-b/ml-inference 2022-09-11T01:12:57Z | gpu=0.075 gpu_memory=2GiB | gpu=1
			pod-a/ml-inference 2022-09-11T01:13:54Z | memory=256MiB | memory=1GiB
		`},
		{"alibaba2018-machines:testdata/alibaba2018", `
			m_1/m_1 2020-01-06T00:01:00Z | cpu=24 memory=90GiB disk_percent=5 net_in=43.04 net_out=33.08 | cpu=48 memory=100GiB
			m_1/m_1 2020-01-06T00:01:30Z | mem_gps=1.5 mkpi=2 net_in=43.04 net_out=33.08 | cpu=48 memory=100GiB
			error: machine_usage.csv:3: every value is bad or missing
			error: machine_usage.csv:4: machine "m_2" is not in machine_meta
		`},
		{"gcd-vms:testdata/gcd", `
			vm_1_2 2020-01-06T00:00:00Z | cpu=0.5 memory=256MiB | cpu=1 memory=1GiB
			vm_1_2 2020-01-06T00:10:00Z | cpu=0.125 memory=2.15GiB | cpu=1 memory=1GiB
			error: vm_1_10:1: want two numbers, CPU and memory percent
		`},
		{"csv:testdata/csv/plain.csv", `
			web-1/web/service/prod/node-1 2026-01-05T08:00:00Z | cpu=0.5 memory=1GiB | cpu=2 memory=4GiB
			web-1/web/service/prod/node-1 2026-01-05T08:05:00Z | cpu=0.5 memory=1GiB licences=3 | cpu=2 memory=4GiB
			train "a", b/train/ml-training/node-2 2026-01-05T08:10:00Z | gpu=1.5 | 
			web-1/web/service/prod/node-1 2026-01-05T08:15:00.5Z | cpu=0 | cpu=2 memory=4GiB
		`},
	} {
		t.Run(test.ref, func(t *testing.T) {
			if got, want := dump(t, test.ref), unindent(test.want); got != want {
				t.Errorf("got:\n%swant:\n%s", got, want)
			}
		})
	}
}

func TestUsageDescription(t *testing.T) {
	for _, test := range []struct {
		ref       string
		order     Order
		resources []resource.Name
		workloads []string // id app class queue: first sample, last sample, limits
	}{
		{"bitbrains:testdata/bitbrains-compact", ByWorkload, []resource.Name{"cpu", "memory"}, []string{
			"vm-1 [  ] 30 21:55 1 00:00 cpu=2 memory=8GiB",
			"vm-2 [  ] 30 21:55 30 22:15 cpu=4 memory=8GiB",
			"vm-3 [  ] 30 21:55 30 22:00 cpu=1 memory=1GiB",
		}},
		{"bitbrains:testdata/bitbrains-original", ByWorkload, []resource.Name{"cpu", "memory", "disk_io", "network"}, []string{
			"vm-9 [  ] 30 22:03 31 22:02 cpu=2 memory=8GiB",
			"vm-10 [  ] 30 22:03 30 22:03 cpu=1 memory=1GiB",
		}},
		{"azure:testdata/azure", ByTime, []resource.Name{"cpu"}, []string{
			"vmA+/= [depX batch subX] 6 00:00 4 23:55 cpu=4 memory=32GiB",
			"vmB+/= [depX service subX] 6 00:05 6 00:15 cpu=32 memory=128GiB",
			"vmC+/= [depY  subY] 6 00:00 4 23:55 cpu=2 memory=1.75GiB",
		}},
		{"alibaba-gentd26:testdata/gentd26", ByTime, []resource.Name{"memory", "gpu", "gpu_memory"}, nil},
		{"alibaba2018-machines:testdata/alibaba2018", ByWorkload, []resource.Name{"cpu", "memory", "disk_percent", "mem_gps", "mkpi", "net_in", "net_out"}, nil},
		{"gcd-vms:testdata/gcd", ByWorkload, []resource.Name{"cpu", "memory"}, nil},
		{"csv:testdata/csv", AsWritten, []resource.Name{"cpu", "memory", "gpu", "licences"}, []string{
			"web-1 [web service prod] 5 08:00 5 08:15 cpu=2 memory=4GiB",
			`train "a", b [train ml-training ] 5 08:10 5 08:10 `,
		}},
	} {
		t.Run(test.ref, func(t *testing.T) {
			u := openUsage(t, test.ref)
			if u.Order() != test.order || !slices.Equal(u.Resources(), test.resources) || u.Synthetic() {
				t.Errorf("got order %s, resources %v, synthetic %v", u.Order(), u.Resources(), u.Synthetic())
			}
			arrivals, err := u.Workloads(context.Background())
			if test.workloads == nil {
				if err == nil {
					t.Error("bad rows are passed over")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, a := range arrivals {
				w := a.Workload
				got = append(got, fmt.Sprintf("%s [%s %s %s] %s %s %s", w.ID, w.App, w.Class, w.Queue,
					a.Arrive.Format("2 15:04"), a.Depart.Format("2 15:04"), w.Limits))
				if !w.Requests.Equal(w.Limits) {
					t.Errorf("%s requests %s, limits %s", w.ID, w.Requests, w.Limits)
				}
			}
			if !slices.Equal(got, test.workloads) {
				t.Errorf("workloads:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(test.workloads, "\n"))
			}
		})
	}
}

func openUsage(t testing.TB, ref string) *Usage {
	t.Helper()
	r, err := ParseRef(ref)
	if err != nil {
		t.Fatal(err)
	}
	u, err := OpenUsage(r, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func openFleet(t testing.TB, ref string) *Fleet {
	t.Helper()
	r, err := ParseRef(ref)
	if err != nil {
		t.Fatal(err)
	}
	f, err := OpenFleet(r, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestOpenbNodes(t *testing.T) {
	f := openFleet(t, "openb:testdata/openb/nodes.csv")
	nodes, err := f.Nodes(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range nodes {
		if err := n.Validate(); err != nil {
			t.Error(err)
		}
		got = append(got, fmt.Sprintf("%s %s %v", n.Name, n.Capacity, n.Devices))
	}
	want := []string{
		"node-0 cpu=32 memory=256GiB []",
		"node-1 cpu=96 memory=384GiB gpu=2 [{V100M32 0 0 0} {V100M32 0 0 0}]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if f.HasArrivals() {
		t.Error("a node list has arrivals")
	}
	for _, err := range f.Arrivals(context.Background()) {
		if err == nil || !strings.Contains(err.Error(), "lists nodes, not arrivals") {
			t.Errorf("arrivals of a node list: %v", err)
		}
	}
}

func TestArrivals(t *testing.T) {
	for _, test := range []struct {
		ref  string
		want []string
	}{
		{"openb:testdata/openb/pods.csv", []string{
			"pod-0  cpu=12 memory=16GiB {[] 1 0.46 0} map[phase:Running qos:LS] Jan  6 00:00 May 30 02:38",
			"pod-1  cpu=8 memory=29.8GiB {[] 0 0 0} map[phase:Failed qos:BE] Jan  7 00:00 Jan  7 00:01",
			"pod-2  cpu=88 memory=128GiB {[V100M16 V100M32] 2 1 0} map[phase:Pending qos:Guaranteed] Jan  8 00:00 -",
		}},
		{"openb:testdata/openb/pods5.csv", []string{
			"pod-0  cpu=12 memory=16GiB {[] 8 1 0} map[] - -",
		}},
		{"azure:testdata/azure", []string{
			"vmA+/= batch cpu=4 memory=32GiB {[] 0 0 0} map[] Jan  6 00:00 Feb  4 23:55",
			"vmB+/= service cpu=32 memory=128GiB {[] 0 0 0} map[] Jan  6 00:05 Jan  6 00:15",
			"vmC+/=  cpu=2 memory=1.75GiB {[] 0 0 0} map[] Jan  6 00:00 Feb  4 23:55",
		}},
		{"alibaba-gpu-2025:testdata/gpu2025", []string{
			"i-0 ml-inference cpu=12 memory=120GiB disk=640GiB rdma=25 {[] 1 0 0} map[role:HN] Jan  6 00:00 - at most 8 a node",
			"i-1 ml-inference cpu=48 memory=200GiB disk=100GiB rdma=1 {[] 0 0 0} map[role:CN] Jan  6 00:05 Jan  6 00:15",
		}},
		{"azure-v1-arrivals:testdata/azure-v1", []string{
			"vm-0  cpu=2 memory=3.5GiB {[] 0 0 0} map[] Jan  6 00:05 -",
			"vm-1  cpu=1 memory=1.75GiB {[] 0 0 0} map[] Jan  6 00:05 -",
			"vm-2  cpu=1 memory=1.75GiB {[] 0 0 0} map[] Jan  6 00:05 -",
			"vm-3  cpu=1 memory=1.75GiB {[] 0 0 0} map[] Jan  6 00:10 Jan  6 00:20",
			"vm-4  cpu=1 memory=1.75GiB {[] 0 0 0} map[] Jan  6 00:10 -",
			"vm-5  cpu=1 memory=1.75GiB {[] 0 0 0} map[] Jan  6 00:15 -",
			"vm-6  cpu=2 memory=3.5GiB {[] 0 0 0} map[] Jan  6 00:15 -",
			`error: v1.test.txt:1: flavour "x" is not in flav_map`,
			"vm-7  cpu=2 memory=3.5GiB {[] 0 0 0} map[] Jan  6 00:20 -",
		}},
		{"swf:testdata/swf", []string{
			"job-0 batch cpu=64 memory=64GiB {[] 0 0 0} map[requested_seconds:86400 run_seconds:60 status:1 wait_seconds:5] Dec 31 23:22 Dec 31 23:23",
			"job-1 batch cpu=128 {[] 0 0 0} map[run_seconds:1451 status:1 wait_seconds:10] Oct  1 07:00 Oct  1 07:24",
			"job-2 batch cpu=8 memory=16MiB {[] 0 0 0} map[requested_seconds:7200] Oct  1 07:24 -",
			`error: plain.swf:6: field 4 "-359" is not a number of -1 or more`,
		}},
	} {
		t.Run(test.ref, func(t *testing.T) {
			f := openFleet(t, test.ref)
			_, folder, _ := strings.Cut(test.ref, ":")
			var got []string
			for a, err := range f.Arrivals(context.Background()) {
				if err != nil {
					got = append(got, "error: "+strings.TrimPrefix(err.Error(), folder+"/"))
					continue
				}
				if err := a.Workload.Validate(); err != nil {
					t.Error(err)
				}
				w := a.Workload
				line := fmt.Sprintf("%s %s %s %v %v %s %s", w.ID, w.Class, w.Requests, w.Accelerator, w.Labels, stamp(a.Arrive), stamp(a.Depart))
				if a.MaxPerNode > 0 {
					line += fmt.Sprintf(" at most %d a node", a.MaxPerNode)
				}
				got = append(got, line)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
			if _, err := f.Nodes(context.Background()); err == nil || !strings.Contains(err.Error(), "lists arrivals, not nodes") {
				t.Errorf("nodes of arrivals: %v", err)
			}
			if done, total := f.Progress(); done == 0 || done != total {
				t.Errorf("progress %d of %d after the end", done, total)
			}
		})
	}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.Stamp[:12])
}

func TestOpenErrors(t *testing.T) {
	empty := t.TempDir()
	unnamed := filepath.Join(t.TempDir(), "march.csv")
	write(t, unnamed, "vm,1,2\n")
	for _, test := range []struct {
		ref, want string
	}{
		{"bitbrains", `trace "bitbrains": want FORMAT:PATH, FORMAT one of bitbrains, planetlab, azure, openb, alibaba-gentd26, alibaba2018-machines, alibaba-gpu-2025, azure-v1-arrivals, gcd-vms, swf, csv, synthetic`},
		{"bitbrain:x", `trace "bitbrain:x": unknown format "bitbrain" (want one of`},
		{"csv:", `trace "csv:": no path after "csv:"`},
		{"csv:testdata/none.csv", "testdata/none.csv: no such file"},
		{"csv:" + empty, "the folder holds no files"},
		{"openb:testdata/openb/pods.csv", "open trace openb:testdata/openb/pods.csv: openb holds machines and arrivals, no usage over time (formats with usage: bitbrains"},
		{"planetlab:" + unnamed, "neither the file nor its folder is named for a day (want YYYYMMDD.csv, or YYYYMMDD/VM)"},
		{"azure:testdata/csv", "no vmtable*.csv"},
		{"synthetic:one", `seed "one" is not a whole number`},
		{"synthetic:1,days=0", `parameter "days=0": "0" is not a number above 0`},
		{"synthetic:1,day=3", `parameter "day=3" is none of`},
		{"synthetic:1,step=5", `parameter "step=5": time: missing unit`},
		{"synthetic:1,step=-5m", `parameter "step=-5m": -5m0s is not positive`},
	} {
		t.Run(test.ref, func(t *testing.T) {
			ref, err := ParseRef(test.ref)
			if err == nil {
				_, err = OpenUsage(ref, Options{})
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	t.Run("a folder of openb lists", func(t *testing.T) {
		_, err := OpenFleet(Ref{Format: "openb", Path: "testdata/openb"}, Options{})
		if err == nil || !strings.Contains(err.Error(), "name the node list or the pod list to read") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("fleet of a usage trace", func(t *testing.T) {
		_, err := OpenFleet(Ref{Format: "csv", Path: "testdata/csv"}, Options{})
		if err == nil || !strings.Contains(err.Error(), "csv holds usage, neither machines nor arrivals (formats with those: azure, openb, alibaba-gpu-2025, azure-v1-arrivals, swf, synthetic)") {
			t.Errorf("got %v", err)
		}
	})
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestRowErrors gives each reader bad rows between good ones: each is named by
// file and line, and the good ones are all read.
func TestRowErrors(t *testing.T) {
	const bitbrainsHead = "vm,ts,cores,cpu_cap_mhz,cpu_mhz,mem_cap_kb,mem_used_kb\n"
	const gwaHead = "Timestamp [ms];\tCPU cores;\tCPU capacity provisioned [MHZ];\tCPU usage [MHZ];\tMemory capacity provisioned [KB];\tMemory usage [KB]\n"
	const podHead = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n"
	long := strings.Repeat(",1", 289)
	for _, test := range []struct {
		name, format, file, good string
		bad                      map[string]string // row to the end of its error
	}{
		{"bitbrains", "bitbrains", "a.csv", bitbrainsHead + "1,1375221300,1,1,1,1,1\n", map[string]string{
			"1,1375221300,1,1,1,1":         "6 columns, want 7",
			"1,1375221300,1,1,1,1,1,1":     "8 columns, want 7",
			",1375221300,1,1,1,1,1":        "no VM in the first column",
			"1,yesterday,1,1,1,1,1":        `ts "yesterday" is not a number`,
			"1,-5,1,1,1,1,1":               "ts -5 is negative",
			"1,1e300,1,1,1,1,1":            "ts 1e300 is too large to be true",
			"1,1375221300,x,1,1,1,1":       `cores "x" is not a number`,
			"1,1375221300,1,NaN,1,1,1":     `CPU capacity "NaN" is not a number`,
			"1,1375221300,1,1,-1,1,1":      "CPU usage -1 is negative",
			"1,1375221300,1,1,1,Inf,1":     `memory capacity "Inf" is not a number`,
			"1,1375221300,1,1,1,1,1.2.3":   `memory usage "1.2.3" is not a number`,
			"1,1375221300,1,1,1,1," + long: "296 columns, want 7",
		}},
		{"gwa", "bitbrains", "7.csv", gwaHead + "1372629804;\t1;\t1;\t1;\t1;\t1\n", map[string]string{
			"1372629804;\t1;\t1;\t1;\t1":      "5 columns, the header has 6",
			"1372629804;\t1;\t1;\t1;\t1;\t":   `memory usage "" is not a number`,
			"1372629804;\t-1;\t1;\t1;\t1;\t1": "cores -1 is negative",
		}},
		{"planetlab", "planetlab", "20110303.csv", "vm,1\n", map[string]string{
			"v\x00,1":   "holds a NUL character",
			"v\xff,1":   "not valid UTF-8",
			"vm" + long: "more than 288 values in a day",
			"vm":        `VM "vm" has no values`,
			",1":        "no VM name in the first column",
			"vm,1,x":    `value 2: "x" is not a whole percentage`,
			"vm,1.5":    `value 1: "1.5" is not a whole percentage`,
			"vm,-1":     `value 1: "-1" is not a whole percentage`,
			"vm,1,,3":   `value 2: "" is not a whole percentage`,
			"vm,1,2,3,": `value 4: "" is not a whole percentage`,
		}},
		{"planetlab VM", "planetlab", "20110303/vm", "1\n", map[string]string{
			"one": `value 2: "one" is not a whole percentage`,
		}},
		{"openb", "openb", "pods.csv", podHead + "p,1,1,1,1000,,LS,Running,1,2,1\n", map[string]string{
			"p,1,1,1,1000":                             "5 columns, want 11",
			",1,1,1,1000,,LS,Running,1,2,1":            "no pod name in the first column",
			"p,x,1,1,1000,,LS,Running,1,2,1":           `cpu_milli "x" is not a number`,
			"p,1,-1,1,1000,,LS,Running,1,2,1":          "memory_mib -1 is negative",
			"p,1,1,65,1000,,LS,Running,1,2,1":          `"65" gpus, want a number from 0 to 64`,
			"p,1,1,1,1001,,LS,Running,1,2,1":           `gpu_milli "1001" is not between 0 and 1000`,
			"p,1,1,1,0,,LS,Running,1,2,1":              "num_gpu 1 with gpu_milli 0",
			"p,1,1,2,500,,LS,Running,1,2,1":            "2 devices of 500 milli each: only one device can be shared",
			"p,1,1,1,1000,,LS,Running,3,2,1":           "pod p is deleted before it is created",
			"p,1,1,1,1000,,LS,Running,1,99999999999,1": "deletion_time 99999999999 is over a hundred years after the start of the trace",
			"p,1,1,1,1000,,LS,Running,tomorrow,2,1":    `creation_time "tomorrow" is not a number`,
		}},
		{"openb nodes", "openb", "nodes.csv", "sn,cpu_milli,memory_mib,gpu,model\nn,1,1,1,T4\n", map[string]string{
			"n,1,1,1,": "node n has 1 gpu of no model",
			"n,1,1":    "3 columns, want 5",
		}},
		{"csv", "csv", "a.csv", "time,workload,cpu,memory\n1767600600,w,1,1\n", map[string]string{
			"1767600600,w,1":             "3 columns, the header has 4",
			"1767600600,,1,1":            "no workload",
			"1767600600,w,,":             "no usage: every resource column is empty",
			"05/01/2026,w,1,1":           `time "05/01/2026" is not a number`,
			"2026-01-05 08:00,w,1,1":     `time "2026-01-05 08:00" is not RFC 3339, such as 2026-01-05T08:00:00Z`,
			"2262-01-01T00:00:00Z,w,1,1": "time 2262-01-01T00:00:00Z is not between 1970 and 2261",
			"1969-01-01T00:00:00Z,w,1,1": "time 1969-01-01T00:00:00Z is not between 1970 and 2261",
			"1767600600,w,-1,1":          "cpu is negative (-1 cores)",
			"1767600600,w,4GiB,1":        `parse cpu amount "4GiB": want a number of cores`,
			"1767600600,w,1,4 apples":    `parse memory amount "4 apples": want a number of bytes`,
			"1767600600,w,NaN,1":         "cpu is NaN",
			`1767600600,"w,1,1`:          "column 2: quote without its end on this line",
			`1767600600,"w"x,1,1`:        "column 2: text after the closing quote",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			lines := strings.SplitAfter(test.good, "\n")
			good := lines[len(lines)-2]
			for bad, want := range test.bad {
				path := filepath.Join(t.TempDir(), test.file)
				write(t, path, test.good+bad+"\n"+good)
				wantAt := fmt.Sprintf("%s:%d: ", path, len(lines))
				records, errs := readAll(t, Ref{Format: test.format, Path: path})
				if records != 2 && test.format != "openb" || len(errs) != 1 {
					t.Errorf("%q: %d records and errors %v, want 2 and one", bad, records, errs)
					continue
				}
				var row *RowError
				if !errors.As(errs[0], &row) || !strings.HasPrefix(row.Error(), wantAt) || !strings.Contains(row.Error(), want) {
					t.Errorf("%q: got %q, want %q", bad, errs[0], wantAt+want)
				}
			}
		})
	}
}

// readAll reads whatever the trace holds; a node list ends with its first error.
func readAll(t testing.TB, ref Ref) (records int, errs []error) {
	t.Helper()
	count := func(err error) {
		if err != nil {
			errs = append(errs, err)
		} else {
			records++
		}
	}
	if ref.Format != "openb" {
		u, err := OpenUsage(ref, Options{})
		if err != nil {
			return 0, []error{err}
		}
		for _, err := range u.Samples(context.Background()) {
			count(err)
		}
		return records, errs
	}
	f, err := OpenFleet(ref, Options{})
	if err != nil {
		return 0, []error{err}
	}
	if f.HasNodes() {
		nodes, err := f.Nodes(context.Background())
		if err != nil {
			return 0, []error{err}
		}
		return len(nodes), nil
	}
	for _, err := range f.Arrivals(context.Background()) {
		count(err)
	}
	return records, errs
}

// TestFileErrors holds what is wrong with a file as a whole.
func TestFileErrors(t *testing.T) {
	const table = "v,s,d,0,1,1,1,1,Unknown,2,2\n"
	for _, test := range []struct {
		name, format string
		files        map[string]string
		want         string
	}{
		{"header", "bitbrains", map[string]string{"a.csv": "vm,ts\n1,2\n"}, `a.csv:1: header "vm,ts" is neither`},
		{"gwa header", "bitbrains", map[string]string{"a.csv": "Timestamp [ms];\tCPU cores\n"}, `a.csv:1: header lacks column "CPU capacity provisioned [MHZ]"`},
		{"empty", "bitbrains", map[string]string{"a.csv": ""}, "a.csv:1: the file is empty"},
		{"one of several is empty", "planetlab", map[string]string{"20110303/a": "", "20110303/b": "1"}, "20110303/a:1: the file is empty"},
		{"csv without time", "csv", map[string]string{"a.csv": "workload,cpu\n"}, "a.csv:1: header \"workload,cpu\": want columns time, workload"},
		{"csv without resource", "csv", map[string]string{"a.csv": "time,workload,cpu_limit\n"}, "no resource column"},
		{"csv column twice", "csv", map[string]string{"a.csv": "time,workload,cpu,cpu\n"}, `header: column "cpu" twice`},
		{"csv bad name", "csv", map[string]string{"a.csv": "time,workload,CPU\n"}, `header: column "CPU": resource name "CPU": character`},
		{"csv foreign unit", "csv", map[string]string{"a.csv": "time,workload,memory_mb\n"}, `header: column "memory_mb": name it "memory" and give the amounts in bytes`},
		{"openb header", "openb", map[string]string{"a.csv": "x,y\n"}, `a.csv:1: header "x,y" is neither that of nodes`},
		{"openb pod header", "openb", map[string]string{"a.csv": "name,cpu_milli,memory_mib,num_gpu,gpu_milli,colour\n"}, "a.csv:1: pod header"},
		{"gentd26 name", "alibaba-gentd26", map[string]string{"a.csv": "x"}, "a.csv: the name holds none of gpu_duty_cycle, gpu_memory_used, memory_util"},
		{"gentd26 twice", "alibaba-gentd26", map[string]string{"1_memory_util": "x", "2_memory_util": "x"}, "2_memory_util: a second file of memory"},
		{"gentd26 header", "alibaba-gentd26", map[string]string{"memory_util": "value,time\n"}, `memory_util:1: header "value,time" is not value,timestamp_anon,container_ip in some order`},
		{"gentd26 empty", "alibaba-gentd26", map[string]string{"memory_util": ""}, "memory_util: the file is empty"},
		{"alibaba2018 without meta", "alibaba2018-machines", map[string]string{"machine_usage.csv": "x"}, "want machine_meta*.csv and machine_usage*.csv"},
		{"alibaba2018 meta", "alibaba2018-machines", map[string]string{"machine_usage.csv": "x", "machine_meta.csv": "m_1,0,219,17,many,100,USING\n"}, `machine_meta.csv:1: cpu_num "many" is not a number`},
		{"gcd too long", "gcd-vms", map[string]string{"vm": strings.Repeat("1 2\n", 289)}, "vm:289: more than 288 values in a day"},
		{"gcd archive", "gcd-vms", map[string]string{"a.tar": tarOf("vm", "1 2\n")[:600]}, "a.tar: read archive: unexpected EOF"},
		{"azure table", "azure", map[string]string{"vmtable.csv": "v,s,d,0,1,1,1,1,Lazy,2,2\n", "vm_cpu_readings.csv": "0,v,1,1,1\n"}, `vmtable.csv:1: category "Lazy" is none of`},
		{"azure bucket", "azure", map[string]string{"vmtable.csv": "v,s,d,0,1,1,1,1,Unknown,0,2\n", "vm_cpu_readings.csv": "0,v,1,1,1\n"}, "vmtable.csv:1: vmcorecountbucket is 0"},
		{"azure order", "azure", map[string]string{"vmtable.csv": "v,s,d,5,1,1,1,1,Unknown,2,2\n", "vm_cpu_readings.csv": "0,v,1,1,1\n"}, `VM "v" is deleted (1) before it is created (5)`},
		{"azure columns", "azure", map[string]string{"vmtable.csv": table, "vm_cpu_readings.csv": "0,v,1,1\n"}, "vm_cpu_readings.csv:1: 4 columns, want 5"},
		{"azure percent", "azure", map[string]string{"vmtable.csv": table, "vm_cpu_readings.csv": "0,v,1,1,-1\n"}, "avgcpu -1 is negative"},
		{"azure without readings", "azure", map[string]string{"vmtable.csv": table}, "no vm_cpu_readings"},
		{"cut gzip", "planetlab", map[string]string{"20110303.csv": gzipped(strings.Repeat("vm,1,2,3\n", 1000))[:40]}, ": read gzip: unexpected EOF (the file is cut short or damaged; fetch it again)"},
		{"cut gzip header", "planetlab", map[string]string{"20110303.csv": gzipped("vm,1\n")[:5]}, "20110303.csv: read gzip: unexpected EOF"},
		{"not text", "planetlab", map[string]string{"20110303.csv": strings.Repeat("\x00", maxLine+1)}, "20110303.csv:1: read: line is longer than 4194304 bytes: not a text file?"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range test.files {
				write(t, filepath.Join(dir, name), text)
			}
			_, errs := readAll(t, Ref{Format: test.format, Path: dir})
			if len(errs) != 1 || !strings.Contains(errs[0].Error(), test.want) {
				t.Errorf("got %v, want %s", errs, test.want)
			}
		})
	}
}
