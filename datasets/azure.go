package datasets

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

// Azure: virtual machines of Microsoft's own work in one Azure region (Cortez et
// al., SOSP 2017; AzurePublicDataset V2 of 2019, and V1, which has the same
// columns). A folder holds, at any depth:
//
//   - vmtable*: VM, subscription, deployment, time created, time deleted, max,
//     average and 95th percentile of max CPU, category, cores, memory in GB;
//   - vm_cpu_readings*: time, VM, min, max and average CPU percent over the 5
//     minutes before; ordered by time within and across files. The files are
//     read in the order of their numbers.
//
// Other files of the data set (subscriptions, deployments, deleted VMs) are left
// aside. Times are seconds from the start of the trace, put at Epoch. A header
// line is allowed in each file.
//
// The deployment is the App and the subscription the Queue. The category
// Delay-insensitive is class batch, Interactive is service, Unknown is unknown.
// Cores and memory are buckets in V2: ">24" cores is read as 32 and ">64" GB as
// 128, the next sizes up. A GB is 1,024 MiB. There is no memory usage; of CPU
// the average is read, the 5-minute minimum and maximum are not.
//
// The table is kept in memory, some 300 bytes a VM; readings stream. A reading
// of a VM that is not in the table is an error of that row, since percent of
// unknown cores is no amount.
func openAzure(ref Ref) (table, readings *files, err error) {
	all, err := findFiles(ref.Path)
	if err != nil {
		return nil, nil, err
	}
	named := func(prefix string) *files {
		return all.only(func(path string) bool { return strings.HasPrefix(filepath.Base(path), prefix) })
	}
	table, readings = named("vmtable"), named("vm_cpu_readings")
	if len(table.list) == 0 {
		return nil, nil, errors.New("no vmtable*.csv or .csv.gz: the readings give percent of cores that only the table knows")
	}
	return table, readings, nil
}

func openAzureUsage(ref Ref, o Options) (*usageTrace, error) {
	table, readings, err := openAzure(ref)
	if err != nil {
		return nil, err
	}
	if len(readings.list) == 0 {
		return nil, errors.New("no vm_cpu_readings*.csv or .csv.gz")
	}
	return &usageTrace{
		order:     ByTime,
		resources: []resource.Name{resource.CPU},
		progress:  readings.progress,
		samples: func(ctx context.Context, yield func(timeseries.Sample, error) bool) {
			vms, err := readAzureTable(ctx, table, o.Source)
			if err != nil {
				yield(timeseries.Sample{}, err)
				return
			}
			open := func(string) (rows[timeseries.Sample], error) { return &azureReadings{vms: vms}, nil }
			readRows(ctx, readings, open, yield)
		},
		workloads: func(ctx context.Context) ([]Arrival, error) {
			var all []Arrival
			err := eachArrival(ctx, table, func(a Arrival) { all = append(all, a) })
			return all, err
		},
	}, nil
}

// openAzureFleet reads the table as arrivals; the trace does not tell the
// machines.
func openAzureFleet(ref Ref, _ Options) (*fleetTrace, error) {
	table, _, err := openAzure(ref)
	if err != nil {
		return nil, err
	}
	return azureArrivals(table), nil
}

func azureArrivals(table *files) *fleetTrace {
	return arrivalsOf(table, func(string) (rows[Arrival], error) { return &azureTable{}, nil })
}

// azureTable reads vmtable.
type azureTable struct{}

var azureTableColumns = [...]string{
	"vmid", "subscriptionid", "deploymentid", "vmcreated", "vmdeleted", "maxcpu", "avgcpu", "p95maxcpu",
	"vmcategory", "vmcorecountbucket", "vmmemorybucket",
}

func (azureTable) head(line []byte) (bool, error) {
	field, _ := cut(line, ',')
	return strings.EqualFold(string(field), azureTableColumns[0]), nil
}

