package datasets

import (
	"context"
	"fmt"
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
			vm-2 2013-07-30T22:15:00Z | cpu=0.889 memory=0B | cpu=3.554 memory=8GiB
			vm-3 2013-07-30T21:55:00Z | cpu=0.004 memory=1MiB | memory=1GiB
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
			pod-a/ml-inference 2022-09-11T01:12:00Z | gpu=0.5 gpu_memory=1GiB | gpu=1 gpu_memory=48GiB
			pod-c/ml-inference 2022-09-11T01:12:00Z | memory=512MiB | memory=1GiB
			error: pod_gpu_duty_cycle.csv:5: time goes back from 1662858777 to 1662858720
			error: pod_memory_util.csv:4: container_ip is empty
			pod-a/ml-inference 2022-09-11T01:12:57Z | memory=0B gpu=0 | memory=1GiB gpu=1
			pod-b/ml-inference 2022-09-11T01:12:57Z | gpu=0.075 gpu_memory=2GiB | gpu=1 gpu_memory=48GiB
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
		{"openb:testdata/openb/pods6.csv", []string{
			"plain  cpu=4 memory=8GiB {[] 0 0 0} map[phase: qos:] - -",
			"shared  cpu=4 memory=8GiB {[T4 P100] 1 0.5 0} map[phase: qos:] - -",
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
				if a.Workload.MaxPerNode > 0 {
					line += fmt.Sprintf(" at most %d a node", a.Workload.MaxPerNode)
				}
				got = append(got, line)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
			if _, err := f.Nodes(context.Background()); err == nil || !strings.Contains(err.Error(), "lists arrivals, not nodes") {
				t.Errorf("nodes of arrivals: %v", err)
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
