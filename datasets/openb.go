package datasets

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// openb: machines and pods of an Alibaba GPU cluster, alibaba-gpu-2023 (Weng et
// al., USENIX ATC 2023). A file holds either, told apart by its header:
//
//   - nodes: sn,cpu_milli,memory_mib,gpu,model
//   - pods: name,cpu_milli,memory_mib,num_gpu,gpu_milli and, in all lists but
//     multigpu20, gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time
//
// gpu_milli is per device, 1000 a whole one. gpu_spec lists the models that will
// do, separated by "|"; empty is any. Times are seconds from the start of the
// trace, put at Epoch; where a list has none, Arrive and Depart are zero. Pods
// come in the order of the file, which is not that of arrival.
//
// The data sets say nothing of classes: qos (LS, BE, Burstable, Guaranteed) and
// pod_phase are given as labels. Device memory is not in the trace; a device of
// 0 bytes is one of unknown memory.
func openOpenb(ref Ref, _ Options) (*fleetTrace, error) {
	fs, err := findFiles(ref.Path)
	if err != nil {
		return nil, err
	}
	if len(fs.list) > 1 {
		return nil, fmt.Errorf("%s is a folder of %d files: name the node list or the pod list to read", ref.Path, len(fs.list))
	}
	l, err := fs.open(fs.list[0].path)
	if err != nil {
		return nil, err
	}
	defer l.close()
	head, err := l.next()
	if err == io.EOF {
		return nil, fmt.Errorf("%s is empty, without a header even (want that of nodes, %s, or of pods, %s,...)", l.path, openbNodeHeader, openbPodHeader)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: read the header: %w", l.path, err)
	}
	switch {
	case strings.HasPrefix(string(head), openbNodeHeader):
		return nodesOf(fs, func(string) (rows[fleet.Node], error) { return openbNodes{}, nil }), nil
	case strings.HasPrefix(string(head), openbPodHeader):
		return arrivalsOf(fs, func(string) (rows[Arrival], error) { return &openbPods{}, nil }), nil
	}
	return nil, l.at(fmt.Errorf("header %q is neither that of nodes (%s) nor of pods (%s,...)", clip(head), openbNodeHeader, openbPodHeader))
}

const (
	openbNodeHeader = "sn,cpu_milli,memory_mib,gpu,model"
	openbPodHeader  = "name,cpu_milli,memory_mib,num_gpu,gpu_milli"
	openbPodTimes   = openbPodHeader + ",gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time"

	mib         = 1 << 20
	mostDevices = 64 // on a machine
)

type openbNodes struct{}

func (openbNodes) head([]byte) (bool, error) { return true, nil }

func (openbNodes) row(line []byte, emit func(fleet.Node) bool) error {
	var f [5][]byte
	if err := exactly(f[:], line); err != nil {
		return err
	}
	size, gpus, err := openbAsks("node", f[:])
	if err != nil {
		return err
	}
	n := fleet.Node{Name: string(f[0]), Capacity: size}
	if gpus > 0 {
		if len(f[4]) == 0 {
			return fmt.Errorf("node %s has %d gpu of no model", f[0], gpus)
		}
		n.Capacity = n.Capacity.With(resource.GPU, float64(gpus))
		n.Devices = make([]fleet.Device, gpus)
		model := string(f[4])
		for i := range n.Devices {
			n.Devices[i].Model = model
		}
	}
	emit(n)
	return nil
}

// openbAsks parses what the rows of nodes and of pods begin with: a name, cores,
// memory and devices.
func openbAsks(what string, f [][]byte) (size resource.Vector, gpus int, err error) {
	if len(f[0]) == 0 {
		return size, 0, fmt.Errorf("no %s name in the first column", what)
	}
	if size, err = openbSize(f[1], f[2]); err != nil {
		return size, 0, err
	}
	gpus, err = openbDevices(f[3])
	return size, gpus, err
}

type openbPods struct {
	fields [11][]byte
	count  int // columns of this file
}

func (p *openbPods) head(line []byte) (bool, error) {
	p.count = bytes.Count(line, []byte(",")) + 1
	if p.count < 5 || !strings.HasPrefix(openbPodTimes+",", string(line)+",") {
		return false, fmt.Errorf("pod header %q is not %q or the first columns of it, %q at least", clip(line), openbPodTimes, openbPodHeader)
	}
	return true, nil
}

func (p *openbPods) row(line []byte, emit func(Arrival) bool) error {
	f := p.fields[:p.count]
	if err := exactly(f, line); err != nil {
		return err
	}
	size, gpus, err := openbAsks("pod", f)
	if err != nil {
		return err
	}
	milli, ok := integer(f[4])
	switch {
	case !ok || milli < 0 || milli > 1000:
		return fmt.Errorf("gpu_milli %q is not between 0 and 1000", clip(f[4]))
	case (gpus == 0) != (milli == 0):
		return fmt.Errorf("num_gpu %d with gpu_milli %d", gpus, milli)
	case gpus > 1 && milli < 1000:
		return fmt.Errorf("%d devices of %d milli each: only one device can be shared", gpus, milli)
	}
	a := Arrival{Workload: workload.Workload{
		ID:          string(f[0]),
		Requests:    size,
		Accelerator: workload.Accelerator{Devices: gpus, Share: float64(milli) / 1000},
	}}
	if p.count > 5 { // columns that are not there stay empty
		if err := openbLife(&a, p.fields[5:]); err != nil {
			return err
		}
	}
	emit(a)
	return nil
}

// openbLife reads gpu_spec, qos, pod_phase, creation_time and deletion_time;
// when the original scheduler placed the pod does not matter here.
func openbLife(a *Arrival, f [][]byte) error {
	if len(f[0]) > 0 && a.Workload.Accelerator.Devices > 0 {
		a.Workload.Accelerator.Models = strings.Split(string(f[0]), "|")
	}
	a.Workload.Labels = map[string]string{"qos": string(f[1]), "phase": string(f[2])}
	for _, t := range []struct {
		column string
		text   []byte
		to     *time.Time
	}{{"creation_time", f[3], &a.Arrive}, {"deletion_time", f[4], &a.Depart}} {
		if len(t.text) == 0 {
			continue
		}
		at, err := sinceEpoch(t.column, t.text)
		if err != nil {
			return err
		}
		*t.to = at
	}
	if !a.Depart.IsZero() && a.Depart.Before(a.Arrive) {
		return fmt.Errorf("pod %s is deleted before it is created", a.Workload.ID)
	}
	return nil
}

func openbSize(cpuMilli, memoryMiB []byte) (resource.Vector, error) {
	cpu, err := amount("cpu_milli", cpuMilli)
	if err != nil {
		return resource.Vector{}, err
	}
	memory, err := amount("memory_mib", memoryMiB)
	if err != nil {
		return resource.Vector{}, err
	}
	return resource.Of(cpu/1000, memory*mib), nil
}

func openbDevices(text []byte) (int, error) {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 0 || n > mostDevices {
		return 0, fmt.Errorf("%q gpus, want a number from 0 to %d", clip(text), mostDevices)
	}
	return n, nil
}
