package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// Bitbrains: virtual machines of business-critical work in a Dutch data centre,
// 2013 (Shen et al., CCGrid 2015; trace GWA-T-12). Two layouts are read, told
// apart by their header; one folder may hold both:
//
//   - compact: a file a month, VM after VM, with the columns
//     vm,ts,cores,cpu_cap_mhz,cpu_mhz,mem_cap_kb,mem_used_kb;
//   - original: a file a VM, named for its number, separated by ";" and tabs,
//     with disk and network throughput besides; see gwaColumns.
//
// A row is the mean over the 5 minutes before its time. cpu_cap_mhz is the total
// over all cores. The hosts run at 2,400 to 2,926 MHz, and a VM's clock changes
// when it moves: what adds up on one machine is megahertz, so CPU is told in
// cores of referenceMHz whatever the clock was. KB is 1,024 bytes. The workload
// is "vm-" and the VM's number.
//
// Quirks, all kept rather than cleaned away:
//   - 0 cores: the VM is off. It uses 0 of a limit of 0; what the row still says
//     about memory is left over from before.
//   - CPU over 100 % of the capacity (to 182 %) and memory over its capacity are
//     given as measured, above the limit.
//   - A capacity of 0 in a VM that is on: the limit is unknown and absent.
//   - Capacity changes over time: the limit is that of each row.
//   - Gaps and short series are gaps; a missing day is not filled. Steps vary by
//     seconds.
//   - A VM keeps its number from month to month, in about 97 % of cases; the rows
//     cannot tell the others apart. Open the months one by one, with a Source
//     each, where that matters.
//   - The original's header says milliseconds but its rows hold seconds: a time
//     of 1e11 or more is in milliseconds.
func openBitbrains(ref Ref, o Options) (*usageTrace, error) {
	fs, err := findFiles(ref.Path)
	if err != nil {
		return nil, err
	}
	vms := vmKeys{source: o.Source, byID: map[string]*timeseries.Key{}}
	open := func(path string) (rows[timeseries.Sample], error) {
		return &bitbrainsFile{path: path, vms: vms}, nil
	}
	resources, err := bitbrainsResources(fs)
	if err != nil {
		return nil, err
	}
	return usageOf(fs, ByWorkload, resources, open), nil
}

// bitbrainsResources looks at the head of the first file: only the original
// layout has more than CPU and memory.
func bitbrainsResources(fs *files) ([]resource.Name, error) {
	first := fs.list[0]
	if !first.regular {
		return []resource.Name{resource.CPU, resource.Memory}, nil
	}
	l, err := fs.open(first.path)
	if err != nil {
		return nil, err
	}
	defer l.close()
	head, err := l.next()
	if err == nil && bytes.IndexByte(head, ';') >= 0 {
		return []resource.Name{resource.CPU, resource.Memory, resource.DiskIO, resource.Network}, nil
	}
	return []resource.Name{resource.CPU, resource.Memory}, nil // an error shows again when samples are read
}

// bitbrainsFile reads either layout, once the head has told which.
type bitbrainsFile struct {
	path string
	vms  vmKeys
	rows[timeseries.Sample]
}

const compactHeader = "vm,ts,cores,cpu_cap_mhz,cpu_mhz,mem_cap_kb,mem_used_kb"

func (b *bitbrainsFile) head(line []byte) (bool, error) {
	switch {
	case string(line) == compactHeader:
		b.rows = &compactRows{vms: b.vms}
	case bytes.IndexByte(line, ';') >= 0:
		key, err := b.vms.key([]byte(stem(b.path)))
		if err != nil {
			return false, fmt.Errorf("name of the file: %w", err)
		}
		b.rows = &gwaRows{key: *key}
	default:
		return false, fmt.Errorf("header %q is neither %q nor that of GWA-T-12 (Timestamp [ms]; CPU cores; ...)", clip(line), compactHeader)
	}
	return b.rows.head(line)
}

// vmKeys hands out one key per VM, so that no row makes a string.
type vmKeys struct {
	source string
	byID   map[string]*timeseries.Key
}

func (v vmKeys) key(id []byte) (*timeseries.Key, error) {
	if k, ok := v.byID[string(id)]; ok {
		return k, nil
	}
	k := &timeseries.Key{Workload: "vm-" + string(id), Source: v.source}
	if err := k.Validate(); err != nil {
		return nil, err
	}
	if len(v.byID) >= mostKeys {
		clear(v.byID)
	}
	v.byID[string(id)] = k
	return k, nil
}

// vmUsage is what both layouts say about one moment.
type vmUsage struct {
	sec, nsec       int64
	cores           float64
	capMHz, usedMHz float64
	capKB, usedKB   float64
}

// referenceMHz is what counts as one core: the clock of most rows.
const referenceMHz = 2926

// sample turns megahertz into cores and kilobytes into bytes.
func (v *vmUsage) sample(key *timeseries.Key) timeseries.Sample {
	s := timeseries.Sample{Key: *key, Time: time.Unix(v.sec, v.nsec).UTC()}
	if v.cores == 0 {
		off := resource.Of(0, 0)
		s.Usage, s.Limit = off, off
		return s
	}
	s.Usage = s.Usage.With(resource.CPU, v.usedMHz/referenceMHz)
	if v.capMHz > 0 {
		s.Limit = s.Limit.With(resource.CPU, v.capMHz/referenceMHz)
	}
	s.Usage = s.Usage.With(resource.Memory, v.usedKB*1024)
	if v.capKB > 0 {
		s.Limit = s.Limit.With(resource.Memory, v.capKB*1024)
	}
	return s
}

// compactRows reads the compact layout.
type compactRows struct {
	vms  vmKeys
	id   []byte // of the VM of the row before
	last *timeseries.Key
}

func (c *compactRows) head([]byte) (bool, error) { return true, nil }

func (c *compactRows) row(line []byte, emit func(timeseries.Sample) bool) error {
	id, rest := cut(line, ',')
	if len(id) == 0 {
		return errors.New("no VM in the first column")
	}
	if c.last == nil || !bytes.Equal(id, c.id) {
		key, err := c.vms.key(id)
		if err != nil {
			return err
		}
		c.id, c.last = append(c.id[:0], id...), key
	}
	ts, rest := cut(rest, ',')
	cores, rest := cut(rest, ',')
	capMHz, rest := cut(rest, ',')
	usedMHz, rest := cut(rest, ',')
	capKB, rest := cut(rest, ',')
	usedKB, rest := cut(rest, ',')
	if rest != nil || len(usedKB) == 0 {
		return fmt.Errorf("%d columns, want 7", bytes.Count(line, []byte{','})+1)
	}
	var v vmUsage
	var err error
	if v.sec, v.nsec, err = seconds("ts", ts); err != nil {
		return err
	}
	if err := v.parse(cores, capMHz, usedMHz, capKB, usedKB); err != nil {
		return err
	}
	emit(v.sample(c.last))
	return nil
}

func (v *vmUsage) parse(cores, capMHz, usedMHz, capKB, usedKB []byte) (err error) {
	if v.cores, err = amount("cores", cores); err != nil {
		return err
	}
	if v.capMHz, err = amount("CPU capacity", capMHz); err != nil {
		return err
	}
	if v.usedMHz, err = amount("CPU usage", usedMHz); err != nil {
		return err
	}
	if v.capKB, err = amount("memory capacity", capKB); err != nil {
		return err
	}
	v.usedKB, err = amount("memory usage", usedKB)
	return err
}
