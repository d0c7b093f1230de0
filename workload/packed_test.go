package workload

import (
	"reflect"
	"runtime"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/resource"
)

// Every field comes back, found by reflection, alone and among others.
func TestPackedKeepsEveryField(t *testing.T) {
	var all Workload
	fields := 0
	walk(reflect.ValueOf(&all).Elem(), "", func(path string, v reflect.Value) {
		if path == ".ID" {
			return
		}
		fields++
		v.Set(something(v.Type()))
		var alone Workload
		walk(reflect.ValueOf(&alone).Elem(), "", func(other string, v reflect.Value) {
			if other == path {
				v.Set(something(v.Type()))
			}
		})
		for _, w := range []Workload{alone, all} {
			if got := w.Pack().Unpack(); !got.Equal(&w) {
				t.Errorf("%s: %+v came back as %+v", path, w, got)
			}
		}
	})
	if fields < 25 {
		t.Fatalf("only %d fields found", fields)
	}
	all.ID = "w"
	if got := all.Pack().Unpack(); got.ID != "" || !got.Alike(&all) {
		t.Errorf("%+v came back as %+v", all, got)
	}
}

// So does any content, lists and maps of lists and maps included.
func TestPackedKeepsAnyContent(t *testing.T) {
	texts := rapid.SliceOfN(rapid.String(), 0, 4)
	pairs := rapid.MapOfN(rapid.String(), rapid.String(), 0, 4)
	amount := rapid.Float64()
	peers := rapid.Custom(func(t *rapid.T) Peers { return Peers{rapid.String().Draw(t, "app"), pairs.Draw(t, "labels")} })
	places := rapid.Custom(func(t *rapid.T) Places {
		return Places{texts.Draw(t, "providers"), texts.Draw(t, "regions"), texts.Draw(t, "zones"), texts.Draw(t, "racks"), texts.Draw(t, "nodes")}
	})
	rapid.Check(t, func(t *rapid.T) {
		w := Workload{
			App: rapid.String().Draw(t, "app"), Priority: rapid.Int32().Draw(t, "priority"), Labels: pairs.Draw(t, "labels"),
			Requests: resource.Of(amount.Draw(t, "cores"), amount.Draw(t, "bytes")).With("licence/x", amount.Draw(t, "licences")),
			Accelerator: Accelerator{
				texts.Draw(t, "models"), rapid.Int().Draw(t, "devices"), amount.Draw(t, "share"), amount.Draw(t, "device memory"),
			},
			Locality:   Locality{places.Draw(t, "required"), places.Draw(t, "preferred")},
			MaxPerNode: rapid.Int().Draw(t, "most"), Runtime: time.Duration(rapid.Int64().Draw(t, "runtime")),
		}
		for range rapid.IntRange(0, 3).Draw(t, "parts") {
			on := rapid.Bool().Draw(t, "on")
			w.Data = append(w.Data, DataSet{rapid.String().Draw(t, "data"), amount.Draw(t, "bytes"), on, AtZone})
			w.Requirements = append(w.Requirements, Requirement{rapid.String().Draw(t, "key"), In, texts.Draw(t, "values")})
			w.Tolerations = append(w.Tolerations, Toleration{rapid.String().Draw(t, "key"), rapid.String().Draw(t, "value")})
			w.Spread = append(w.Spread, Spread{AtRack, rapid.Int().Draw(t, "skew"), peers.Draw(t, "peers"), on})
			w.Affinity = append(w.Affinity, Affinity{AtNode, peers.Draw(t, "peers"), on, !on})
		}
		if got := w.Pack().Unpack(); !got.Equal(&w) {
			t.Fatalf("%+v came back as %+v", w, got)
		}
	})
}

// A packed workload is one of the peers that it is one of.
func TestPackedIn(t *testing.T) {
	few := rapid.SampledFrom([]string{"", "a", "b"})
	labels := rapid.MapOfN(rapid.SampledFrom([]string{"x", "y"}), few, 0, 2)
	matches := 0
	rapid.Check(t, func(t *rapid.T) {
		w := Workload{App: few.Draw(t, "app"), Labels: labels.Draw(t, "labels"), Owner: "somebody"}
		p := Peers{few.Draw(t, "peers' app"), labels.Draw(t, "peers' labels")}
		if got := w.Pack().In(p); got != p.Match(&w) {
			t.Fatalf("%+v in %+v: %v", w, p, got)
		} else if got {
			matches++
		}
	})
	if matches == 0 {
		t.Error("nobody is a peer")
	}
}

func BenchmarkPackedIn(b *testing.B) {
	w := Workload{App: "web", Class: Service, Queue: "team", Owner: "somebody", Requests: resource.Of(4, 16<<30)}
	packed, peers := w.Pack(), Peers{Labels: map[string]string{"role": "cache"}}
	b.ReportAllocs()
	for b.Loop() {
		if packed.In(peers) {
			b.Fatal("it has no labels")
		}
	}
}

func BenchmarkUnpack(b *testing.B) {
	w := Workload{App: "web", Class: Service, Queue: "team", Owner: "somebody", Requests: resource.Of(4, 16<<30), Limits: resource.Of(6, 24<<30)}
	packed := w.Pack()
	if got := packed.Unpack(); !got.Equal(&w) {
		b.Fatalf("%+v came back as %+v", w, got)
	}
	b.ReportAllocs()
	for b.Loop() {
		got := packed.Unpack()
		runtime.KeepAlive(&got)
	}
	b.ReportMetric(float64(len(packed)), "packed-B")
}
