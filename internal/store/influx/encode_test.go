package influx

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

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
	want := prefix + "cpu=0.1,memory=1.099511627776e+12,limit:cpu=2,limit:memory=0,limit:custom:slots=3,sample:amounts=5i 1700000000123\n" +
		prefix + "custom:node=1e+300,sample:amounts=1i 1700000000124\n" +
		"usage,workload=w disk_io=0,sample:amounts=1i 1\n"
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
	for _, field := range []string{"", "CPU", "limit:", "custom:", "custom:cpu", "limit:limit:cpu", "slots", amountsField, "_value"} {
		setField(&s, field, 1)
	}
	if s.Usage.Len()+s.Limit.Len() > 0 {
		t.Errorf("foreign fields became %v of %v", s.Usage, s.Limit)
	}
}
