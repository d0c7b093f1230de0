package datasets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// alibaba2018-machines: machines of an Alibaba cluster over 8 days in 2018, each
// seen as one workload on itself. A folder holds two files without headers:
//
//   - machine_meta*: machine, time, failure domains 1 and 2, cores, memory,
//     status;
//   - machine_usage*: machine, time, CPU percent, memory percent, memory
//     bandwidth, cache misses, network in and out, disk percent; machine after
//     machine, by time.
//
// Quirks: -1 and 101 mark bad values; such a value, or an empty one, is absent.
// Steps vary and may repeat. Memory is in shares of a normalised size, of which a
// unit is read as 1 GiB. Network is normalised too, and disk is a share of time:
// they are given as custom resources, as are the two memory measures. Times count
// from Epoch.
func openAlibaba2018(ref Ref, o Options) (*usageTrace, error) {
	all, err := findFiles(ref.Path)
	if err != nil {
		return nil, err
	}
	named := func(prefix string) *files {
		return all.only(func(path string) bool { return strings.HasPrefix(filepath.Base(path), prefix) })
	}
	meta, usage := named("machine_meta"), named("machine_usage")
	if len(meta.list) == 0 || len(usage.list) == 0 {
		return nil, errors.New("want machine_meta*.csv and machine_usage*.csv: the usage is in percent of what only the other knows")
	}
	resources := []resource.Name{resource.CPU, resource.Memory}
	for _, c := range machineCustom {
		resources = append(resources, c.resource)
	}
	return &usageTrace{
		order:     ByWorkload,
		resources: inStandardOrder(resources),
		progress:  usage.progress,
		samples: func(ctx context.Context, yield func(timeseries.Sample, error) bool) {
			machines, err := readMachines(ctx, meta)
			if err != nil {
				yield(timeseries.Sample{}, err)
				return
			}
			open := func(string) (rows[timeseries.Sample], error) {
				return &machineUsage{machines: machines, source: o.Source}, nil
			}
			readRows(ctx, usage, open, yield)
		},
	}, nil
}

// machineSize is what a machine holds.
type machineSize struct {
	name   string
	limits resource.Vector
}

// readMachines returns the machines by name; of several rows the last holds.
func readMachines(ctx context.Context, meta *files) (machines map[string]machineSize, err error) {
	machines = map[string]machineSize{}
	open := func(string) (rows[machineSize], error) { return machineMeta{}, nil }
	readRows(ctx, meta, open, func(m machineSize, rowErr error) bool {
		machines[m.name], err = m, rowErr
		return err == nil
	})
	return machines, err
}

type machineMeta struct{}

func (machineMeta) head([]byte) (bool, error) { return false, nil }

func (machineMeta) row(line []byte, emit func(machineSize) bool) error {
	var f [7][]byte
	if err := exactly(f[:], line); err != nil {
		return err
	}
	cores, err := amount("cpu_num", f[4])
	if err != nil {
		return err
	}
	memory, err := amount("mem_size", f[5])
	if err != nil {
		return err
	}
	if err := (timeseries.Key{Workload: string(f[0])}).Validate(); err != nil {
		return err
	}
	emit(machineSize{string(f[0]), resource.Of(cores, memory*(1<<30))})
	return nil
}

// machineCustom are the columns given as custom resources, in plain numbers.
var machineCustom = [...]struct {
	column   int
	resource resource.Name
}{{4, "mem_gps"}, {5, "mkpi"}, {6, "net_in"}, {7, "net_out"}, {8, "disk_percent"}}

type machineUsage struct {
	machines map[string]machineSize
	source   string
}

func (*machineUsage) head([]byte) (bool, error) { return false, nil }

func (m *machineUsage) row(line []byte, emit func(timeseries.Sample) bool) error {
	var f [9][]byte
	if err := exactly(f[:], line); err != nil {
		return err
	}
	machine, ok := m.machines[string(f[0])]
	if !ok {
		return fmt.Errorf("machine %q is not in machine_meta", clip(f[0]))
	}
	at, err := sinceEpoch("time", f[1])
	if err != nil {
		return err
	}
	s := timeseries.Sample{
		Key:   timeseries.Key{Workload: machine.name, Node: machine.name, Source: m.source},
		Time:  at,
		Limit: machine.limits,
	}
	for i, n := range [...]resource.Name{resource.CPU, resource.Memory} {
		percent, ok, err := machineValue(f[2+i])
		if err != nil {
			return err
		}
		if ok {
			s.Usage = s.Usage.With(n, percent/100*machine.limits.Get(n))
		}
	}
	for _, c := range machineCustom {
		v, ok, err := machineValue(f[c.column])
		if err != nil {
			return err
		}
		if ok {
			s.Usage = s.Usage.With(c.resource, v)
		}
	}
	if s.Usage.Len() == 0 {
		return errors.New("every value is bad or missing")
	}
	emit(s)
	return nil
}

// machineValue parses a value; ok is false for one that is missing or bad.
func machineValue(text []byte) (v float64, ok bool, err error) {
	if len(text) == 0 || bytes.Equal(text, []byte("-1")) || bytes.Equal(text, []byte("101")) {
		return 0, false, nil
	}
	v, err = amount("value", text)
	return v, err == nil, err
}
