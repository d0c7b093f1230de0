package datasets

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
	"pgregory.net/rapid"
)

// TestCSVRoundTrip writes random samples as plain CSV, by a writer that knows
// nothing of the reader, and reads them back.
func TestCSVRoundTrip(t *testing.T) {
	names := []resource.Name{resource.CPU, resource.Memory, resource.GPU, "licences"}
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringMatching(`[a-z ",é-]{0,6}`)
		amount := rapid.Float64Range(0, 1e15)
		var want []timeseries.Sample
		for range rapid.IntRange(1, 20).Draw(rt, "rows") {
			s := timeseries.Sample{
				Key: timeseries.Key{
					Workload: "w" + text.Draw(rt, "workload"), App: text.Draw(rt, "app"), Class: workload.Class(text.Draw(rt, "class")),
					Queue: text.Draw(rt, "queue"), Node: text.Draw(rt, "node"), Source: "csv:a.csv",
				},
				Time:  time.UnixMilli(rapid.Int64Range(1e11, 4e12).Draw(rt, "time")).UTC(),
				Usage: resource.Vector{}.With(resource.CPU, amount.Draw(rt, "cpu")),
			}
			for _, n := range names {
				if rapid.Bool().Draw(rt, "measured") {
					s.Usage = s.Usage.With(n, amount.Draw(rt, "usage"))
				}
				if rapid.Bool().Draw(rt, "limited") {
					s.Limit = s.Limit.With(n, amount.Draw(rt, "limit"))
				}
			}
			want = append(want, s)
		}
		l, err := newLines("a.csv", strings.NewReader(plainCSV(names, want)))
		if err != nil {
			rt.Fatal(err)
		}
		i := 0
		readFile(context.Background(), l, rows[timeseries.Sample](&csvRows{source: "csv:a.csv", keys: map[string]timeseries.Key{}}), func(s timeseries.Sample, err error) bool {
			if err != nil {
				rt.Fatal(err)
			}
			if w := want[i]; s.Key != w.Key || !s.Time.Equal(w.Time) || !s.Usage.Equal(w.Usage) || !s.Limit.Equal(w.Limit) {
				rt.Fatalf("read %+v\nwrote %+v", s, w)
			}
			i++
			return true
		})
		if i != len(want) {
			rt.Fatalf("read %d samples, wrote %d", i, len(want))
		}
	})
}

func plainCSV(names []resource.Name, samples []timeseries.Sample) string {
	var b strings.Builder
	b.WriteString("time,node,queue,class,app,workload")
	for _, n := range names {
		fmt.Fprintf(&b, ",%s,%s_limit", n, n)
	}
	b.WriteByte('\n')
	quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	for _, s := range samples {
		b.WriteString(s.Time.Format(time.RFC3339Nano))
		for _, f := range []string{s.Key.Node, s.Key.Queue, string(s.Key.Class), s.Key.App, s.Key.Workload} {
			b.WriteString("," + quote(f))
		}
		for _, n := range names {
			for _, v := range []resource.Vector{s.Usage, s.Limit} {
				b.WriteByte(',')
				if v.Has(n) {
					fmt.Fprint(&b, v.Get(n))
				}
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
