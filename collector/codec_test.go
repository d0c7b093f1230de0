package collector

import (
	"bytes"
	"encoding/hex"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

func fullSample() timeseries.Sample {
	s := timeseries.Sample{
		Key:   timeseries.Key{Workload: "web-1", App: "web", Class: "service", Queue: "prod", Node: "n1", Source: "push"},
		Time:  time.UnixMilli(1_700_000_000_123).UTC(),
		Limit: resource.Of(4, 8<<30),
	}
	for i, name := range resource.Standard() {
		s.Usage = s.Usage.With(name, float64(i)+.5)
	}
	s.Usage = s.Usage.With("example.com/fpga", 2).With("licences", 0)
	return s
}

func equalSamples(a, b timeseries.Sample) bool {
	return a.Key == b.Key && a.Time.Equal(b.Time) && a.Usage.Equal(b.Usage) && a.Limit.Equal(b.Limit)
}

func TestCodecRoundTrip(t *testing.T) {
	var d decoder
	want := fullSample()
	got, err := d.sample(appendSample(nil, &want))
	if err != nil || !equalSamples(got, want) {
		t.Fatalf("got  %+v, %v\nwant %+v", got, err, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Float64()
		want := timeseries.Sample{
			Key: timeseries.Key{Workload: rapid.String().Draw(t, "workload"), Source: rapid.String().Draw(t, "source")},
			// Times are cut to milliseconds.
			Time: time.UnixMilli(rapid.Int64Range(-1<<52, 1<<52).Draw(t, "time")).UTC(),
		}
		for _, name := range rapid.SliceOf(rapid.SampledFrom(append(resource.Standard(), "a", "b/c"))).Draw(t, "names") {
			want.Usage = want.Usage.With(name, amount.Draw(t, "amount"))
		}
		got, err := d.sample(appendSample(nil, &want))
		if err != nil || !equalSamples(got, want) {
			t.Fatalf("got  %+v, %v\nwant %+v", got, err, want)
		}
	})
}

// The bytes of version 1 do not change: spools outlive an upgrade.
func TestCodecGolden(t *testing.T) {
	want := timeseries.Sample{
		Key:   timeseries.Key{Workload: "w", App: "a", Class: "c", Queue: "q", Node: "n", Source: "s"},
		Time:  time.UnixMilli(1000).UTC(),
		Usage: resource.Of(1.5, 2).With("x", 1),
		Limit: resource.Vector{}.With(resource.Network, 4),
	}
	const golden = "01" + "d00f" + "0177" + "0161" + "0163" + "0171" + "016e" + "0173" +
		"03" + "01000000000000f83f" + "020000000000000040" + "000178000000000000f03f" +
		"01" + "070000000000001040"
	if got := hex.EncodeToString(appendSample(nil, &want)); got != golden {
		t.Errorf("encoded\n%s, want\n%s", got, golden)
	}
	b, err := hex.DecodeString(golden)
	if err != nil {
		t.Fatal(err)
	}
	var d decoder
	if got, err := d.sample(b); err != nil || !equalSamples(got, want) {
		t.Errorf("decoded %+v, %v", got, err)
	}
}

func TestCodecNamesEveryStandardResource(t *testing.T) {
	for _, name := range resource.Standard() {
		if codeOf(name) == customName {
			t.Errorf("%s has no code", name)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	s := fullSample()
	good := appendSample(nil, &s)
	tests := map[string]struct {
		b    []byte
		want string
	}{
		"nothing":       {nil, "ends too early"},
		"other version": {append([]byte{9}, good[1:]...), "version 9 is unknown (want 1)"},
		"more":          {append(bytes.Clone(good), 0), "bytes follow its end"},
		"long varint":   {append([]byte{1}, bytes.Repeat([]byte{0xff}, 11)...), "a number is malformed"},
		"unknown code":  {append([]byte{1, 0, 0, 0, 0, 0, 0, 0, 1, 99}, make([]byte, 9)...), "resource code 99 is unknown"},
		"huge count":    {[]byte{1, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f}, "ends too early"},
	}
	for name, test := range tests {
		var d decoder
		if _, err := d.sample(test.b); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	for n := range good {
		var d decoder
		if _, err := d.sample(good[:n]); err == nil {
			t.Errorf("the first %d of %d bytes decode", n, len(good))
		}
	}
}

func FuzzDecodeSample(f *testing.F) {
	full, small := fullSample(), timeseries.Sample{Time: time.UnixMilli(-5), Usage: resource.Vector{}.With(resource.CPU, math.Inf(1))}
	f.Add(appendSample(nil, &full))
	f.Add(appendSample(nil, &small))
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		var d decoder
		s, err := d.sample(b)
		if err != nil {
			return
		}
		once := appendSample(nil, &s)
		again, err := d.sample(once)
		if err != nil {
			t.Fatalf("what was decoded does not encode: %v", err)
		}
		if twice := appendSample(nil, &again); !bytes.Equal(once, twice) {
			t.Fatalf("encoded %x, then %x", once, twice)
		}
	})
}

func BenchmarkCodec(b *testing.B) {
	s := fullSample()
	s.Usage = resource.Of(1, 2)
	encoded := appendSample(nil, &s)
	b.Run("encode", func(b *testing.B) {
		var buf []byte
		for b.Loop() {
			buf = appendSample(buf[:0], &s)
		}
		b.ReportMetric(float64(len(buf)), "bytes/sample")
	})
	b.Run("decode", func(b *testing.B) {
		var d decoder
		for b.Loop() {
			if got, err := d.sample(encoded); err != nil || got.Key != s.Key {
				b.Fatal(got, err)
			}
		}
	})
}
