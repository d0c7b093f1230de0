package prometheus

import (
	"cmp"
	"context"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

// sentinel and above is what some exporters publish for "not measured" (the
// blank values of DCGM, 0x7ffffffffffffff0 and up).
const sentinel = 0x7ffffffffffffff0

// page is the answers to all queries over one range, joined by workload and time.
type page struct {
	workloads map[string]map[int64]*timeseries.Sample // by id, then milliseconds

	unnamed  int // series without the labels that name a workload
	negative int // points
	added    int // points that came on top of others of the same workload and time
}

// page asks all queries for [from, to]. It succeeds only when all do, so that no
// sample is emitted with half of its resources.
func (s *Source) page(ctx context.Context, from, to time.Time) (*page, error) {
	p := &page{workloads: map[string]map[int64]*timeseries.Sample{}}
	for i := range s.queries {
		q := &s.queries[i]
		*p = page{workloads: p.workloads}
		err := s.api.queryRange(ctx, q.Expr, from, to, s.opts.Step, func(labels map[string]string, points []point) {
			p.add(q, labels, points)
		})
		if err != nil {
			return nil, err
		}
		if p.unnamed+p.negative+p.added > 0 {
			s.logger.Warn("prometheus source cannot use all of an answer; see the query's labels and aggregation",
				"resource", q.Resource, "limit", q.Limit, "expr", q.Expr, "from", from, "to", to,
				"series_without_workload", p.unnamed, "negative_points", p.negative, "points_added_up", p.added)
		}
	}
	return p, nil
}

// add joins one series of the answer to q. Series that the labels do not tell
// apart are added up.
func (p *page) add(q *query, labels map[string]string, points []point) {
	key := q.key(labels)
	if key.Workload == "" {
		p.unnamed++
		return
	}
	samples := p.workloads[key.Workload]
	if samples == nil {
		samples = map[int64]*timeseries.Sample{}
		p.workloads[key.Workload] = samples
	}
	for _, pt := range points {
		switch {
		case math.IsNaN(pt.value) || math.IsInf(pt.value, 0) || pt.value >= sentinel:
			continue
		case pt.value < 0:
			p.negative++
			continue
		}
		s := samples[pt.ms]
		if s == nil {
			s = &timeseries.Sample{Time: time.UnixMilli(pt.ms).UTC()}
			samples[pt.ms] = s
		}
		s.Key = merge(s.Key, key)
		v := &s.Usage
		if q.Limit {
			v = &s.Limit
		}
		if v.Has(q.Resource) {
			p.added++
		}
		*v = v.Add(resource.Vector{}.With(q.Resource, pt.value))
	}
}

// key builds a sample's key from a series' labels. A field whose labels are all
// missing is "".
func (q *query) key(labels map[string]string) timeseries.Key {
	field := func(i int) string {
		parts := make([]string, len(q.labels[i]))
		given := false
		for j, label := range q.labels[i] {
			parts[j] = labels[label]
			given = given || parts[j] != ""
		}
		if !given {
			return ""
		}
		return strings.Join(parts, "/")
	}
	return timeseries.Key{
		Workload: field(fieldWorkload), App: field(fieldApp), Class: workload.Class(field(fieldClass)),
		Queue: field(fieldQueue), Node: field(fieldNode), Source: sourceLabel,
	}
}

// merge fills what a does not know from b: not every exporter has every label.
func merge(a, b timeseries.Key) timeseries.Key {
	return timeseries.Key{
		Workload: cmp.Or(a.Workload, b.Workload), App: cmp.Or(a.App, b.App), Class: cmp.Or(a.Class, b.Class),
		Queue: cmp.Or(a.Queue, b.Queue), Node: cmp.Or(a.Node, b.Node), Source: cmp.Or(a.Source, b.Source),
	}
}

const batchSamples = 5000

// batches yields the samples of the page that hold usage, by time.
func (p *page) batches() iter.Seq[[]timeseries.Sample] {
	var all []timeseries.Sample
	for _, samples := range p.workloads {
		for _, s := range samples {
			if s.Usage.Len() > 0 {
				all = append(all, *s)
			}
		}
	}
	slices.SortFunc(all, func(a, b timeseries.Sample) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Key.Workload, b.Key.Workload))
	})
	return slices.Chunk(all, batchSamples)
}
