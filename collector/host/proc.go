package host

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/auspex-project/auspex/resource"
)

// Linux reports process times in ticks of 1/100 s to all programs (USER_HZ in
// asm-generic/param.h), whatever the kernel's own.
const ticksPerSecond = 100

const initPID = 1

type procReader struct{ root fs.FS }

// processes is a reading of /proc.
type processes struct {
	byPID map[int]process
	cores int // 0 when unknown
}

// process is one entry of /proc.
type process struct {
	pid, parent, group int
	command            string
	started            uint64 // ticks since boot: with the pid it names the process

	// Used by the process and by the children it has waited for; by init alone,
	// which waits for all orphans, without its children.
	cpuSeconds float64
	ioBytes    float64
	hasIO      bool // false for init, and when another user's process may not be looked into

	privateBytes, sharedBytes float64
}

func (r procReader) read() (reading, error) {
	entries, err := fs.ReadDir(r.root, "proc")
	if err != nil {
		return nil, fmt.Errorf("read processes: %w", err)
	}
	all := processes{byPID: map[int]process{}}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		p, err := r.process(e.Name())
		if gone(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read process %d: %w", pid, err)
		}
		all.byPID[p.pid] = p
	}
	if stat, err := fs.ReadFile(r.root, "proc/stat"); err == nil {
		all.cores = countCores(string(stat))
	}
	return all, nil
}

func (r procReader) process(pid string) (process, error) {
	stat, err := fs.ReadFile(r.root, "proc/"+pid+"/stat")
	if err != nil {
		return process{}, err
	}
	p, err := parseStat(string(stat))
	if err != nil {
		return process{}, err
	}
	statm, err := fs.ReadFile(r.root, "proc/"+pid+"/statm")
	if err != nil {
		return process{}, err
	}
	if p.privateBytes, p.sharedBytes, err = parseStatm(string(statm)); err != nil {
		return process{}, err
	}
	if io, err := fs.ReadFile(r.root, "proc/"+pid+"/io"); err == nil && p.pid != initPID {
		p.ioBytes, p.hasIO = parseProcIO(string(io)), true
	}
	return p, nil
}

// parseStat reads /proc/PID/stat (proc(5)). The command stands in parentheses
// and may hold any character, parentheses and spaces too.
func parseStat(text string) (p process, err error) {
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return p, fmt.Errorf("stat %.60q: no command", text)
	}
	p.command = text[open+1 : end]
	fields := strings.Fields(text[end+1:])
	const firstField = 3 // of fields, counted as in proc(5)
	number := func(field int) uint64 {
		if err != nil || field-firstField >= len(fields) {
			err = cmp.Or(err, fmt.Errorf("stat %.60q: too short", text))
			return 0
		}
		v, e := strconv.ParseInt(fields[field-firstField], 10, 64)
		if e != nil {
			err = fmt.Errorf("stat %.60q: field %d: %w", text, field, e)
		}
		return uint64(max(v, 0))
	}
	p.parent, p.group = int(number(4)), int(number(5))
	own, children := number(14)+number(15), number(16)+number(17)
	p.started = number(22)
	if err != nil {
		return process{}, err
	}
	if p.pid, err = strconv.Atoi(strings.TrimSpace(text[:open])); err != nil {
		return process{}, fmt.Errorf("stat %.60q: %w", text, err)
	}
	if p.pid == initPID {
		children = 0
	}
	p.cpuSeconds = float64(own+children) / ticksPerSecond
	return p, nil
}

// parseStatm reads resident and shared pages from /proc/PID/statm.
func parseStatm(text string) (private, shared float64, err error) {
	fields := strings.Fields(text)
	if len(fields) < 3 {
		return 0, 0, fmt.Errorf("statm %.60q: too short", text)
	}
	resident, err1 := strconv.ParseUint(fields[1], 10, 63)
	both, err2 := strconv.ParseUint(fields[2], 10, 63)
	if err := errors.Join(err1, err2); err != nil {
		return 0, 0, fmt.Errorf("statm %.60q: %w", text, err)
	}
	page := float64(os.Getpagesize())
	return max(float64(resident)-float64(both), 0) * page, float64(both) * page, nil
}

// parseProcIO adds up the bytes read from and written to storage in
// /proc/PID/io.
func parseProcIO(text string) (sum float64) {
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		v, err := strconv.ParseUint(value, 10, 64)
		if err == nil && (key == "read_bytes" || key == "write_bytes") {
			sum += float64(v)
		}
	}
	return sum
}

// countCores counts the cpuN lines of /proc/stat.
func countCores(stat string) (n int) {
	for line := range strings.Lines(stat) {
		if rest, ok := strings.CutPrefix(line, "cpu"); ok && rest != "" && rest[0] >= '0' && rest[0] <= '9' {
			n++
		}
	}
	return n
}

// groupUse adds up what the processes of a group used.
type groupUse struct {
	cpuSeconds, ioBytes  float64
	hasIO, known         bool
	private, sharedBytes float64
	command              string
	oldest               uint64
}

// since implements reading. The counters of a process hold those of the
// children it has waited for, so what a child had used before the earlier reading
// is taken off when it has ended in between; what is left of it, and all of a
// child too short-lived to be seen, counts for the parent's group.
func (now processes) since(earlier reading, seconds float64) []usage {
	before := earlier.(processes)
	if seconds <= 0 {
		return nil
	}
	reaped := before.endedChildren(now)
	groups := map[int]*groupUse{}
	for _, pid := range slices.Sorted(maps.Keys(now.byPID)) {
		p := now.byPID[pid]
		if p.group == 0 {
			continue // the kernel's own threads
		}
		g := groups[p.group]
		if g == nil {
			g = &groupUse{hasIO: true}
			groups[p.group] = g
		}
		old, known := before.byPID[pid]
		if known = known && old.started == p.started; !known {
			old = process{}
		}
		g.known = g.known || known && old.group == p.group
		gone := reaped[pid]
		g.cpuSeconds += max(p.cpuSeconds-old.cpuSeconds-gone.cpuSeconds, 0)
		g.ioBytes += max(p.ioBytes-old.ioBytes-gone.ioBytes, 0)
		g.hasIO = g.hasIO && p.hasIO
		g.private += p.privateBytes
		g.sharedBytes = max(g.sharedBytes, p.sharedBytes)
		// The leader names the group, or the oldest process when it has ended.
		if g.command == "" || pid == p.group || g.oldest > p.started && now.byPID[p.group].pid == 0 {
			g.command, g.oldest = p.command, p.started
		}
	}
	var all []usage
	for _, id := range slices.Sorted(maps.Keys(groups)) {
		g := groups[id]
		if !g.known {
			continue // seen for the first time
		}
		cpu := g.cpuSeconds / seconds
		if now.cores > 0 {
			cpu = min(cpu, float64(now.cores))
		}
		u := usage{id: fmt.Sprintf("proc/%s:%d", g.command, id), app: g.command}
		u.used = resource.Of(cpu, g.private+g.sharedBytes)
		if g.hasIO {
			u.used = u.used.With(resource.DiskIO, g.ioBytes/seconds)
		}
		all = append(all, u)
	}
	return all
}

// endedChildren adds up, by parent, the counters of processes that are not there
// any more.
func (before processes) endedChildren(now processes) map[int]process {
	sums := map[int]process{}
	for pid, p := range before.byPID {
		still, ok := now.byPID[pid]
		if ok && still.started == p.started || p.parent == initPID {
			continue
		}
		sum := sums[p.parent]
		sum.cpuSeconds += p.cpuSeconds
		sum.ioBytes += p.ioBytes
		sums[p.parent] = sum
	}
	return sums
}
