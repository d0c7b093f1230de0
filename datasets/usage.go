package datasets

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// Order says how the samples of a trace follow each other.
type Order string

const (
	ByTime     Order = "time"     // never back in time
	ByWorkload Order = "workload" // file by file; within a file all of one workload, rising in time, then the next
	AsWritten  Order = "written"  // as they stand in the files, in no promised order
)

// Options change how a trace is opened. The zero value is right for most.
type Options struct {
	// Source replaces the label of the trace as the Source of its samples. That
	// of a synthetic trace begins with "synthetic:" in any case.
	Source string

	// End is where a synthetic trace's history ends and its arrivals begin,
	// cut to its step; zero is three weeks after Epoch. Recorded traces have
	// their own times.
	End time.Time
}

// Usage is a trace of what workloads used over time. Its methods may be called
// by several goroutines, but only one pass over the trace may run at a time.
type Usage struct {
	ref    Ref
	source string
	trace  *usageTrace
}

// OpenUsage finds the files of a trace of usage. It reads at most their heads;
// most of what is wrong with a file shows while it streams.
func OpenUsage(ref Ref, o Options) (*Usage, error) {
	f, err := ref.format()
	if err != nil {
		return nil, err
	}
	if f.usage == nil {
		return nil, fmt.Errorf("open trace %s: %s holds machines and arrivals, no usage over time (formats with usage: %s)",
			ref, f.name, strings.Join(formatsWith(func(f format) bool { return f.usage != nil }), ", "))
	}
	if o.Source == "" {
		o.Source = ref.Label()
	}
	if f.name == formatSynthetic && !strings.HasPrefix(o.Source, formatSynthetic+":") {
		o.Source = formatSynthetic + ":" + o.Source
	}
	t, err := f.usage(ref, o)
	if err != nil {
		return nil, fmt.Errorf("open trace %s: %w", ref, err)
	}
	return &Usage{ref: ref, source: o.Source, trace: t}, nil
}

// Samples streams the trace in the order that Order names. An error that is a
// *RowError concerns one row, and the stream goes on if the caller does; any
// other error ends it. Every call reads the trace from its beginning.
func (u *Usage) Samples(ctx context.Context) iter.Seq2[timeseries.Sample, error] {
	return func(yield func(timeseries.Sample, error) bool) { u.trace.samples(ctx, yield) }
}

// Label is the Source of every sample.
func (u *Usage) Label() string { return u.source }

// Synthetic reports whether the trace was made up rather than measured.
func (u *Usage) Synthetic() bool { return u.ref.Format == formatSynthetic }

// Order says how the samples follow each other.
func (u *Usage) Order() Order { return u.trace.order }

// Resources lists what the trace measures, in the order of resource.Standard;
// a sample need not hold all of it.
func (u *Usage) Resources() []resource.Name { return slices.Clone(u.trace.resources) }

// Progress returns how much of the trace the current or last pass has read, and
// how much there is: bytes on disk, or time steps of a synthetic trace. A total
// of 0 is unknown, as for a pipe.
func (u *Usage) Progress() (done, total int64) {
	return u.trace.progress()
}

// Workloads lists the workloads of the trace with what it tells about them, in
// the order in which they first appear. Requests and limits are the largest
// limit of each; Arrive and Depart are the first and the last sample. Most
// formats have to be read to their end for it; the first error ends that.
func (u *Usage) Workloads(ctx context.Context) ([]Arrival, error) {
	if u.trace.workloads != nil {
		return u.trace.workloads(ctx)
	}
	return workloadsOf(u.Samples(ctx))
}

// workloadsOf gathers the workloads of some samples. Memory grows with the
// number of workloads.
func workloadsOf(samples iter.Seq2[timeseries.Sample, error]) ([]Arrival, error) {
	var all []Arrival
	index := map[string]int{}
	for s, err := range samples {
		if err != nil {
			return nil, err
		}
		i, known := index[s.Key.Workload]
		if !known {
			i = len(all)
			index[s.Key.Workload] = i
			a := Arrival{Arrive: s.Time, Depart: s.Time}
			a.Workload.ID, a.Workload.App = s.Key.Workload, s.Key.App
			a.Workload.Class, a.Workload.Queue = s.Key.Class, s.Key.Queue
			all = append(all, a)
		}
		a := &all[i]
		if s.Time.Before(a.Arrive) {
			a.Arrive = s.Time
		}
		if s.Time.After(a.Depart) {
			a.Depart = s.Time
		}
		a.Workload.Limits = a.Workload.Limits.Max(s.Limit)
	}
	for i := range all {
		all[i].Workload.Requests = all[i].Workload.Limits
	}
	return all, nil
}

func formatsWith(has func(format) bool) []string {
	var names []string
	for _, f := range formats() {
		if has(f) {
			names = append(names, f.name)
		}
	}
	return names
}
