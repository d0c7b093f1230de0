package rpc

import (
	"reflect"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

var (
	word  = rapid.StringMatching(`[a-z]{1,5}`)
	words = rapid.SliceOfN(word, 1, 3)
	pairs = rapid.MapOfN(word, word, 1, 3)
)

func drawVector(t *rapid.T, label string) resource.Vector {
	v := resource.Of(rapid.Float64Range(0, 64).Draw(t, label), rapid.Float64Range(0, 1e12).Draw(t, label))
	if rapid.Bool().Draw(t, label) {
		v = v.With("licenses", rapid.Float64Range(0, 9).Draw(t, label))
	}
	return v
}

// maybe draws from g or leaves the zero value, each field by itself: a mix-up
// of two fields shows.
func maybe[T any](t *rapid.T, g *rapid.Generator[T], label string) T {
	if rapid.Bool().Draw(t, label+"?") {
		return g.Draw(t, label)
	}
	var zero T
	return zero
}

func drawPlaces(t *rapid.T) workload.Places {
	return workload.Places{
		Providers: maybe(t, words, "providers"), Regions: maybe(t, words, "regions"), Zones: maybe(t, words, "zones"),
		Racks: maybe(t, words, "racks"), Nodes: maybe(t, words, "nodes"),
	}
}

func TestWorkloadsSurviveTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &workload.Workload{
			ID: word.Draw(t, "id"), App: maybe(t, word, "app"), Class: workload.Class(maybe(t, word, "class")),
			Queue: maybe(t, word, "queue"), Owner: maybe(t, word, "owner"),
			Requests: drawVector(t, "requests"), Limits: drawVector(t, "limits"),
			Priority: rapid.Int32().Draw(t, "priority"), Labels: maybe(t, pairs, "labels"),
			Accelerator: workload.Accelerator{
				Models: maybe(t, words, "models"), Devices: rapid.IntRange(0, 8).Draw(t, "devices"),
				Share: maybe(t, rapid.Float64Range(0, 1), "share"), MemoryBytes: maybe(t, rapid.Float64Range(0, 1e11), "gpu memory"),
			},
			Security: workload.Security{
				Level: rapid.IntRange(0, 9).Draw(t, "level"), Compartments: maybe(t, words, "compartments"), Tenant: maybe(t, word, "tenant"),
				Exclusive: rapid.Bool().Draw(t, "exclusive"), Attested: rapid.Bool().Draw(t, "attested"),
				Countries: maybe(t, words, "countries"),
			},
			Locality: workload.Locality{Required: drawPlaces(t), Preferred: drawPlaces(t)},
			Selector: maybe(t, pairs, "selector"), MaxPerNode: rapid.IntRange(0, 9).Draw(t, "max per node"),
			Runtime: time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "runtime")), RunsOn: maybe(t, word, "runs on"),
		}
		peers := func() workload.Peers {
			return workload.Peers{App: maybe(t, word, "peers"), Labels: maybe(t, pairs, "peers")}
		}
		level := rapid.SampledFrom([]workload.Level{workload.AtNode, workload.AtRack, workload.AtZone, workload.AtRegion, workload.AtProvider})
		for range rapid.IntRange(0, 2).Draw(t, "requirements") {
			w.Requirements = append(w.Requirements, workload.Requirement{Key: word.Draw(t, "key"), Operator: workload.NotIn, Values: maybe(t, words, "values")})
		}
		for range rapid.IntRange(0, 2).Draw(t, "spread") {
			w.Spread = append(w.Spread, workload.Spread{Over: level.Draw(t, "over"), MaxSkew: 2, Peers: peers(), Preferred: rapid.Bool().Draw(t, "preferred")})
		}
		for range rapid.IntRange(0, 2).Draw(t, "affinity") {
			w.Affinity = append(w.Affinity, workload.Affinity{
				Within: level.Draw(t, "within"), Peers: peers(), Apart: rapid.Bool().Draw(t, "apart"), Preferred: rapid.Bool().Draw(t, "preferred"),
			})
		}
		for range rapid.IntRange(0, 2).Draw(t, "data") {
			w.Data = append(w.Data, workload.DataSet{Name: word.Draw(t, "name"), Bytes: 7, Required: rapid.Bool().Draw(t, "required"), Within: maybe(t, level, "within")})
		}
		for range rapid.IntRange(0, 2).Draw(t, "tolerations") {
			w.Tolerations = append(w.Tolerations, workload.Toleration{Key: word.Draw(t, "key"), Value: maybe(t, word, "value")})
		}
		got := workloadFromWire(overTheWire(t, WorkloadToWire(w), new(auspexv1.Workload)))
		if !reflect.DeepEqual(got, w) {
			t.Fatalf("got %+v\nwant %+v", got, w)
		}
	})
}

func TestNodesSurviveTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := &fleet.Node{
			Name: word.Draw(t, "name"), Capacity: drawVector(t, "capacity").With(resource.CPU, 1),
			Provider: maybe(t, word, "provider"), Region: maybe(t, word, "region"), Zone: maybe(t, word, "zone"), Rack: maybe(t, word, "rack"),
			Labels: maybe(t, pairs, "labels"), Level: rapid.IntRange(0, 9).Draw(t, "level"), Compartments: maybe(t, words, "compartments"),
			Attested: rapid.Bool().Draw(t, "attested"), CapWatts: maybe(t, rapid.Float64Range(0, 900), "cap"),
			CostPerHour: maybe(t, rapid.Float64Range(0, 9), "cost"), Data: maybe(t, words, "data"),
			PDU: maybe(t, word, "pdu"), Site: maybe(t, word, "site"),
			Dedicated: fleet.Dedication{Tenant: maybe(t, word, "tenant"), Queue: maybe(t, word, "queue")},
		}
		for range rapid.IntRange(0, 2).Draw(t, "maintenance") {
			from := time.Unix(rapid.Int64Range(0, 1e9).Draw(t, "from"), 0).UTC()
			n.Maintenance = append(n.Maintenance, fleet.Window{From: from, Until: from.Add(time.Hour)})
		}
		if devices := rapid.IntRange(0, 2).Draw(t, "devices"); devices > 0 {
			n.Capacity = n.Capacity.With(resource.GPU, float64(devices))
			for range devices {
				n.Devices = append(n.Devices, fleet.Device{Model: word.Draw(t, "model"), MemoryBytes: 1, IdleWatts: 2, MaxWatts: 3})
			}
		}
		if rapid.Bool().Draw(t, "taint") {
			n.Taints = []fleet.Taint{{Key: word.Draw(t, "key"), Value: maybe(t, word, "value"), Effect: maybe(t, rapid.Just(fleet.PreferNoSchedule), "effect")}}
		}
		if rapid.Bool().Draw(t, "power") {
			n.Power, _ = fleet.NewPowerCurve(50, 250)
		}
		got, err := nodeFromWire(overTheWire(t, NodeToWire(n), new(auspexv1.Node)))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(&got, n) {
			t.Fatalf("got %+v\nwant %+v", got, n)
		}
	})
}

func overTheWire[M proto.Message](t *rapid.T, sent, received M) M {
	b, err := proto.Marshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	if err := proto.Unmarshal(b, received); err != nil {
		t.Fatal(err)
	}
	return received
}
