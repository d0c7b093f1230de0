package engine

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

const (
	gib     = 1 << 30
	perRack = 40
	perPDU  = 2 // racks
)

func nodeName(i int) string { return fmt.Sprintf("n%06d", i) }
func rackName(i int) string { return fmt.Sprintf("rack-%04d", i/perRack) }

// siteName is that of the provider, but every fiftieth rack is a site of its own.
func siteName(rack int) string {
	if rack%50 == 0 {
		return fmt.Sprintf("edge-%d", rack/50)
	}
	return fmt.Sprintf("site-%d", rack%5)
}

// newNode is machine i: one of four sizes at one of five providers, in racks of
// forty. Every tenth has four accelerators; some are tainted, attested, cleared
// for more, capped, dedicated, hold data, or will be down for maintenance.
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
		PDU: fmt.Sprintf("pdu-%d", rack/perPDU), Site: siteName(rack),
		Labels: map[string]string{"arch": [...]string{"amd64", "amd64", "arm64"}[i%3], "disk": [...]string{"ssd", "hdd"}[rack%2]},
		Level:  i % 4, Attested: i%2 == 0,
		Power: curve, CostPerHour: cores/20 + float64(rack%5)/10,
	}
	switch i % 50 {
	case 7:
		n.Taints = []fleet.Taint{{Key: "dedicated", Value: "db"}}
	case 9:
		n.Taints = []fleet.Taint{{Key: "old", Effect: fleet.PreferNoSchedule}}
	case 11:
		n.Dedicated.Queue = "team1"
	case 13:
		n.Dedicated.Tenant = "t2"
	case 15, 16:
		from := time.Now().Truncate(time.Hour).Add(time.Duration(i/50%48) * time.Hour)
		n.Maintenance = []fleet.Window{{From: from, Until: from.Add(2 * time.Hour)}}
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
	if i%3 == 0 {
		n.CapWatts = .9 * fullDraw(&n)
	}
	return n
}

func fullDraw(n *fleet.Node) float64 {
	watts := n.Power.Watts(1)
	for _, d := range n.Devices {
		watts += d.MaxWatts
	}
	return watts
}

// capPower sets caps on power that the machines could together pass. Most leave room as
// the fleet is filled; every twentieth rack and PDU, and the sites of one rack, are
// about as full as they may be.
func capPower(s *placement.Settings, nodes int, full float64) {
	s.RackCaps, s.PDUCaps, s.SiteCaps = make(map[string]float64), make(map[string]float64), make(map[string]float64)
	scarce := .15 + .75*full // about what is drawn, as a share of what could be
	for i := range nodes {
		n := newNode(i)
		rack, watts := i/perRack, fullDraw(&n)
		share := func(scarceIf bool, scarce float64) float64 {
			if scarceIf {
				return scarce * watts
			}
			return .95 * watts
		}
		s.RackCaps[n.Rack] += share(rack%20 == 3, scarce)
		s.PDUCaps[n.PDU] += share(rack/perPDU%20 == 4, scarce)
		s.SiteCaps[n.Site] += share(rack%50 == 0, scarce-.05)
	}
}

// geography gives regions to countries, sites energy, and data sets sizes and a
// price to move.
func geography() placement.Geography {
	g := placement.Geography{Countries: make(map[string]string), Energy: make(map[string]placement.Energy), Data: make(map[string]placement.DataSet)}
	for i := range 10 {
		g.Countries[fmt.Sprintf("r%d", i)] = [...]string{"DE", "FR", "US", "IE", "JP"}[i%5]
	}
	for i := range 5 {
		e := placement.Energy{Price: []float64{.1 + float64(i)/50}, Carbon: make([]float64, 24)}
		for hour := range e.Carbon {
			e.Carbon[hour] = float64(100 + 60*i + 10*hour)
		}
		g.Energy[fmt.Sprintf("site-%d", i)] = e
	}
	for i := range 4 {
		g.Data[fmt.Sprintf("data%d", i)] = placement.DataSet{Bytes: 50 * gib}
	}
	for i := range 5 {
		g.Egress = append(g.Egress,
			placement.Egress{From: placement.Place{Provider: fmt.Sprintf("p%d", i)}, To: placement.Place{Provider: fmt.Sprintf("p%d", i)}, PerGiB: .01},
			placement.Egress{From: placement.Place{Provider: fmt.Sprintf("p%d", i)}, PerGiB: .05 + .01*float64(i)})
	}
	return g
}

// cache labels a filler on every hundredth node.
var cache = map[string]string{"role": "cache"}

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
	switch own := (workload.Peers{App: w.App}); k % 25 { // two shapes of fifty each
	case 5:
		w.Affinity = []workload.Affinity{{Within: workload.AtNode, Peers: own, Apart: true}}
	case 6:
		w.MaxPerNode = 2
	case 8:
		w.Spread = []workload.Spread{{Over: workload.AtZone, MaxSkew: 2, Peers: own}}
	case 10:
		w.Affinity = []workload.Affinity{{Within: workload.AtNode, Peers: workload.Peers{App: fmt.Sprintf("app%d", k+10)}, Apart: true}}
	case 11:
		w.Affinity = []workload.Affinity{{Within: workload.AtZone, Peers: workload.Peers{App: "filler1"}, Preferred: true}}
	case 13:
		w.Spread = []workload.Spread{{Over: workload.AtRack, MaxSkew: 1, Peers: own, Preferred: true}}
	case 14:
		w.Affinity = []workload.Affinity{{Within: workload.AtRack, Peers: workload.Peers{Labels: cache}}}
	case 16:
		w.Runtime, w.RunsOn = 30*time.Hour, nodeName(40*k)
	case 18:
		w.Security.Countries = []string{"DE", "FR"}
	case 22:
		w.Security.Tenant, w.Security.Exclusive = "", true // fillers are of no tenant
	}
	return w
}
