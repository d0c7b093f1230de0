package datasets

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/auspex-project/auspex/datasets/synthetic"
	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// synthetic: a made-up trace, see package synthetic. Its path is the seed, a
// whole number, and what else it should be, separated by commas:
//
//	synthetic:1
//	synthetic:1,days=7,workloads=1000,step=1m
func parseSynthetic(ref Ref, o Options) (synthetic.Options, error) {
	seed, rest, more := strings.Cut(ref.Path, ",")
	var s synthetic.Options
	var err error
	if s.Seed, err = strconv.ParseUint(seed, 10, 64); err != nil {
		return s, fmt.Errorf("seed %q is not a whole number", seed)
	}
	s.End = o.End
	for more {
		var field string
		field, rest, more = strings.Cut(rest, ",")
		name, value, _ := strings.Cut(field, "=")
		switch name {
		case "days":
			s.Days, err = positive(value)
		case "workloads":
			s.Workloads, err = positive(value)
		case "step":
			if s.Step, err = time.ParseDuration(value); err == nil && s.Step <= 0 {
				err = fmt.Errorf("%v is not positive", s.Step)
			}
		default:
			return s, fmt.Errorf("parameter %q is none of days=N, workloads=N, step=DURATION", field)
		}
		if err != nil {
			return s, fmt.Errorf("parameter %q: %w", field, err)
		}
	}
	return s, nil
}

func positive(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is not a number above 0", s)
	}
	return n, nil
}

func openSynthetic(ref Ref, o Options) (*synthetic.Trace, error) {
	so, err := parseSynthetic(ref, o)
	if err != nil {
		return nil, err
	}
	return synthetic.New(so)
}

func openSyntheticUsage(ref Ref, o Options) (*usageTrace, error) {
	t, err := openSynthetic(ref, o)
	if err != nil {
		return nil, err
	}
	var step atomic.Int64
	return &usageTrace{
		order:     ByTime,
		resources: []resource.Name{resource.CPU, resource.Memory, resource.GPU, resource.GPUMemory},
		progress:  func() (done, total int64) { return step.Load(), int64(t.Steps()) },
		samples: func(ctx context.Context, yield func(timeseries.Sample, error) bool) {
			n := 0
			for m := range t.History(func(i int) { step.Store(int64(i)) }) {
				if n++; n%checkEvery == 0 && ctx.Err() != nil {
					yield(timeseries.Sample{}, ctx.Err())
					return
				}
				if !yield(syntheticSample(m, o.Source), nil) {
					return
				}
			}
		},
		workloads: func(context.Context) ([]Arrival, error) {
			var all []Arrival
			for _, m := range t.Members() {
				if m.Start.Before(t.End()) {
					all = append(all, syntheticArrival(m))
				}
			}
			return all, nil
		},
	}, nil
}

func syntheticSample(m synthetic.Measurement, source string) timeseries.Sample {
	w := &m.Member.Workload
	return timeseries.Sample{
		Key:   timeseries.Key{Workload: w.ID, App: w.App, Class: w.Class, Queue: w.Queue, Node: m.Member.Node, Source: source},
		Time:  m.Time,
		Usage: m.Usage,
		Limit: m.Member.Limits(),
	}
}

func syntheticArrival(m *synthetic.Member) Arrival {
	return Arrival{Workload: m.Workload, Arrive: m.Start, Depart: m.End}
}

// openSyntheticFleet gives the machines, and as arrivals what still runs when
// the history ends, by its start, then what starts in the day after it.
func openSyntheticFleet(ref Ref, o Options) (*fleetTrace, error) {
	t, err := openSynthetic(ref, o)
	if err != nil {
		return nil, err
	}
	return &fleetTrace{
		nodes: func(context.Context) ([]fleet.Node, error) { return t.Nodes(), nil },
		arrivals: func(ctx context.Context, yield func(Arrival, error) bool) {
			for _, m := range t.Members() {
				if err := ctx.Err(); err != nil {
					yield(Arrival{}, err)
					return
				}
				if (m.End.IsZero() || m.End.After(t.End())) && !yield(syntheticArrival(m), nil) {
					return
				}
			}
		},
		rackCaps: t.RackCaps(),
	}, nil
}
