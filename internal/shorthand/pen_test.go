package shorthand

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// What was written is read, whatever it is, and nothing is left over.
func TestReadsWhatItWrote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type value struct {
			count    uint64
			number   int
			span     time.Duration
			float    float64
			singles  []float32
			on, off  bool
			at, none time.Time
			text     string
			texts    []string
			pairs    map[string]string
		}
		visit := func(p *Pen, v *value) {
			v.count = p.Uint(v.count)
			Number(p, &v.number)
			Number(p, &v.span)
			p.Float(&v.float)
			p.Singles(&v.singles)
			p.Flags(&v.on, &v.off)
			p.Time(&v.at)
			p.Time(&v.none)
			Text(p, &v.text)
			p.Texts(&v.texts)
			p.Pairs(&v.pairs)
		}
		in := value{
			count: rapid.Uint64().Draw(t, "count"), number: rapid.Int().Draw(t, "number"), span: time.Duration(rapid.Int64().Draw(t, "span")),
			float: rapid.Float64().Draw(t, "float"), singles: rapid.SliceOf(rapid.Float32()).Draw(t, "singles"), on: rapid.Bool().Draw(t, "on"),
			at:   time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "at"), rapid.Int64Range(0, 1e9-1).Draw(t, "rest")),
			text: rapid.String().Draw(t, "text"), texts: rapid.SliceOf(rapid.String()).Draw(t, "texts"),
			pairs: rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "pairs"),
		}
		w := Writer([]byte("before"))
		visit(&w, &in)
		if string(w.Bytes()[:6]) != "before" {
			t.Fatal("what was there is gone")
		}
		r := Reader(string(w.Bytes()[6:]))
		out := value{none: time.Now()}
		visit(&r, &out)
		same := in.count == out.count && in.number == out.number && in.span == out.span && math.Float64bits(in.float) == math.Float64bits(out.float) &&
			in.on == out.on && !out.off && in.at.Equal(out.at) && out.none.IsZero() && in.text == out.text &&
			len(in.singles) == len(out.singles) && len(in.texts) == len(out.texts) && len(in.pairs) == len(out.pairs)
		for i := range out.singles {
			same = same && math.Float32bits(in.singles[i]) == math.Float32bits(out.singles[i])
		}
		for i := range out.texts {
			same = same && in.texts[i] == out.texts[i]
		}
		for k := range in.pairs {
			same = same && in.pairs[k] == out.pairs[k]
		}
		if !same || r.in != "" {
			t.Fatalf("%+v came back as %+v, with %d bytes left", in, out, len(r.in))
		}
	})
}