func (azureTable) row(line []byte, emit func(Arrival) bool) error {
	var f [len(azureTableColumns)][]byte
	if err := exactly(f[:], line); err != nil {
		return err
	}
	if len(f[0]) == 0 {
		return errors.New("no VM in the first column")
	}
	created, err := sinceEpoch(azureTableColumns[3], f[3])
	if err != nil {
		return err
	}
	deleted, err := sinceEpoch(azureTableColumns[4], f[4])
	if err != nil {
		return err
	}
	if deleted.Before(created) {
		return fmt.Errorf("VM %q is deleted (%s) before it is created (%s)", clip(f[0]), f[4], f[3])
	}
	class, err := azureClass(f[8])
	if err != nil {
		return err
	}
	cores, err := azureBucket(azureTableColumns[9], f[9], ">24", 32)
	if err != nil {
		return err
	}
	gigabytes, err := azureBucket(azureTableColumns[10], f[10], ">64", 128)
	if err != nil {
		return err
	}
	key := timeseries.Key{Workload: string(f[0]), App: string(f[2]), Queue: string(f[1])}
	if err := key.Validate(); err != nil {
		return err
	}
	size := resource.Of(cores, gigabytes*(1<<30))
	emit(Arrival{
		Workload: workload.Workload{
			ID: key.Workload, App: key.App, Queue: key.Queue,
			Class: class, Requests: size, Limits: size,
		},
		Arrive: created,
		Depart: deleted,
	})
	return nil
}

func azureClass(category []byte) (workload.Class, error) {
	switch string(category) {
	case "Delay-insensitive":
		return workload.Batch, nil
	case "Interactive":
		return workload.Service, nil
	case "Unknown":
		return "", nil
	}
	return "", fmt.Errorf("category %q is none of Delay-insensitive, Interactive, Unknown", clip(category))
}

// azureBucket parses a size, of which open is the bucket without an end.
func azureBucket(column string, text []byte, open string, size float64) (float64, error) {
	if string(text) == open {
		return size, nil
	}
	v, err := amount(column, text)
	if err == nil && v == 0 {
		err = fmt.Errorf("%s is 0", column)
	}
	return v, err
}

// azureVM is what a reading needs to know of its VM.
type azureVM struct {
	key   timeseries.Key
	limit resource.Vector
	cores float64
}

// readAzureTable fails on the first bad row: readings would lack their VM.
func readAzureTable(ctx context.Context, table *files, source string) (map[string]azureVM, error) {
	vms := map[string]azureVM{}
	names := map[string]string{} // one string per deployment and subscription
	intern := func(s string) string {
		if known, ok := names[s]; ok {
			return known
		}
		names[s] = s
		return s
	}
	err := eachArrival(ctx, table, func(a Arrival) {
		w := &a.Workload
		vms[w.ID] = azureVM{
			key:   timeseries.Key{Workload: w.ID, App: intern(w.App), Queue: intern(w.Queue), Class: w.Class, Source: source},
			limit: w.Limits,
			cores: w.Limits.Get(resource.CPU),
		}
	})
	return vms, err
}

// eachArrival visits the rows of a table until one is bad.
func eachArrival(ctx context.Context, table *files, visit func(Arrival)) (err error) {
	azureArrivals(table).arrivals(ctx, func(a Arrival, rowErr error) bool {
		if err = rowErr; err == nil {
			visit(a)
		}
		return err == nil
	})
	return err
}

// azureReadings reads vm_cpu_readings.
type azureReadings struct {
	vms map[string]azureVM
}

var azureReadingColumns = [...]string{"timestamp", "vmid", "mincpu", "maxcpu", "avgcpu"}

func (*azureReadings) head(line []byte) (bool, error) {
	field, _ := cut(line, ',')
	return strings.EqualFold(string(field), azureReadingColumns[0]), nil
}

func (r *azureReadings) row(line []byte, emit func(timeseries.Sample) bool) error {
	var f [len(azureReadingColumns)][]byte
	if err := exactly(f[:], line); err != nil {
		return err
	}
	at, err := sinceEpoch(azureReadingColumns[0], f[0])
	if err != nil {
		return err
	}
	vm, ok := r.vms[string(f[1])]
	if !ok {
		return fmt.Errorf("VM %q is not in vmtable", clip(f[1]))
	}
	percent, err := amount(azureReadingColumns[4], f[4])
	if err != nil {
		return err
	}
	emit(timeseries.Sample{
		Key:   vm.key,
		Time:  at,
		Usage: resource.Vector{}.With(resource.CPU, percent/100*vm.cores),
		Limit: vm.limit,
	})
	return nil
}

// sinceEpoch parses seconds from the start of a trace.
func sinceEpoch(column string, text []byte) (time.Time, error) {
	s, err := amount(column, text)
	if err != nil {
		return time.Time{}, err
	}
	const most = 100 * 365 * 24 * 3600
	if s > most {
		return time.Time{}, fmt.Errorf("%s %s is over a hundred years after the start of the trace", column, clip(text))
	}
	whole, part := splitSeconds(s)
	return time.Unix(epochSeconds+whole, part).UTC(), nil
}
