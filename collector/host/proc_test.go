package host

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/auspex-project/auspex/resource"
)

// proc describes a process of a hand-made /proc.
type proc struct {
	pid, parent, group int
	command            string
	started            int
	own, children      int // CPU, in ticks
	resident, shared   int // pages
	io                 string
}

func procTree(procs ...proc) fstest.MapFS {
	files := map[string]string{
		"proc/stat":    "cpu  1 2 3\ncpu0 1 2 3\ncpu1 1 2 3\nintr 5\n",
		"proc/uptime":  "1 2",
		"proc/self/io": "x",
	}
	for _, p := range procs {
		dir := fmt.Sprintf("proc/%d/", p.pid)
		files[dir+"stat"] = fmt.Sprintf("%d (%s) S %d %d 1 0 -1 4194304 97 0 0 0 %d %d %d %d 20 0 1 0 %d 3133440 362 18446744073709551615\n",
			p.pid, p.command, p.parent, p.group, p.own/2, p.own-p.own/2, p.children, 0, p.started)
		files[dir+"statm"] = fmt.Sprintf("9999 %d %d 1 0 1 0\n", p.resident, p.shared)
		if p.io != "" {
			files[dir+"io"] = p.io
		}
	}
	return tree(files)
}

func ioText(read, written int) string {
	return fmt.Sprintf("rchar: 999999\nwchar: 999999\nread_bytes: %d\nwrite_bytes: %d\ncancelled_write_bytes: 7\n", read, written)
}

func readProcs(t *testing.T, procs ...proc) processes {
	t.Helper()
	r, err := procReader{procTree(procs...)}.read()
	if err != nil {
		t.Fatal(err)
	}
	return r.(processes)
}

var page = float64(os.Getpagesize())

func TestProcRates(t *testing.T) {
	none := ioText(0, 0)
	shell := proc{pid: 50, parent: 1, group: 50, command: "bash", started: 5, own: 100, resident: 10, shared: 4, io: none}
	with := func(p proc, change func(*proc)) proc { change(&p); return p }
	tests := map[string]struct {
		before, after []proc
		want          map[string]usage // over ten seconds
	}{
		"a group of two": {
			[]proc{
				{pid: 7, parent: 1, group: 7, command: "we (b) d", own: 1000, resident: 100, shared: 60, io: ioText(0, 1000)},
				{pid: 8, parent: 7, group: 7, command: "worker", own: 0, resident: 100, shared: 50, io: ioText(50, 0)},
			},
			[]proc{
				{pid: 7, parent: 1, group: 7, command: "we (b) d", own: 1500, resident: 120, shared: 60, io: ioText(0, 2000)},
				{pid: 8, parent: 7, group: 7, command: "worker", own: 250, resident: 110, shared: 50, io: ioText(1050, 0)},
			},
			map[string]usage{"proc/we (b) d:7": {app: "we (b) d", used: resource.Of(.75, 180*page).With(resource.DiskIO, 200)}},
		},
		"another user's": {
			[]proc{{pid: 7, group: 7, command: "d", own: 1, resident: 5}},
			[]proc{{pid: 7, group: 7, command: "d", own: 11, resident: 5}},
			map[string]usage{"proc/d:7": {app: "d", used: resource.Of(.01, 5*page)}},
		},
		"the kernel's threads": {
			[]proc{{pid: 2, command: "kthreadd", own: 5}, {pid: 3, parent: 2, command: "kworker/0:1", own: 5}},
			[]proc{{pid: 2, command: "kthreadd", own: 50}, {pid: 3, parent: 2, command: "kworker/0:1", own: 50}},
			nil,
		},
		"a new group":    {nil, []proc{shell}, nil},
		"an ended group": {[]proc{shell}, nil, nil},
		"a pid used again": {
			[]proc{shell},
			[]proc{with(shell, func(p *proc) { p.started, p.own = 99, 5000 })},
			nil, // another group, seen for the first time
		},
		"a pid used again in the same group": {
			[]proc{shell, {pid: 51, parent: 50, group: 50, started: 6, own: 300, io: none}},
			[]proc{with(shell, func(p *proc) { p.children = 310 }), {pid: 51, parent: 50, group: 50, started: 90, own: 40, io: none}},
			// 10 ticks of the old one, 40 of the new one
			map[string]usage{"proc/bash:50": {app: "bash", used: resource.Of(.05, 10*page).With(resource.DiskIO, 0)}},
		},
		"a child that ended had its own group": {
			[]proc{shell, {pid: 60, parent: 50, group: 60, command: "make", started: 7, own: 2000, io: ioText(3000, 0)}},
			[]proc{with(shell, func(p *proc) { p.children, p.io = 2100, ioText(3500, 0) })},
			// Only what make used since the earlier reading, not its whole life.
			map[string]usage{"proc/bash:50": {app: "bash", used: resource.Of(.1, 10*page).With(resource.DiskIO, 50)}},
		},
		"children too short-lived to be seen": {
			[]proc{shell},
			[]proc{with(shell, func(p *proc) { p.children = 800 })},
			map[string]usage{"proc/bash:50": {app: "bash", used: resource.Of(.8, 10*page).With(resource.DiskIO, 0)}},
		},
		"an orphan reaped by init": {
			[]proc{
				{pid: 1, group: 1, command: "init", own: 10, children: 100},
				{pid: 60, parent: 1, group: 60, command: "daemon", started: 7, own: 9000},
			},
			[]proc{{pid: 1, group: 1, command: "init", own: 20, children: 9100}},
			map[string]usage{"proc/init:1": {app: "init", used: resource.Of(.01, 0)}},
		},
		"the leader ended": {
			[]proc{
				{pid: 70, parent: 1, group: 70, command: "leader", started: 5, io: none},
				{pid: 72, parent: 1, group: 70, command: "second", started: 9, io: none},
				{pid: 71, parent: 1, group: 70, command: "first", started: 8, io: none},
			},
			[]proc{
				{pid: 72, parent: 1, group: 70, command: "second", started: 9, own: 10, io: none},
				{pid: 71, parent: 1, group: 70, command: "first", started: 8, own: 10, io: none},
			},
			map[string]usage{"proc/first:70": {app: "first", used: resource.Of(.02, 0).With(resource.DiskIO, 0)}},
		},
		"no more than the machine has": {
			[]proc{{pid: 7, group: 7, command: "d"}},
			[]proc{{pid: 7, group: 7, command: "d", own: 100_000}},
			map[string]usage{"proc/d:7": {app: "d", used: resource.Of(2, 0)}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before, after := readProcs(t, test.before...), readProcs(t, test.after...)
			compare(t, after.since(before, 10), test.want)
			if got := after.since(before, 0); got != nil {
				t.Errorf("rates over no time: %v", got)
			}
		})
	}
}

