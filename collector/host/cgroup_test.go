package host

import (
	"io/fs"
	"maps"
	"math"
	"testing"
	"testing/fstest"

	"github.com/auspex-project/auspex/resource"
)

// tree makes a file system of names and contents.
func tree(files ...map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for _, some := range files {
		for name, text := range some {
			m[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	return m
}

// group makes the files of one control group.
func group(path string, files map[string]string) map[string]string {
	out := map[string]string{}
	for name, text := range files {
		out["sys/fs/cgroup/"+path+"/"+name] = text
	}
	return out
}

func systemdTree(nginxCPU, nginxIO string) fstest.MapFS {
	return tree(
		map[string]string{
			"sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n",
			"sys/fs/cgroup/cpu.stat":           "usage_usec 99000000\n",
			"sys/dev/block/253:0/slaves/sda3":  "",
			"sys/dev/block/7:1/loop/x":         "",
		},
		group("system.slice", map[string]string{
			"memory.current": "9000000", "memory.max": "4294967296\n", "cpu.max": "150000 100000\n", "cpu.stat": "usage_usec 1\n",
		}),
		group("system.slice/nginx@web.service", map[string]string{
			"cpu.stat": nginxCPU, "memory.current": "3000000\n", "memory.stat": "anon 1\ninactive_file 1000000\nactive_file 7\n",
			"io.stat": nginxIO, "cpu.max": "max 100000\n", "memory.max": "max\n",
		}),
		group("system.slice/db.service", map[string]string{
			"cpu.stat": "usage_usec 5000000\n", "memory.current": "700", "cpu.max": "50000 100000", "memory.max": "1048576",
		}),
		// A delegated service whose own groups have no accounting is the workload itself.
		group("system.slice/db.service/worker", map[string]string{"cpu.stat": "usage_usec 1\n"}),
		group("kubepods.slice/pod1/cri-containerd-0123456789abcdef.scope", map[string]string{
			"cpu.stat": "usage_usec 7000000\n", "memory.current": "50",
		}),
		group("kubepods.slice", map[string]string{"memory.current": "60"}),
		group("kubepods.slice/pod1", map[string]string{"memory.current": "60"}),
	)
}

func readCgroups(t *testing.T, root fs.FS) cgroups {
	t.Helper()
	hierarchy, ok := findCgroups(root)
	if !ok {
		t.Fatal("no hierarchy found")
	}
	r, err := (&cgroupReader{root: root, hierarchy: hierarchy}).read()
	if err != nil {
		t.Fatal(err)
	}
	return r.(cgroups)
}

func TestCgroupRates(t *testing.T) {
	before := readCgroups(t, systemdTree("usage_usec 10000000\nuser_usec 1\n", "8:0 rbytes=100 wbytes=200 rios=3\n253:0 rbytes=9000 wbytes=9000\n"))
	after := readCgroups(t, systemdTree("usage_usec 25000000\n", "8:0 rbytes=600 wbytes=700 rios=3\n253:0 rbytes=99000 wbytes=9000\n7:1 rbytes=5 wbytes=5\n259:0 wbytes=1000\n"))
	limits := resource.Of(1.5, 1<<32)
	want := map[string]usage{
		"system.slice/nginx@web.service": {
			app: "nginx", used: resource.Of(1.5, 2_000_000).With(resource.DiskIO, 200), limit: limits,
		},
		"system.slice/db.service":                                   {app: "db", used: resource.Of(0, 700), limit: resource.Of(.5, 1<<20)},
		"kubepods.slice/pod1/cri-containerd-0123456789abcdef.scope": {used: resource.Of(0, 50)},
	}
	compare(t, after.since(before, 10), want)
	if got := after.since(before, 0); got != nil {
		t.Errorf("rates over no time: %v", got)
	}
}

func compare(t *testing.T, got []usage, want map[string]usage) {
	t.Helper()
	seen := map[string]bool{}
	for _, u := range got {
		w, ok := want[u.id]
		if !ok || seen[u.id] {
			t.Errorf("%s: not expected: %v", u.id, u.used)
			continue
		}
		seen[u.id] = true
		if u.app != w.app || !near(u.used, w.used) || !u.limit.Equal(w.limit) {
			t.Errorf("%s: app %q used %v limit %v; want app %q used %v limit %v", u.id, u.app, u.used, u.limit, w.app, w.used, w.limit)
		}
	}
	for id := range maps.Keys(want) {
		if !seen[id] {
			t.Errorf("%s: missing", id)
		}
	}
}

// near compares amounts up to rounding.
func near(a, b resource.Vector) bool {
	if a.Len() != b.Len() {
		return false
	}
	for name, x := range a.All() {
		if y := b.Get(name); !b.Has(name) || math.Abs(x-y) > 1e-9*max(1, y) {
			return false
		}
	}
	return true
}

func TestCgroupResets(t *testing.T) {
	limit := resource.Vector{}
	one := func(g cgroup) cgroups { return cgroups{"a.service": g} }
	tests := map[string]struct {
		before, after cgroups
		want          map[string]usage
	}{
		"made again": {
			one(cgroup{cpuSeconds: 100, hasIO: true, ioBytes: 500}),
			one(cgroup{cpuSeconds: 5, hasIO: true, ioBytes: 800, memoryBytes: 7}),
			map[string]usage{"a.service": {app: "a", used: resource.Of(.5, 7).With(resource.DiskIO, 80), limit: limit}},
		},
		"a device went": {
			one(cgroup{cpuSeconds: 100, hasIO: true, ioBytes: 500}),
			one(cgroup{cpuSeconds: 110, hasIO: true, ioBytes: 400, memoryBytes: 7}),
			map[string]usage{"a.service": {app: "a", used: resource.Of(1, 7), limit: limit}},
		},
		"io accounting came": {
			one(cgroup{cpuSeconds: 100}),
			one(cgroup{cpuSeconds: 100, hasIO: true, ioBytes: 400}),
			map[string]usage{"a.service": {app: "a", used: resource.Of(0, 0), limit: limit}},
		},
		"new":     {cgroups{}, one(cgroup{cpuSeconds: 100}), nil},
		"removed": {one(cgroup{cpuSeconds: 100}), cgroups{}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { compare(t, test.after.since(test.before, 10), test.want) })
	}
}

func TestFindCgroups(t *testing.T) {
	const v2 = "sys/fs/cgroup/cgroup.controllers"
	tests := map[string]struct {
		root fs.FS
		want string
	}{
		"v2":                  {tree(map[string]string{v2: "cpu memory", "sys/fs/cgroup/a/memory.current": "1"}), "sys/fs/cgroup"},
		"beside v1":           {tree(map[string]string{"sys/fs/cgroup/unified/cgroup.controllers": "memory cpu", "sys/fs/cgroup/unified/a/memory.current": "1"}), "sys/fs/cgroup/unified"},
		"controllers with v1": {tree(map[string]string{"sys/fs/cgroup/unified/cgroup.controllers": "hugetlb", "sys/fs/cgroup/memory/x": ""}), ""},
		"in a container":      {tree(map[string]string{v2: "cpu memory", "sys/fs/cgroup/memory.current": "1"}), ""},
		"nothing":             {tree(), ""},
	}
	for name, test := range tests {
		if got, ok := findCgroups(test.root); got != test.want || ok != (got != "") {
			t.Errorf("%s: found %q, want %q", name, got, test.want)
		}
	}
}

// vanishing fails to read the files of one group as the kernel does when it is
// being removed.
type vanishing struct {
	fstest.MapFS
	name string
	err  error
}

func (v vanishing) Open(name string) (fs.File, error) {
	if name == v.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: v.err}
	}
	return v.MapFS.Open(name)
}

// ReadFile is there so that the embedded one is not used.
func (v vanishing) ReadFile(name string) ([]byte, error) {
	if name == v.name {
		return nil, &fs.PathError{Op: "read", Path: name, Err: v.err}
	}
	return v.MapFS.ReadFile(name)
}

func TestCgroupGoesWhileRead(t *testing.T) {
	root := systemdTree("usage_usec 1\n", "")
	for _, err := range []error{fs.ErrNotExist, fs.ErrPermission} {
		got := readCgroups(t, vanishing{root, "sys/fs/cgroup/system.slice/db.service/cpu.stat", err})
		if _, ok := got["system.slice/db.service"]; ok || len(got) != 2 {
			t.Errorf("%v: read %v", err, got)
		}
	}
}

func TestCgroupMalformed(t *testing.T) {
	for file, text := range map[string]string{"cpu.stat": "usage_usec many\n", "memory.current": "", "memory.stat": "inactive_file -1\n"} {
		root := systemdTree("usage_usec 1\n", "")
		root["sys/fs/cgroup/system.slice/db.service/"+file] = &fstest.MapFile{Data: []byte(text)}
		if _, err := (&cgroupReader{root: root, hierarchy: "sys/fs/cgroup"}).read(); err == nil {
			t.Errorf("%s holding %q was read", file, text)
		}
	}
}

func TestAppOfUnit(t *testing.T) {
	for unit, want := range map[string]string{
		"nginx.service":                 "nginx",
		"getty@tty1.service":            "getty",
		"docker-0a1b2c3d4e5f6071.scope": "",
		"session-3.scope":               "",
		"run-u12.scope":                 "",
		"user-1000.slice":               "user-1000",
		"kubelet":                       "kubelet",
	} {
		if got := appOfUnit(unit); got != want {
			t.Errorf("%s: app %q, want %q", unit, got, want)
		}
	}
}
