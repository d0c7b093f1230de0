package datasets

import (
	"context"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

const formatSynthetic = "synthetic"

// A format is one way in which a trace is laid out. To add one, write its
// file and enter it here.
type format struct {
	name  string
	usage func(Ref, Options) (*usageTrace, error) // nil: it holds no usage
	fleet func(Ref, Options) (*fleetTrace, error) // nil: neither nodes nor arrivals
}

func formats() []format {
	return []format{
		{name: "bitbrains", usage: openBitbrains},
		{name: "planetlab", usage: openPlanetLab},
		{name: "azure", usage: openAzureUsage, fleet: openAzureFleet},
		{name: "openb", fleet: openOpenb},
		{name: "alibaba-gentd26", usage: openGentd26},
		{name: "alibaba2018-machines", usage: openAlibaba2018},
		{name: "alibaba-gpu-2025", fleet: openGPU2025},
		{name: "azure-v1-arrivals", fleet: openAzureV1},
		{name: "gcd-vms", usage: openGCD},
		{name: "swf", fleet: openSWF},
		{name: "csv", usage: openCSV},
		{name: formatSynthetic, usage: openSyntheticUsage, fleet: openSyntheticFleet},
	}
}

// usageTrace is an opened trace of usage.
type usageTrace struct {
	order     Order
	resources []resource.Name
	progress  func() (done, total int64)
	samples   func(ctx context.Context, yield func(timeseries.Sample, error) bool)

	// workloads is nil where they are known only from their samples.
	workloads func(ctx context.Context) ([]Arrival, error)
}

// usageOf returns the trace whose samples are the rows of some files.
func usageOf(fs *files, order Order, resources []resource.Name, open func(path string) (rows[timeseries.Sample], error)) *usageTrace {
	return &usageTrace{
		order:     order,
		resources: resources,
		progress:  fs.progress,
		samples: func(ctx context.Context, yield func(timeseries.Sample, error) bool) {
			readRows(ctx, fs, open, yield)
		},
	}
}

// fleetTrace is an opened trace of machines, of arrivals, or of both.
type fleetTrace struct {
	files    *files
	nodes    func(ctx context.Context) ([]fleet.Node, error)            // nil: none
	arrivals func(ctx context.Context, yield func(Arrival, error) bool) // nil: none
	rackCaps map[string]float64                                         // watts
}

// arrivalsOf returns the trace whose arrivals are the rows of some files.
func arrivalsOf(fs *files, open func(path string) (rows[Arrival], error)) *fleetTrace {
	return &fleetTrace{files: fs, arrivals: func(ctx context.Context, yield func(Arrival, error) bool) {
		readRows(ctx, fs, open, yield)
	}}
}

// nodesOf returns the trace whose nodes are the rows of some files.
func nodesOf(fs *files, open func(path string) (rows[fleet.Node], error)) *fleetTrace {
	return &fleetTrace{files: fs, nodes: func(ctx context.Context) (nodes []fleet.Node, err error) {
		readRows(ctx, fs, open, func(n fleet.Node, rowErr error) bool {
			nodes, err = append(nodes, n), rowErr
			return err == nil
		})
		if err != nil {
			return nil, err
		}
		return nodes, nil
	}}
}
