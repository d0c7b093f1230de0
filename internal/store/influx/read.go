package influx

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/influxdata/influxdb-client-go/v2/api"
	"github.com/influxdata/influxdb-client-go/v2/api/query"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

// A page is what a scan asks for at once: about so many samples, of at most so
// many workloads. Server and client hold one page in memory.
const (
	pageSamples   = 20_000
	pageWorkloads = pushedNames
)

// Scan lists the series, then reads page after page. Nothing is held open while
// the reader of the scan works.
func (s *Store) Scan(ctx context.Context, q store.Query) iter.Seq2[timeseries.Sample, error] {
	return s.scan(ctx, q, "")
}

// Downsample reads one field and folds it here: the windows of InfluxDB 1.8's
// Flux cost four times more than sending their points.
func (s *Store) Downsample(ctx context.Context, q store.Query, d store.Downsampling) iter.Seq2[store.Bucket, error] {
	return store.Downsample(s.scan(ctx, q, d.Resource), d)
}

// scan streams samples, only with the usage of one resource unless it is "".
func (s *Store) scan(ctx context.Context, q store.Query, only resource.Name) iter.Seq2[timeseries.Sample, error] {
	return func(yield func(timeseries.Sample, error) bool) {
		stats, err := s.stats(ctx, q)
		if err != nil {
			yield(timeseries.Sample{}, s.fault("scan", err))
			return
		}
		for page := range pages(q, stats) {
			samples, err := s.read(ctx, page, only)
			if err != nil {
				yield(timeseries.Sample{}, s.fault("scan", fmt.Errorf("from workload %q: %w", page.query.Workloads[0], err)))
				return
			}
			for _, sample := range samples {
				if !yield(sample, nil) {
					return
				}
			}
		}
	}
}

// page is a part of a scan: what its query finds, or of that only one series.
type page struct {
	query  store.Query
	series *timeseries.Key
}

// pages cuts a scan of q into pages: small workloads together, the series of
// large ones each by itself and by time.
func pages(q store.Query, stats []store.SeriesStat) iter.Seq[page] {
	return func(yield func(page) bool) {
		for len(stats) > 0 {
			if together, n := smallWorkloads(stats); n > 0 {
				next := page{query: q}
				next.query.Workloads = together
				if !yield(next) {
					return
				}
				stats = stats[n:]
				continue
			}
			for _, next := range sliced(q, stats[0]) {
				if !yield(next) {
					return
				}
			}
			stats = stats[1:]
		}
	}
}

// smallWorkloads returns the first workloads, each with all its series, that fit
// in a page, and how many series they have: none if the first one is too large.
func smallWorkloads(stats []store.SeriesStat) (workloads []string, series int) {
	samples := int64(0)
	for i := 0; i < len(stats) && len(workloads) < pageWorkloads; {
		name := stats[i].Key.Workload
		for ; i < len(stats) && stats[i].Key.Workload == name; i++ {
			samples += stats[i].Samples
		}
		if samples > pageSamples {
			break
		}
		workloads, series = append(workloads, name), i
	}
	return workloads, series
}

// sliced returns pages of about pageSamples samples of one series, if they lie
// evenly. The query cannot name app and queue, but few series differ in them only.
func sliced(q store.Query, stat store.SeriesStat) []page {
	k := stat.Key
	q.Workloads, q.Classes, q.Nodes, q.Sources = []string{k.Workload}, []workload.Class{k.Class}, []string{k.Node}, []string{k.Source}
	parts := time.Duration(1 + stat.Samples/pageSamples)
	step := (stat.Last.Sub(stat.First)/parts + time.Millisecond).Truncate(time.Millisecond)
	var all []page
	for cut := stat.First.Add(step); cut.Before(stat.Last); cut = cut.Add(step) {
		slice := page{query: q, series: &k}
		slice.query.Window.To = cut
		all = append(all, slice)
		q.Window.From = cut
	}
	return append(all, page{query: q, series: &k})
}

