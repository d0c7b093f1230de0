package host

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/auspex-project/auspex/resource"
)

// findCgroups returns the mount point, below root, of a cgroup v2 hierarchy with
// at least one group that CPU and memory are accounted to. (Inside a container the
// hierarchy often is the container's own group and nothing else.)
func findCgroups(root fs.FS) (hierarchy string, ok bool) {
	for _, dir := range []string{"sys/fs/cgroup", "sys/fs/cgroup/unified"} {
		text, err := fs.ReadFile(root, dir+"/cgroup.controllers")
		controllers := strings.Fields(string(text))
		if err != nil || !slices.Contains(controllers, "cpu") || !slices.Contains(controllers, "memory") {
			continue
		}
		if groups, err := fs.Glob(root, dir+"/*/memory.current"); err == nil && len(groups) > 0 {
			return dir, true
		}
	}
	return "", false
}

type cgroupReader struct {
	root      fs.FS
	hierarchy string
}

// cgroups is a reading of control groups, by path below the hierarchy.
type cgroups map[string]cgroup

type cgroup struct {
	cpuSeconds  float64
	ioBytes     float64 // on devices that are not stacked on others
	hasIO       bool
	memoryBytes float64
	limit       resource.Vector
}

func (r *cgroupReader) read() (reading, error) {
	all := cgroups{}
	if err := r.walk(".", resource.Vector{}, all); err != nil {
		return nil, fmt.Errorf("read control groups: %w", err)
	}
	return all, nil
}

// walk reads the control groups below dir into all. The limit is that of dir and
// its ancestors. A group that goes away while it is read is left out.
func (r *cgroupReader) walk(dir string, limit resource.Vector, all cgroups) error {
	entries, err := fs.ReadDir(r.root, path.Join(r.hierarchy, dir))
	if gone(err) && dir != "." {
		return nil
	}
	if err != nil {
		return err
	}
	if dir != "." {
		limit = r.limit(dir, limit)
	}
	leaf := true
	for _, e := range entries {
		child := path.Join(dir, e.Name())
		if !e.IsDir() || !r.accounted(child) {
			continue
		}
		leaf = false
		if err := r.walk(child, limit, all); err != nil {
			return err
		}
	}
	if !leaf || dir == "." {
		return nil
	}
	g, err := r.group(dir)
	switch {
	case gone(err):
		return nil
	case err != nil:
		return fmt.Errorf("%s: %w", dir, err)
	}
	g.limit = limit
	all[dir] = g
	return nil
}

// accounted reports whether dir is a control group with memory accounting of
// its own.
func (r *cgroupReader) accounted(dir string) bool {
	_, err := fs.Stat(r.root, path.Join(r.hierarchy, dir, "memory.current"))
	return err == nil
}

// group reads the counters of one control group.
func (r *cgroupReader) group(dir string) (g cgroup, err error) {
	cpu, err := r.keyed(dir, "cpu.stat")
	if err != nil {
		return g, err
	}
	g.cpuSeconds = cpu["usage_usec"] / 1e6
	if g.memoryBytes, err = r.number(dir, "memory.current"); err != nil {
		return g, err
	}
	memory, err := r.keyed(dir, "memory.stat")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return g, err
	}
	g.memoryBytes = max(g.memoryBytes-memory["inactive_file"], 0)
	io, err := r.file(dir, "io.stat")
	if errors.Is(err, fs.ErrNotExist) { // the io controller is off
		return g, nil
	}
	if err != nil {
		return g, err
	}
	g.hasIO = true
	g.ioBytes = parseIO(io, r.stacked)
	return g, nil
}

// limit returns the smaller of an inherited limit and dir's own.
func (r *cgroupReader) limit(dir string, inherited resource.Vector) resource.Vector {
	lower := func(name resource.Name, value float64) {
		if !inherited.Has(name) || value < inherited.Get(name) {
			inherited = inherited.With(name, value)
		}
	}
	if text, err := r.file(dir, "cpu.max"); err == nil {
		if cores, ok := parseCPUMax(string(text)); ok {
			lower(resource.CPU, cores)
		}
	}
	if bytes, err := r.number(dir, "memory.max"); err == nil { // "max" is no number
		lower(resource.Memory, bytes)
	}
	return inherited
}

