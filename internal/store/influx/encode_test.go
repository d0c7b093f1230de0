package influx

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/internal/store"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

func TestLines(t *testing.T) {
	e := encoder{tags: tags()}
	k := timeseries.Key{Workload: "a b,c=d", App: `50% "$"\`, Class: "batch", Queue: "q", Node: "n\n1", Source: "ü"}
	for _, s := range []timeseries.Sample{
		{Key: k, Time: time.UnixMilli(1_700_000_000_123), Usage: resource.Of(0.1, 1<<40), Limit: resource.Of(2, 0).With("slots", 3)},
		{Key: k, Time: time.UnixMilli(1_700_000_000_124), Usage: resource.Vector{}.With("node", 1e300)},
		{Key: timeseries.Key{Workload: "w"}, Time: time.UnixMilli(1), Usage: resource.Vector{}.With(resource.DiskIO, 0)},
	} {
		e.add(&s)
	}
	const prefix = `usage,app=50%25\ %22%24%22%5C,class=batch,node=n%0A1,queue=q,source=ü,workload=a\ b\,c\=d `
	want := prefix + "cpu=0.1,memory=1.099511627776e+12,limit:cpu=2,limit:memory=0,limit:custom:slots=3,sample:count=1i 1700000000123\n" +
		prefix + "custom:node=1e+300,sample:count=1i 1700000000124\n" +
		"usage,workload=w disk_io=0,sample:count=1i 1\n"
	if string(e.text) != want {
		t.Errorf("lines:\n%s\nwant:\n%s", e.text, want)
	}
}

func FuzzQuoteTag(f *testing.F) {
	for _, seed := range []string{"", "plain", "100%", "%41", "a\nb", `\`, "\x00\x7f", "漢字", `"${x}"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		unquoteTag(text) // whatever others have written
		if !utf8.ValidString(text) {
			return
		}
		quoted := quoteTag(text)
		if strings.ContainsFunc(quoted, func(r rune) bool { return r < ' ' || strings.ContainsRune("\\\"$\x7f", r) }) {
			t.Errorf("%q is quoted as %q", text, quoted)
		}
		if got := unquoteTag(quoted); got != text {
			t.Errorf("%q comes back as %q", text, got)
		}
	})
}

func TestFieldsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := resource.Name(rapid.OneOf(
			rapid.SampledFrom(append(resource.Standard(), "node", "workload", "custom", "limit", "table", "sample")),
			rapid.Custom(func(t *rapid.T) resource.Name {
				return resource.Name(rapid.StringMatching(`[a-z][a-z0-9_./-]{0,10}`).Draw(t, "name"))
			}),
		).Draw(t, "resource"))
		var got timeseries.Sample
		setField(&got, fieldName(n), 1)
		setField(&got, limitPrefix+fieldName(n), 2)
		if want := (resource.Vector{}).With(n, 1); !got.Usage.Equal(want) {
			t.Errorf("usage of %s comes back as %v", n, got.Usage)
		}
		if want := (resource.Vector{}).With(n, 2); !got.Limit.Equal(want) {
			t.Errorf("limit of %s comes back as %v", n, got.Limit)
		}
	})
}

func TestForeignFields(t *testing.T) {
	var s timeseries.Sample
	for _, field := range []string{"", "CPU", "limit:", "custom:", "custom:cpu", "limit:limit:cpu", "slots", sampleField, "_value"} {
		setField(&s, field, 1)
	}
	if s.Usage.Len()+s.Limit.Len() > 0 {
		t.Errorf("foreign fields became %v of %v", s.Usage, s.Limit)
	}
}

// Pages hold every series once and in order, and the slices of a long one make up
// its window.
func TestPages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := time.UnixMilli(rapid.Int64Range(1, 1e12).Draw(t, "from")).UTC()
		w := timeseries.Window{From: from, To: from.Add(time.Duration(rapid.Int64Range(1, 1e12).Draw(t, "length")) * time.Millisecond)}
		length := w.Duration().Milliseconds()
		if rapid.Bool().Draw(t, "open") {
			w = timeseries.Window{}
		}
		var stats []store.SeriesStat
		for i := range rapid.IntRange(0, 200).Draw(t, "series") {
			first := rapid.Int64Range(0, length-1).Draw(t, "first")
			last := rapid.Int64Range(first, length-1).Draw(t, "last")
			stats = append(stats, store.SeriesStat{
				Key:     timeseries.Key{Workload: string(rune('0' + i))},
				First:   from.Add(time.Duration(first) * time.Millisecond),
				Last:    from.Add(time.Duration(last) * time.Millisecond),
				Samples: rapid.SampledFrom([]int64{1, 100, pageSamples, 3*pageSamples + 1}).Draw(t, "samples"),
			})
		}
		var order []timeseries.Key
		var end time.Time // of the slices of the last series so far
		for p := range pages(stats, w) {
			if len(p.keys) == 1 && len(order) > 0 && order[len(order)-1] == p.keys[0] {
				if !p.window.From.Equal(end) || end.IsZero() {
					t.Fatalf("slice %v does not follow %v", p.window, end)
				}
			} else {
				order = append(order, p.keys...)
				if !p.window.From.Equal(w.From) {
					t.Fatalf("the first slice %v does not start with %v", p.window, w)
				}
			}
			end = p.window.To
			if len(p.keys) == 0 || len(p.keys) > pageSeries || p.window.Validate() != nil {
				t.Fatalf("page of %d series in %v", len(p.keys), p.window)
			}
			if len(p.keys) > 1 && !p.window.To.Equal(w.To) {
				t.Fatalf("page of several series in a part %v of %v", p.window, w)
			}
		}
		if len(stats) > 0 && !end.Equal(w.To) {
			t.Fatalf("the last slice ends at %v, not with %v", end, w)
		}
		if !slices.EqualFunc(order, stats, func(k timeseries.Key, s store.SeriesStat) bool { return k == s.Key }) {
			t.Fatalf("series in the order %v", order)
		}
	})
}
