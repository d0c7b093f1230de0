package datasets

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"strings"
	"time"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/workload"
)

// Arrival is a workload with the time at which it is asked for and the time at
// which it leaves. Maps and slices of the workload may be shared with other
// arrivals and must not be changed.
type Arrival struct {
	Workload workload.Workload
	Arrive   time.Time // zero: the trace gives only the order
	Depart   time.Time // zero: it stays, or the trace does not say
}

// Fleet is a trace of machines, of arriving workloads, or of both. The rules of
// Usage for concurrent use hold.
type Fleet struct {
	ref   Ref
	trace *fleetTrace
}

// OpenFleet finds the files of a trace of machines or arrivals.
func OpenFleet(ref Ref, o Options) (*Fleet, error) {
	f, err := ref.format()
	if err != nil {
		return nil, err
	}
	if f.fleet == nil {
		return nil, fmt.Errorf("open trace %s: %s holds usage, neither machines nor arrivals (formats with those: %s)",
			ref, f.name, strings.Join(formatsWith(func(f format) bool { return f.fleet != nil }), ", "))
	}
	t, err := f.fleet(ref, o)
	if err != nil {
		return nil, fmt.Errorf("open trace %s: %w", ref, err)
	}
	return &Fleet{ref: ref, trace: t}, nil
}

// Nodes reads the machines. The first error ends it.
func (f *Fleet) Nodes(ctx context.Context) ([]fleet.Node, error) {
	if f.trace.nodes == nil {
		return nil, fmt.Errorf("trace %s: lists arrivals, not nodes", f.ref)
	}
	return f.trace.nodes(ctx)
}

// Arrivals streams the workloads in the order in which the trace lists them,
// which is that of arrival only where its format says so. Errors are as in
// Usage.Samples.
func (f *Fleet) Arrivals(ctx context.Context) iter.Seq2[Arrival, error] {
	return func(yield func(Arrival, error) bool) {
		if f.trace.arrivals == nil {
			yield(Arrival{}, fmt.Errorf("trace %s: lists nodes, not arrivals", f.ref))
			return
		}
		f.trace.arrivals(ctx, yield)
	}
}

// String returns the reference the trace was opened by.
func (f *Fleet) String() string { return f.ref.String() }

// HasNodes and HasArrivals report what the trace holds.
func (f *Fleet) HasNodes() bool    { return f.trace.nodes != nil }
func (f *Fleet) HasArrivals() bool { return f.trace.arrivals != nil }

// RackCaps returns the power caps of racks, in watts by rack; nil where the
// trace knows none.
func (f *Fleet) RackCaps() map[string]float64 { return maps.Clone(f.trace.rackCaps) }
