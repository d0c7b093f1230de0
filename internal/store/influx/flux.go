package influx

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// pushedNames is how many names of one list a query carries. More are cheaper
// sorted out here: InfluxDB 1.8 takes 19 s over a condition of 2,000 names.
const pushedNames = 32

// from returns the start of a query: the points of a window, of any series that
// may match q.
func (s *Store) from(q store.Query) string {
	start, stop := time.Unix(0, 0), time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC) // all that a sample may have
	if q.Window.From.After(start) {
		start = q.Window.From
	}
	if to := q.Window.To; !to.IsZero() && to.Before(stop) {
		stop = to
	}
	// InfluxDB 1.8 takes stop as inclusive, 2.x does not. Just before a whole
	// millisecond, where no sample can be, they mean the same.
	if whole := stop.Truncate(time.Millisecond); !whole.Equal(stop) {
		stop = whole.Add(time.Millisecond)
	}
	stop = stop.Add(-1)
	conditions := []string{fmt.Sprintf("r._measurement == %q", measurement)}
	for _, t := range s.tags {
		if names := selectedNames(q, t.name); len(names) > 0 && len(names) <= pushedNames {
			conditions = append(conditions, anyOf(names, t.condition))
		}
	}
	return fmt.Sprintf("from(bucket: %q) |> range(start: %s, stop: %s) |> filter(fn: (r) => %s)",
		s.options.Bucket, fluxTime(start), fluxTime(stop), strings.Join(conditions, " and "))
}

func fluxTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// selectedNames returns the list of q that is about a tag.
func selectedNames(q store.Query, tag string) []string {
	switch tag {
	case "workload":
		return q.Workloads
	case "node":
		return q.Nodes
	case "source":
		return q.Sources
	case "class":
		var names []string
		for _, c := range q.Classes {
			names = append(names, string(c))
		}
		return names
	}
	return nil
}

// matches reports whether a series is one q selects.
func (s *Store) matches(q store.Query, k timeseries.Key) bool {
	return !slices.ContainsFunc(s.tags, func(t tag) bool {
		names := selectedNames(q, t.name)
		return len(names) > 0 && !slices.Contains(names, t.get(&k))
	})
}

// condition returns the Flux expression for "this tag has that value". A tag
// without a value does not exist; nothing in a quoted tag needs escaping in Flux.
func (t tag) condition(value string) string {
	if value == "" {
		return "not exists r." + t.name
	}
	return `r.` + t.name + ` == "` + quoteTag(value) + `"`
}

// exactly returns the expression for one series and no other.
func (s *Store) exactly(k timeseries.Key) string {
	var conditions []string
	for _, t := range s.tags {
		conditions = append(conditions, t.condition(t.get(&k)))
	}
	return "(" + strings.Join(conditions, " and ") + ")"
}

func anyOf[T any](values []T, condition func(T) string) string {
	var conditions []string
	for _, v := range values {
		conditions = append(conditions, condition(v))
	}
	return "(" + strings.Join(conditions, " or ") + ")"
}

// statsQuery lists series: three results named first, last and count, with one
// table for each series.
func (s *Store) statsQuery(q store.Query) string {
	return fmt.Sprintf(`samples = %s |> filter(fn: (r) => r._field == %q)
samples |> first() |> yield(name: "first")
samples |> last() |> yield(name: "last")
samples |> count() |> yield(name: "count")`, s.from(q), sampleField)
}

// samplesQuery reads the samples of some series in a window, one row each; with
// only, just the usage of that resource.
func (s *Store) samplesQuery(keys []timeseries.Key, w timeseries.Window, only resource.Name) string {
	fields := ""
	if only != "" {
		fields = fmt.Sprintf(" and r._field == %q", fieldName(only))
	}
	return fmt.Sprintf(`%s |> filter(fn: (r) => %s%s)
|> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
|> drop(columns: ["_start", "_stop", "_measurement"])`, s.from(store.Query{Window: w}), anyOf(keys, s.exactly), fields)
}
