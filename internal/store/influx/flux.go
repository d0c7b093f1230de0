package influx

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// pushedNames is how many names of one list a query carries. More are cheaper
// sorted out here than by InfluxDB 1.8.
const pushedNames = 200

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
			conditions = append(conditions, t.isOneOf(names))
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

// isOneOf returns the Flux expression for "this tag has one of these values". A
// tag without a value does not exist. InfluxDB 1.8 takes seconds over a hundred
// conditions joined by "or", but milliseconds over one pattern.
func (t tag) isOneOf(values []string) string {
	var patterns []string
	for _, v := range values {
		if v != "" {
			patterns = append(patterns, strings.ReplaceAll(regexp.QuoteMeta(quoteTag(v)), "/", `\/`))
		}
	}
	absent := "not exists r." + t.name
	if len(patterns) == 0 {
		return absent
	}
	present := fmt.Sprintf("r.%s =~ /^(%s)$/", t.name, strings.Join(patterns, "|"))
	if len(patterns) < len(values) {
		return "(" + absent + " or " + present + ")"
	}
	return present
}

// statsQuery lists series: three results named first, last and count, with one
// table for each series.
func (s *Store) statsQuery(q store.Query) string {
	return fmt.Sprintf(`samples = %s |> filter(fn: (r) => r._field == %q)
samples |> first() |> yield(name: "first")
samples |> last() |> yield(name: "last")
samples |> count() |> yield(name: "count")`, s.from(q), amountsField)
}

// samplesQuery reads the samples q selects, one row each; with only, just the
// usage of that resource.
func (s *Store) samplesQuery(q store.Query, only resource.Name) string {
	field := ""
	if only != "" {
		field = fmt.Sprintf(" |> filter(fn: (r) => r._field == %q)", fieldName(only))
	}
	return s.from(q) + field + `
|> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
|> drop(columns: ["_start", "_stop", "_measurement"])`
}