func (r *cgroupReader) file(dir, name string) ([]byte, error) {
	return fs.ReadFile(r.root, path.Join(r.hierarchy, dir, name))
}

func (r *cgroupReader) number(dir, name string) (float64, error) {
	text, err := r.file(dir, name)
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return float64(v), nil
}

// keyed reads a flat keyed file, "key value" in each line.
func (r *cgroupReader) keyed(dir, name string) (map[string]float64, error) {
	text, err := r.file(dir, name)
	if err != nil {
		return nil, err
	}
	values := map[string]float64{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), " ")
		v, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		values[key] = float64(v)
	}
	return values, nil
}

// stacked reports whether a device ("253:0") only passes its I/O to others,
// where it is counted too.
func (r *cgroupReader) stacked(device string) bool {
	dir := "sys/dev/block/" + device
	slaves, err := fs.ReadDir(r.root, dir+"/slaves")
	if err == nil && len(slaves) > 0 {
		return true
	}
	_, err = fs.Stat(r.root, dir+"/loop")
	return err == nil
}

// parseIO adds up the bytes read and written in an io.stat file, each line of
// which is "MAJOR:MINOR rbytes=N wbytes=N ...".
func parseIO(text []byte, skip func(device string) bool) (sum float64) {
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) == 0 || skip(fields[0]) {
			continue
		}
		for _, f := range fields[1:] {
			key, value, _ := strings.Cut(f, "=")
			if v, err := strconv.ParseUint(value, 10, 64); err == nil && (key == "rbytes" || key == "wbytes") {
				sum += float64(v)
			}
		}
	}
	return sum
}

// parseCPUMax reads "QUOTA PERIOD" in microseconds as cores; ok is false for
// the quota "max".
func parseCPUMax(text string) (cores float64, ok bool) {
	fields := strings.Fields(text)
	if len(fields) != 2 {
		return 0, false
	}
	quota, err1 := strconv.ParseUint(fields[0], 10, 64)
	period, err2 := strconv.ParseUint(fields[1], 10, 64)
	if err1 != nil || err2 != nil || period == 0 {
		return 0, false
	}
	return float64(quota) / float64(period), true
}

// gone reports whether a group or process went away while it was read, or may
// not be looked into.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) ||
		errors.Is(err, syscall.ENODEV) || errors.Is(err, syscall.ESRCH)
}

// since implements reading. A group whose CPU time went back was removed and
// made again: its counters show what it has used since. When only the I/O went
// back a device has gone, and the rate is not known.
func (now cgroups) since(earlier reading, seconds float64) []usage {
	before := earlier.(cgroups)
	var all []usage
	for _, id := range slices.Sorted(maps.Keys(now)) {
		g := now[id]
		old, known := before[id]
		if !known || seconds <= 0 {
			continue
		}
		if g.cpuSeconds < old.cpuSeconds {
			old = cgroup{hasIO: true}
		}
		u := usage{id: id, app: appOfUnit(path.Base(id)), limit: g.limit}
		u.used = resource.Of((g.cpuSeconds-old.cpuSeconds)/seconds, g.memoryBytes)
		if g.hasIO && old.hasIO && g.ioBytes >= old.ioBytes {
			u.used = u.used.With(resource.DiskIO, (g.ioBytes-old.ioBytes)/seconds)
		}
		all = append(all, u)
	}
	return all
}

// generated matches the parts of a unit's name that differ from run to run.
var generated = regexp.MustCompile(`[0-9a-f]{12,}|^run-|^session-|^init\.scope$`)

// appOfUnit returns what a unit is an instance of: "getty" for
// "getty@tty1.service", "" for a container's scope with a generated name.
func appOfUnit(unit string) string {
	if generated.MatchString(unit) {
		return ""
	}
	for _, suffix := range []string{".service", ".scope", ".slice", ".socket", ".mount"} {
		unit = strings.TrimSuffix(unit, suffix)
	}
	app, _, _ := strings.Cut(unit, "@")
	return app
}
