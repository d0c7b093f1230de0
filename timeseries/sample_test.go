package timeseries_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

func good() timeseries.Sample {
	return timeseries.Sample{
		Key:   timeseries.Key{Workload: "web-1", App: "web", Class: workload.Service, Queue: "q", Node: "n1", Source: "host"},
		Time:  time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC),
		Usage: resource.Of(0.5, 1<<30),
		Limit: resource.Of(2, 4<<30),
	}
}

func TestSampleValidate(t *testing.T) {
	latest := good().Time.Add(time.Minute)
	for name, c := range map[string]struct {
		change func(*timeseries.Sample)
		want   string // "" accepts
	}{
		"good":                  {func(s *timeseries.Sample) {}, ""},
		"only a workload":       {func(s *timeseries.Sample) { s.Key = timeseries.Key{Workload: "w"} }, ""},
		"no limit":              {func(s *timeseries.Sample) { s.Limit = resource.Vector{} }, ""},
		"zero usage":            {func(s *timeseries.Sample) { s.Usage = resource.Of(0, 0) }, ""},
		"at the latest":         {func(s *timeseries.Sample) { s.Time = latest }, ""},
		"over its limit":        {func(s *timeseries.Sample) { s.Usage = resource.Of(3, 0) }, ""},
		"odd names":             {func(s *timeseries.Sample) { s.Key.Workload = "a b,\n=ü" }, ""},
		"longest name":          {func(s *timeseries.Sample) { s.Key.Node = strings.Repeat("n", 1024) }, ""},
		"no workload":           {func(s *timeseries.Sample) { s.Key.Workload = "" }, "no workload"},
		"long name":             {func(s *timeseries.Sample) { s.Key.Node = strings.Repeat("n", 1025) }, `node "nnn`},
		"name not UTF-8":        {func(s *timeseries.Sample) { s.Key.App = "\xff" }, `app "\xff": not valid UTF-8`},
		"NUL in name":           {func(s *timeseries.Sample) { s.Key.Queue = "a\x00" }, "queue"},
		"class not UTF-8":       {func(s *timeseries.Sample) { s.Key.Class = "\xff" }, "class"},
		"long source":           {func(s *timeseries.Sample) { s.Key.Source = strings.Repeat("s", 2000) }, "source"},
		"no time":               {func(s *timeseries.Sample) { s.Time = time.Time{} }, "not after 1970"},
		"1970":                  {func(s *timeseries.Sample) { s.Time = time.Unix(0, 0) }, "not after 1970"},
		"before 1970":           {func(s *timeseries.Sample) { s.Time = time.Unix(-1, 0) }, "not after 1970"},
		"far before 1970":       {func(s *timeseries.Sample) { s.Time = time.Unix(math.MinInt64/2, 0) }, "not after 1970"},
		"future":                {func(s *timeseries.Sample) { s.Time = latest.Add(1) }, "in the future"},
		"no usage":              {func(s *timeseries.Sample) { s.Usage = resource.Vector{} }, "no usage"},
		"NaN":                   {func(s *timeseries.Sample) { s.Usage = s.Usage.With(resource.CPU, math.NaN()) }, "usage: cpu is NaN"},
		"negative":              {func(s *timeseries.Sample) { s.Usage = s.Usage.With("x", -1) }, "usage: x is negative"},
		"infinite limit":        {func(s *timeseries.Sample) { s.Limit = s.Limit.With(resource.GPU, math.Inf(1)) }, "limit: gpu is infinite"},
		"name of a resource":    {func(s *timeseries.Sample) { s.Usage = s.Usage.With("A", 1) }, "usage: resource name"},
		"name in limit":         {func(s *timeseries.Sample) { s.Limit = s.Limit.With("", 1) }, "limit: resource name: empty"},
		"far, but not a future": {func(s *timeseries.Sample) { s.Time = time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC) }, "in the future"},
	} {
		s := good()
		c.change(&s)
		if err := s.Validate(latest); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	far := good()
	far.Time = time.Date(2261, 12, 31, 23, 59, 0, 0, time.UTC)
	if err := far.Validate(time.Time{}); err != nil {
		t.Errorf("without a latest time: %v", err)
	}
	for _, beyond := range []time.Time{far.Time.Add(time.Minute), time.Unix(math.MaxInt64/2, 0)} {
		far.Time = beyond
		if err := far.Validate(time.Time{}); err == nil || !strings.Contains(err.Error(), "after 2261") && !strings.Contains(err.Error(), "after 1970") {
			t.Errorf("%v: %v", beyond, err)
		}
	}
}

func anyKey() *rapid.Generator[timeseries.Key] {
	part := rapid.SampledFrom([]string{"", "a", "a b", "b", "aa", "B", "ä", "\xff"})
	return rapid.Custom(func(t *rapid.T) timeseries.Key {
		return timeseries.Key{
			Workload: part.Draw(t, "workload"), App: part.Draw(t, "app"), Class: workload.Class(part.Draw(t, "class")),
			Queue: part.Draw(t, "queue"), Node: part.Draw(t, "node"), Source: part.Draw(t, "source"),
		}
	})
}

func TestKeyCompare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyKey().Draw(t, "a"), anyKey().Draw(t, "b")
		want := slices.Compare(
			[]string{a.Workload, a.App, string(a.Class), a.Queue, a.Node, a.Source},
			[]string{b.Workload, b.App, string(b.Class), b.Queue, b.Node, b.Source})
		if got := a.Compare(b); got != want || b.Compare(a) != -want || (got == 0) != (a == b) {
			t.Fatalf("Compare(%v, %v) = %d, want %d", a, b, got, want)
		}
	})
}