func TestProcMalformed(t *testing.T) {
	for name, text := range map[string]string{
		"no command": "7 S 1 7 7", "short": "7 (a) S 1 7 7 0", "letters": "7 (a) " + strings.Repeat("x ", 40), "no pid": "x (a) S" + strings.Repeat(" 1", 40),
	} {
		if _, err := parseStat(text); err == nil {
			t.Errorf("%s: stat %q was read", name, text)
		}
		root := procTree(proc{pid: 7, group: 7})
		root["proc/7/stat"] = &fstest.MapFile{Data: []byte(text)}
		if _, err := (procReader{root}).read(); err == nil || !strings.Contains(err.Error(), "process 7") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := parseStatm("1 2"); err == nil {
		t.Error("a short statm was read")
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add("17726 (cat) R 17721 17721 14615 0 -1 4194304 97 0 0 0 1 2 3 4 20 0 1 0 260517 3133440 362")
	f.Add("1 (a) b) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 -5")
	f.Add(")(")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parseStat(text)
		if err == nil && (!strings.Contains(text, p.command) || p.cpuSeconds < 0) {
			t.Errorf("%q parsed as %+v", text, p)
		}
	})
}

func FuzzCgroupFiles(f *testing.F) {
	f.Add("8:0 rbytes=1 wbytes=2 rios=3\n", "150000 100000\n")
	f.Add("8:0\n\n= ==\n", "max 0")
	f.Fuzz(func(t *testing.T, io, cpu string) {
		if sum := parseIO([]byte(io), func(string) bool { return false }); !(sum >= 0) {
			t.Errorf("io.stat %q sums to %g", io, sum)
		}
		if cores, ok := parseCPUMax(cpu); ok && !(cores >= 0) {
			t.Errorf("cpu.max %q is %g cores", cpu, cores)
		}
		if sum := parseProcIO(io); !(sum >= 0) {
			t.Errorf("io %q sums to %g", io, sum)
		}
	})
}
