package main

import (
	"fmt"
	"math/rand/v2"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
)

const gib = 1 << 30

// mix says what the n-th workload asks for. It is safe for concurrent use.
type mix struct {
	seed    uint64
	shapes  []*auspexv1.Workload // made beforehand; none = each its own
	encoded [][]byte             // the same
}

func newMix(name string, seed uint64) (mix, error) {
	shapes, known := map[string]int{"alike": 1, "fifty": 50, "different": 0}[name]
	if !known {
		return mix{}, fmt.Errorf("mix %q is neither alike, fifty nor different", name)
	}
	m := mix{seed: seed}
	for k := range shapes {
		w := m.shape(k)
		encoded, err := proto.Marshal(w)
		if err != nil {
			return mix{}, fmt.Errorf("encode a workload: %w", err)
		}
		m.shapes, m.encoded = append(m.shapes, w), append(m.encoded, encoded)
	}
	return m, nil
}

// encode appends the request for the n-th workload, which it names id.
func (m mix) encode(b []byte, n int, id []byte, brief, dryRun bool) []byte {
	flag := func(field protowire.Number, set bool) {
		if set {
			b = protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), 1)
		}
	}
	text := func(field protowire.Number, text []byte) {
		b = protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), text)
	}
	var w []byte
	if len(m.encoded) == 0 {
		w, _ = proto.Marshal(m.shape(n)) // ASCII alone: it cannot fail
	} else {
		w = m.encoded[n%len(m.encoded)]
	}
	text(placeRequestID, id)
	b = protowire.AppendTag(b, placeWorkload, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(len(w)+protowire.SizeTag(workloadID)+protowire.SizeBytes(len(id))))
	text(workloadID, id)
	b = append(b, w...)
	flag(placeDryRun, dryRun)
	flag(placeBrief, brief)
	return b
}

// The fields that encode writes itself, by the .proto files.
const (
	placeRequestID = 1
	placeWorkload  = 2
	placeDryRun    = 4
	placeBrief     = 6
	workloadID     = 1
)

// workload returns the n-th workload under the given id.
func (m mix) workload(n int, id string) *auspexv1.Workload {
	if len(m.shapes) == 0 {
		w := m.shape(n)
		w.Id = id
		return w
	}
	w := m.shapes[n%len(m.shapes)]
	return &auspexv1.Workload{
		Id: id, App: w.App, Class: w.Class, Requests: w.Requests, Labels: w.Labels, Selector: w.Selector, Locality: w.Locality, Security: w.Security,
	}
}

// shape returns a workload without an id: half to four cores, one to eight GiB, of
// any class.
func (m mix) shape(n int) *auspexv1.Workload {
	shape := uint64(n)
	r := rand.New(rand.NewPCG(m.seed, shape))
	classes := [...]string{"service", "service", "stream", "batch", "batch", "cron", "ml-inference"}
	w := &auspexv1.Workload{
		App:   fmt.Sprintf("app-%d", shape%200),
		Class: classes[r.IntN(len(classes))],
		Requests: &auspexv1.Resources{Amounts: map[string]float64{
			"cpu":    .5 + 3.5*r.Float64(),
			"memory": (1 + 7*r.Float64()) * gib,
		}},
		Labels: map[string]string{"team": fmt.Sprintf("team-%d", shape%10)},
	}
	switch r.IntN(5) {
	case 0:
		w.Selector = map[string]string{"disk": "ssd"}
	case 1:
		w.Locality = &auspexv1.Locality{Required: &auspexv1.Places{Zones: []string{"zone-0", "zone-1"}}}
	case 2:
		w.Security = &auspexv1.Security{Level: 1}
	}
	return w
}

// node returns the n-th machine: 64 cores and 256 GiB, spread over zones and
// racks.
func node(n int) *auspexv1.Node {
	return &auspexv1.Node{
		Name:          nodeName(n),
		Capacity:      &auspexv1.Resources{Amounts: map[string]float64{"cpu": 64, "memory": 256 * gib}},
		Provider:      "bare-metal",
		Region:        "region-0",
		Zone:          fmt.Sprintf("zone-%d", n%4),
		Rack:          fmt.Sprintf("rack-%d", n/40),
		Labels:        map[string]string{"disk": [...]string{"ssd", "hdd"}[n%2]},
		SecurityLevel: uint32(n % 3),
		Power:         &auspexv1.Power{Watts: []float64{90, 350}},
		CostPerHour:   1 + float64(n%5)/10,
	}
}

func nodeName(n int) string { return fmt.Sprintf("load-%05d", n) }