// read returns the samples of a page in the order of key and time.
func (s *Store) read(ctx context.Context, p page, only resource.Name) ([]timeseries.Sample, error) {
	var samples []timeseries.Sample
	err := s.query(ctx, s.samplesQuery(p.query, only), func(result *api.QueryTableResult) error {
		samples = samples[:0]
		var k timeseries.Key
		var wanted bool
		var table any
		for result.Next() {
			record := result.Record()
			// Result.TableChanged misses tables that look like the one before.
			if now := record.ValueByKey("table"); now != table {
				table, k = now, s.key(record)
				wanted = s.matches(p.query, k) && (p.series == nil || k == *p.series)
			}
			if sample, whole := sampleOf(k, record); wanted && (whole || only != "") {
				samples = append(samples, sample)
			}
		}
		return nil
	})
	slices.SortFunc(samples, func(a, b timeseries.Sample) int {
		return cmp.Or(a.Key.Compare(b.Key), a.Time.Compare(b.Time))
	})
	return samples, err
}

// key returns the series of a record.
func (s *Store) key(r *query.FluxRecord) (k timeseries.Key) {
	for _, t := range s.tags {
		if text, ok := r.ValueByKey(t.name).(string); ok {
			t.set(&k, unquoteTag(text))
		}
	}
	return k
}

// sampleOf returns the sample of a record; whole is false while some of its
// amounts are not yet to be seen.
func sampleOf(k timeseries.Key, r *query.FluxRecord) (sample timeseries.Sample, whole bool) {
	sample = timeseries.Sample{Key: k, Time: r.Time()}
	for field, value := range r.Values() {
		if x, ok := value.(float64); ok {
			setField(&sample, field, x)
		}
	}
	amounts, ok := r.ValueByKey(amountsField).(int64)
	return sample, ok && int64(sample.Usage.Len()+sample.Limit.Len()) >= amounts
}

// Series asks the server for the first, last and number of samples of each.
func (s *Store) Series(ctx context.Context, q store.Query) ([]store.SeriesStat, error) {
	stats, err := s.stats(ctx, q)
	return stats, s.fault("list series", err)
}

// Count adds up the series.
func (s *Store) Count(ctx context.Context, q store.Query) (n int64, err error) {
	stats, err := s.stats(ctx, q)
	for _, stat := range stats {
		n += stat.Samples
	}
	return n, s.fault("count", err)
}

func (s *Store) stats(ctx context.Context, q store.Query) ([]store.SeriesStat, error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	found := map[timeseries.Key]*store.SeriesStat{}
	err := s.query(ctx, s.statsQuery(q), func(result *api.QueryTableResult) error {
		clear(found)
		for result.Next() {
			if err := s.addStat(found, result.Record()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var stats []store.SeriesStat
	for k, stat := range found {
		// Written or deleted between the parts of the answer, a series may lack one.
		if s.matches(q, k) && stat.Samples > 0 && !stat.First.IsZero() && !stat.Last.IsZero() {
			stats = append(stats, *stat)
		}
	}
	slices.SortFunc(stats, func(a, b store.SeriesStat) int { return a.Key.Compare(b.Key) })
	return stats, nil
}

// addStat notes what one row of statsQuery says.
func (s *Store) addStat(found map[timeseries.Key]*store.SeriesStat, r *query.FluxRecord) error {
	k := s.key(r)
	stat := found[k]
	if stat == nil {
		stat = &store.SeriesStat{Key: k}
		found[k] = stat
	}
	switch part := r.Result(); part {
	case "first":
		stat.First = r.Time()
	case "last":
		stat.Last = r.Time()
	case "count":
		n, ok := r.Value().(int64)
		if !ok {
			return fmt.Errorf("count of workload %q is %T %v", k.Workload, r.Value(), r.Value())
		}
		stat.Samples = n
	default:
		return fmt.Errorf("unexpected result %q", part)
	}
	return nil
}

// queryAttempts is how often a query is tried while the server stumbles over
// points that are just being written.
const queryAttempts = 4

// query runs a Flux query and reads its result; read may be called again and must
// then start from nothing.
func (s *Store) query(ctx context.Context, flux string, read func(*api.QueryTableResult) error) error {
	var err error
	for range queryAttempts {
		err = s.request(func() error { return s.queryOnce(ctx, flux, read) })
		if err == nil || !strings.Contains(err.Error(), "found duplicate table") {
			return err
		}
	}
	return err
}

func (s *Store) queryOnce(ctx context.Context, flux string, read func(*api.QueryTableResult) error) error {
	// Closing a result reads it to its end. Ending its context first makes that
	// end near.
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	result, err := s.queries.Query(reading, flux)
	if err != nil {
		return err
	}
	err = cmp.Or(read(result), result.Err())
	cancel()
	_ = result.Close() // it has been read, or failed already
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
