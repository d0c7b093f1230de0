package influx

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/influxdata/influxdb-client-go/v2/api"
	"github.com/influxdata/influxdb-client-go/v2/api/query"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// A page is what a scan asks for at once: about so many samples, of at most so
// many series. Server and client hold one page in memory.
const (
	pageSamples = 20_000
	pageSeries  = 50
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
		for page := range pages(stats, q.Window) {
			samples, err := s.read(ctx, page, only)
			if err != nil {
				yield(timeseries.Sample{}, s.fault("scan", fmt.Errorf("from workload %q: %w", page.keys[0].Workload, err)))
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

// page is a part of a scan: some series whole, or a slice of one.
type page struct {
	keys   []timeseries.Key
	window timeseries.Window
}

// pages cuts a scan into pages: short series together, long ones by time.
func pages(stats []store.SeriesStat, w timeseries.Window) iter.Seq[page] {
	return func(yield func(page) bool) {
		for len(stats) > 0 {
			next := page{window: w}
			for n := int64(0); len(next.keys) < min(pageSeries, len(stats)); {
				stat := stats[len(next.keys)]
				if n += stat.Samples; n > pageSamples && len(next.keys) > 0 {
					break
				}
				next.keys = append(next.keys, stat.Key)
			}
			first := stats[0]
			stats = stats[len(next.keys):]
			if len(next.keys) > 1 || first.Samples <= pageSamples {
				if !yield(next) {
					return
				}
				continue
			}
			for _, slice := range slicesOf(first, w) {
				if !yield(page{keys: next.keys, window: slice}) {
					return
				}
			}
		}
	}
}

// slicesOf cuts w into parts that hold about pageSamples samples of a series
// each, if they lie evenly.
func slicesOf(stat store.SeriesStat, w timeseries.Window) []timeseries.Window {
	parts := time.Duration(1 + stat.Samples/pageSamples)
	step := (stat.Last.Sub(stat.First)/parts + time.Millisecond).Truncate(time.Millisecond)
	var windows []timeseries.Window
	for cut := stat.First.Add(step); cut.Before(stat.Last); cut = cut.Add(step) {
		windows = append(windows, timeseries.Window{From: w.From, To: cut})
		w.From = cut
	}
	return append(windows, w)
}

// read returns the samples of a page in the order of key and time.
func (s *Store) read(ctx context.Context, p page, only resource.Name) ([]timeseries.Sample, error) {
	var samples []timeseries.Sample
	err := s.query(ctx, s.samplesQuery(p.keys, p.window, only), func(result *api.QueryTableResult) error {
		var k timeseries.Key
		var table any
		for result.Next() {
			record := result.Record()
			// Result.TableChanged misses tables that look like the one before.
			if now := record.ValueByKey("table"); now != table {
				table, k = now, s.key(record)
			}
			samples = append(samples, sampleOf(k, record))
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

func sampleOf(k timeseries.Key, r *query.FluxRecord) timeseries.Sample {
	sample := timeseries.Sample{Key: k, Time: r.Time()}
	for field, value := range r.Values() {
		if x, ok := value.(float64); ok {
			setField(&sample, field, x)
		}
	}
	return sample
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

// query runs a Flux query and reads its result.
func (s *Store) query(ctx context.Context, flux string, read func(*api.QueryTableResult) error) error {
	return s.request(func() error {
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
	})
}
