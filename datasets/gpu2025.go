package datasets

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// alibaba-gpu-2025: instances of recommendation models that Alibaba serves from
// disaggregated nodes, CPU nodes (CN) and heterogeneous ones (HN) with devices.
// One file with the header gpu2025Columns.
//
// Memory and disk are in GiB; rdma, in the trace's own unit, is the custom
// resource rdma. Devices are whole. max_instance_per_node is how many instances of
// its app may share a node, -1 for any number: the workload's MaxPerNode. An instance
// without a creation time was there when the trace began, at Epoch; one without a
// deletion time stays. Instances come as listed, not in the order of arrival. The role
// is given as a label; all are of class ml-inference.
func openGPU2025(ref Ref, _ Options) (*fleetTrace, error) {
	fs, err := findFiles(ref.Path)
	if err != nil {
		return nil, err
	}
	return arrivalsOf(fs, func(string) (rows[Arrival], error) { return gpu2025{}, nil }), nil
}

const gpu2025Columns = "instance_sn,role,app_name,cpu_request,cpu_limit,gpu_request,gpu_limit," +
	"rdma_request,rdma_limit,memory_request,memory_limit,disk_request,disk_limit," +
	"max_instance_per_node,creation_time,scheduled_time,deletion_time"

type gpu2025 struct{}

func (gpu2025) head(line []byte) (bool, error) {
	if string(line) != gpu2025Columns {
		return false, fmt.Errorf("header %q is not %q", clip(line), gpu2025Columns)
	}
	return true, nil
}

func (gpu2025) row(line []byte, emit func(Arrival) bool) error {
	var f [17][]byte
	if err := exactly(f[:], line); err != nil {
		return err
	}
	if len(f[0]) == 0 {
		return errors.New("no instance in the first column")
	}
	a := Arrival{Arrive: Epoch(), Workload: workload.Workload{
		ID: string(f[0]), App: string(f[2]), Class: workload.MLInference, Labels: map[string]string{"role": string(f[1])},
	}}
	w := &a.Workload
	for _, c := range [...]struct {
		column int
		name   resource.Name
		unit   float64
	}{{3, resource.CPU, 1}, {7, "rdma", 1}, {9, resource.Memory, 1 << 30}, {11, resource.Disk, 1 << 30}} {
		request, err := amount(string(c.name)+" request", f[c.column])
		if err != nil {
			return err
		}
		limit, err := amount(string(c.name)+" limit", f[c.column+1])
		if err != nil {
			return err
		}
		w.Requests, w.Limits = w.Requests.With(c.name, request*c.unit), w.Limits.With(c.name, max(limit, request)*c.unit)
	}
	var err error
	if w.Accelerator.Devices, err = openbDevices(f[5]); err != nil {
		return err
	}
	if w.MaxPerNode, err = strconv.Atoi(string(f[13])); err != nil || w.MaxPerNode < -1 || w.MaxPerNode == 0 {
		return fmt.Errorf("max_instance_per_node %q is neither -1 nor a number above 0", clip(f[13]))
	}
	if w.MaxPerNode = max(w.MaxPerNode, 0); w.MaxPerNode > 0 && w.App == "" {
		return fmt.Errorf("instance %s is limited to %d of its app a node, and has no app_name", f[0], w.MaxPerNode)
	}
	for _, t := range [...]struct {
		column string
		text   []byte
		to     *time.Time
	}{{"creation_time", f[14], &a.Arrive}, {"deletion_time", f[16], &a.Depart}} {
		if len(t.text) == 0 {
			continue
		}
		if *t.to, err = sinceEpoch(t.column, t.text); err != nil {
			return err
		}
	}
	if !a.Depart.IsZero() && a.Depart.Before(a.Arrive) {
		return fmt.Errorf("instance %s is deleted before it is created", f[0])
	}
	emit(a)
	return nil
}
