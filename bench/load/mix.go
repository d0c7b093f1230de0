package main

import (
	"fmt"
	"math/rand/v2"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
)

const gib = 1 << 30

// mix says what the n-th workload asks for. It is safe for concurrent use.
type mix struct {
	seed   uint64
	shapes int // how many there are; 0 = each its own
}

func newMix(name string, seed uint64) (mix, error) {
	switch name {
	case "alike":
		return mix{seed, 1}, nil
	case "fifty":
		return mix{seed, 50}, nil
	case "different":
		return mix{seed, 0}, nil
	}
	return mix{}, fmt.Errorf("mix %q is neither alike, fifty nor different", name)
}

// workload returns the n-th workload under the given id: half to four cores, one
// to eight GiB, of any class.
func (m mix) workload(n int, id string) *auspexv1.Workload {
	shape := uint64(n)
	if m.shapes > 0 {
		shape %= uint64(m.shapes)
	}
	r := rand.New(rand.NewPCG(m.seed, shape))
	classes := [...]string{"service", "service", "stream", "batch", "batch", "cron", "ml-inference"}
	w := &auspexv1.Workload{
		Id:    id,
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
