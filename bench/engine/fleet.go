package engine

import (
	"fmt"
	"math/rand/v2"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

const (
	gib     = 1 << 30
	perRack = 40
)

func nodeName(i int) string { return fmt.Sprintf("n%06d", i) }
func rackName(i int) string { return fmt.Sprintf("rack-%04d", i/perRack) }

// newNode is machine i: one of four sizes at one of five providers, in racks of
// forty. Every tenth has four accelerators; some are tainted, attested, cleared
// for more, capped, or hold data.
func newNode(i int) fleet.Node {
	cores := [...]float64{32, 48, 64, 96}[i%4]
	curve, err := fleet.NewPowerCurve(60+cores, 60+5*cores)
	if err != nil {
		panic(err)
	}
	rack := i / perRack
	n := fleet.Node{
		Name: nodeName(i), Capacity: resource.Of(cores, 4*cores*gib),
		Provider: fmt.Sprintf("p%d", rack%5), Region: fmt.Sprintf("r%d", rack%10), Zone: fmt.Sprintf("z%d", rack%30), Rack: rackName(i),
		Labels: map[string]string{"arch": [...]string{"amd64", "amd64", "arm64"}[i%3], "disk": [...]string{"ssd", "hdd"}[rack%2]},
		Level:  i % 4, Attested: i%2 == 0,
		Power: curve, CostPerHour: cores/20 + float64(rack%5)/10,
	}
	if i%3 == 0 {
		n.CapWatts = 60 + 4.5*cores + 1000
	}
	if i%50 == 7 {
		n.Taints = []fleet.Taint{{Key: "dedicated", Value: "db"}}
	}
	if i%5 == 1 {
		n.Compartments = []string{"medical"}
	}
	if i%100 < 3 {
		n.Data = []string{fmt.Sprintf("data%d", i/100%4)}
	}
	if i%10 == 0 {
		n.Capacity = n.Capacity.With(resource.GPU, 4)
		for range 4 {
			n.Devices = append(n.Devices, fleet.Device{Model: [...]string{"a100", "t4"}[rack%2], MemoryBytes: 40 * gib, IdleWatts: 50, MaxWatts: 300})
		}
	}
	return n
}

// rackCaps gives every rack a cap that its machines could together pass.
func rackCaps(nodes int) map[string]float64 {
	caps := make(map[string]float64)
	for i := 0; i < nodes; i += perRack {
		most := 0.0
		for k := i; k < min(i+perRack, nodes); k++ {
			n := newNode(k)
			most += n.Power.Watts(1)
			for _, d := range n.Devices {
				most += d.MaxWatts
			}
		}
		caps[rackName(i)] = .9 * most
	}
	return caps
}

var classes = [...]workload.Class{workload.Service, workload.Batch, workload.Stream, workload.Cron, workload.MLInference}

// newWorkload is what shape k asks for: the constraints take turns, so that fifty
// shapes use all of them. vary makes shapes of one kind differ in size.
func newWorkload(k int, vary bool) *workload.Workload {
	r := rand.New(rand.NewPCG(7, uint64(k)))
	cores := [...]float64{.5, 1, 2, 4, 8}[k%5]
	if vary {
		cores *= .75 + r.Float64()/2
	}
	w := &workload.Workload{
		App: fmt.Sprintf("app%d", k), Class: classes[k/5%5], Queue: fmt.Sprintf("team%d", k%4),
		Requests: resource.Of(cores, cores*4*gib),
		Labels:   map[string]string{"app": fmt.Sprintf("app%d", k)},
		Security: workload.Security{Level: k % 3, Tenant: fmt.Sprintf("t%d", k%7)},
	}
	w.Limits = w.Requests.Scale(1.5)
	switch k % 10 {
	case 0:
		w.Locality.Preferred = workload.Places{Regions: []string{"r1", "r2"}}
	case 1:
		w.Selector = map[string]string{"arch": "amd64"}
	case 2:
		w.Tolerations = []workload.Toleration{{Key: "dedicated"}}
	case 3:
		w.Data = []workload.DataSet{{Name: fmt.Sprintf("data%d", k%4), Bytes: 20 * gib}}
	case 4:
		w.Security.Attested = true
	case 5:
		w.Locality.Required = workload.Places{Providers: []string{"p0", "p1", "p2"}}
	case 6:
		w.Security.Compartments = []string{"medical"}
	case 7:
		w.Data = []workload.DataSet{{Name: fmt.Sprintf("data%d", k%4), Bytes: 5 * gib, Required: true}}
	case 9:
		w.Class = workload.MLInference
		w.Accelerator = workload.Accelerator{Devices: 1, Share: .25, MemoryBytes: 8 * gib}
	}
	return w
}
