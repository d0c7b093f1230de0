package resource_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/resource"
)

func TestJSON(t *testing.T) {
	v := resource.Of(0.5, 4<<30).With("licences", 3).With(resource.GPU, 0)
	text, err := json.Marshal(v)
	if want := `{"cpu":0.5,"memory":4294967296,"gpu":0,"licences":3}`; err != nil || string(text) != want {
		t.Errorf("encoded as %s, %v; want %s", text, err, want)
	}
	for text, want := range map[string]resource.Vector{
		`{}`: {}, `null`: {}, `{"cpu":2}`: resource.Vector{}.With(resource.CPU, 2), `{"memory":"4GiB","cpu":"500m"}`: resource.Of(.5, 4<<30),
		`{"network":"1MB\/s"}`: resource.Vector{}.With(resource.Network, 1e6), `{"cpu":"\u0032"}`: resource.Vector{}.With(resource.CPU, 2), `{"cpu":1e3}`: resource.Vector{}.With(resource.CPU, 1000),
	} {
		got := resource.Of(9, 9) // is replaced as a whole
		if err := json.Unmarshal([]byte(text), &got); err != nil || !got.Equal(want) {
			t.Errorf("%s is decoded as %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestJSONRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`[]`: "decode resources", `{"cpu":null}`: "cpu is null", `{"cpu":-1}`: "negative", `{"cpu":true}`: "want a number", `{"cpu":{}}`: "want a number",
		`{"cpu":[1]}`: "want a number", `{"CPU":1}`: "'C' at 0", `{"":1}`: "empty", `{"cpu":"1GiB"}`: "want a number of cores", `{"cpu":1e999}`: "want a number",
	} {
		before := resource.Of(9, 9)
		if err := json.Unmarshal([]byte(text), &before); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
		if !before.Equal(resource.Of(9, 9)) {
			t.Errorf("%s was refused but changed the vector to %v", text, before)
		}
	}
	for _, bad := range []resource.Vector{resource.Of(math.NaN(), 0), resource.Of(math.Inf(1), 0), resource.Of(0, 0).With("bad\x01name", 1)} {
		if text, err := json.Marshal(bad); err == nil {
			t.Errorf("encoded as %s", text)
		}
	}
}

func TestJSONComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyAmounts().Draw(t, "amounts").vector()
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got resource.Vector
		if err := json.Unmarshal(text, &got); err != nil || !got.Equal(want) {
			t.Fatalf("%s comes back as %v, %v; want %v", text, got, err, want)
		}
	})
}

func TestFromMap(t *testing.T) {
	got, err := resource.FromMap(map[string]string{"cpu": "500m", "memory": "1GiB", "licences": "2"})
	if want := resource.Of(.5, 1<<30).With("licences", 2); err != nil || !got.Equal(want) {
		t.Errorf("FromMap = %v, %v; want %v", got, err, want)
	}
	for text, bad := range map[string]map[string]string{"'C' at 0": {"Cpu": "1"}, "want a number": {"cpu": "one"}} {
		if v, err := resource.FromMap(bad); err == nil || !strings.Contains(err.Error(), text) || v.Len() != 0 {
			t.Errorf("FromMap(%v) = %v, %v; want %q", bad, v, err, text)
		}
	}
}

func FuzzUnmarshalJSON(f *testing.F) {
	for _, seed := range []string{`{}`, `null`, `{"cpu":1}`, `{"cpu":"500m","x":"1k"}`, `{"cpu":1,"cpu":"2"}`, `{"memory":"\"1\""}`, `{"disk_io":" 1 MB/s "}`, `{"a":1e-9}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var v resource.Vector
		if json.Unmarshal(text, &v) != nil {
			return
		}
		if err := v.Validate(); err != nil {
			t.Fatalf("%s is decoded as %v: %v", text, v, err)
		}
		again, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var w resource.Vector
		if err := json.Unmarshal(again, &w); err != nil || !w.Equal(v) {
			t.Fatalf("%s is encoded as %s and comes back as %v, %v", text, again, w, err)
		}
	})
}
