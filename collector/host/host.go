package host

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/auspex-project/auspex/collector"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// Options of a Source. The zero value measures this machine every ten seconds.
type Options struct {
	Interval time.Duration // between measurements; 0 is 10 s
	Node     string        // name of this machine in the fleet; "" is its host name
	Root     fs.FS         // the root directory with proc and sys; nil is the machine's
	Logger   *slog.Logger  // nil discards
}

// sourceLabel is the Source of every sample.
const sourceLabel = "host"

// Source measures a machine. It implements collector.Source.
type Source struct {
	opts   Options
	reader reader
}

var _ collector.Source = (*Source)(nil)

// reader reads the counters of all groups of a machine.
type reader interface {
	read() (reading, error)
}

// reading is the counters of all groups at one moment.
type reading interface {
	// since returns what each group used per second, on average, in the seconds
	// between an earlier reading of the same reader and this one.
	since(earlier reading, seconds float64) []usage
}

// usage is what one group used.
type usage struct {
	id    string // unique on the machine and the same from reading to reading
	app   string // what it is an instance of, "" when its name does not tell
	used  resource.Vector
	limit resource.Vector
}

// New returns a source for the control groups of the machine where it has a
// cgroup v2 hierarchy with CPU and memory accounting, else for its process groups.
func New(o Options) (*Source, error) {
	if o.Interval == 0 {
		o.Interval = 10 * time.Second
	}
	if o.Interval < 0 {
		return nil, fmt.Errorf("host source: interval %v is negative", o.Interval)
	}
	if o.Root == nil {
		o.Root = os.DirFS("/")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Node == "" {
		name, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("host source: find the host's name: %w", err)
		}
		o.Node = name
	}
	s := &Source{opts: o}
	if hierarchy, ok := findCgroups(o.Root); ok {
		o.Logger.Info("host source measures control groups", "hierarchy", hierarchy)
		s.reader = &cgroupReader{root: o.Root, hierarchy: hierarchy}
	} else {
		o.Logger.Info("host source measures process groups: there is no cgroup v2 hierarchy with cpu and memory accounting")
		s.reader = procReader{root: o.Root}
	}
	if _, err := s.reader.read(); err != nil {
		return nil, fmt.Errorf("host source: %w", err)
	}
	return s, nil
}

// Run measures until ctx ends. A measurement that fails is logged, and the next
// one covers its interval.
func (s *Source) Run(ctx context.Context, emit collector.Emit) error {
	ticker := time.NewTicker(s.opts.Interval)
	defer ticker.Stop()
	var clock stamps
	var before reading
	var at time.Time
	for {
		now := time.Now()
		r, err := s.reader.read()
		switch {
		case err != nil:
			s.opts.Logger.Error("host source cannot measure", "error", err)
		case before == nil:
			before, at = r, now
		default:
			samples := s.samples(r.since(before, now.Sub(at).Seconds()), clock.of(now))
			if err := emit(ctx, samples); err != nil {
				return err
			}
			before, at = r, now
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *Source) samples(all []usage, at time.Time) []timeseries.Sample {
	samples := make([]timeseries.Sample, 0, len(all))
	for _, u := range all {
		samples = append(samples, timeseries.Sample{
			Key:   timeseries.Key{Workload: s.opts.Node + "/" + strings.ToValidUTF8(u.id, "_"), App: strings.ToValidUTF8(u.app, "_"), Node: s.opts.Node, Source: sourceLabel},
			Time:  at,
			Usage: u.used,
			Limit: u.limit,
		})
	}
	return samples
}

// stamps gives each measurement a wall-clock time in milliseconds that no other
// has, also when the clock has been set back and passes a stretch again.
type stamps struct {
	used   map[int64]bool
	latest int64
}

// stampsKept is how far back, in milliseconds, times are told apart.
const stampsKept = 24 * 3600 * 1000

// maxStamps is when older ones are forgotten.
const maxStamps = 1 << 17

func (s *stamps) of(now time.Time) time.Time {
	ms := now.UnixMilli()
	for s.used[ms] {
		ms++
	}
	if s.used == nil || len(s.used) >= maxStamps {
		kept := map[int64]bool{}
		for old := range s.used {
			if old > s.latest-stampsKept {
				kept[old] = true
			}
		}
		s.used = kept
	}
	s.used[ms] = true
	s.latest = max(s.latest, ms)
	return time.UnixMilli(ms).UTC()
}
