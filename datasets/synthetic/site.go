package synthetic

import (
	"fmt"
	"slices"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/resource"
)

// site is a group of machines of one owner in one place.
type site struct {
	name, provider, region string
	zones                  []string
	racks                  int     // 0: the provider does not tell
	rackCap                float64 // watts; 0 = none
	level                  int
	compartments           []string
	attested               bool
	machines               []machine
}

// machine is a kind of machine and how many of it a site has per 200 workloads.
type machine struct {
	kind     string
	count    int
	cores    float64
	gib      float64
	device   string
	devices  int
	watts    [11]float64 // at 0, 10, ... 100 % CPU, devices apart
	perHour  float64
	capWatts float64 // 0 = none
	data     []string
}

// The five sites. Names, prices and watts are invented, of the size that such
// machines have.
func sitesFor(workloads int) []site {
	scale := max((workloads+defaultWorkloads/2)/defaultWorkloads, 1)
	sites := []site{
		{
			name: "aws", provider: "aws", region: "eu-central-1", zones: []string{"eu-central-1a", "eu-central-1b"},
			level: 0,
			machines: []machine{
				{kind: "general", count: 8, cores: 16, gib: 64, watts: wattsSmall, perHour: .77, data: []string{"clicks"}},
				{kind: "a10", count: 2, cores: 16, gib: 64, device: "A10", devices: 1, watts: wattsSmall, perHour: 1.62},
				{kind: "a100", count: 2, cores: 64, gib: 512, device: "A100", devices: 8, watts: wattsLarge, perHour: 21.4, data: []string{"images"}},
			},
		},
		{
			name: "google", provider: "google", region: "europe-west4", zones: []string{"europe-west4-a", "europe-west4-b"},
			level: 0,
			machines: []machine{
				{kind: "general", count: 8, cores: 16, gib: 64, watts: wattsSmall, perHour: .78, data: []string{"clicks"}},
				{kind: "l4", count: 2, cores: 24, gib: 96, device: "L4", devices: 2, watts: wattsSmall, perHour: 2.0},
			},
		},
		{
			name: "vmware", provider: "vmware", region: "frankfurt", zones: []string{"frankfurt-dc1"}, racks: 2, rackCap: 2600,
			level: 2, compartments: []string{"finance", "health"}, attested: true,
			machines: []machine{
				{kind: "esx", count: 8, cores: 32, gib: 256, watts: wattsMedium, perHour: 1.1, data: []string{"ledger"}},
			},
		},
		{
			name: "openstack", provider: "openstack", region: "geneva", zones: []string{"geneva-a", "geneva-b"}, racks: 2, rackCap: 2400,
			level: 1, compartments: []string{"health"},
			machines: []machine{
				{kind: "kvm", count: 8, cores: 24, gib: 192, watts: wattsMedium, perHour: .6, data: []string{"logs"}},
				{kind: "t4", count: 2, cores: 32, gib: 192, device: "T4", devices: 2, watts: wattsMedium, perHour: .9, capWatts: 420},
			},
		},
		{
			name: "metal", provider: "bare-metal", region: "hamburg", zones: []string{"hamburg-hall1"}, racks: 3, rackCap: 6500,
			level: 3, compartments: []string{"finance", "health"}, attested: true,
			machines: []machine{
				{kind: "dense", count: 6, cores: 48, gib: 384, watts: wattsLarge, perHour: .9, data: []string{"genomes", "logs"}},
				{kind: "v100", count: 2, cores: 40, gib: 384, device: "V100", devices: 4, watts: wattsMedium, perHour: 3.1, data: []string{"images"}},
				{kind: "h100", count: 1, cores: 112, gib: 2048, device: "H100", devices: 8, watts: wattsLarge, perHour: 24, data: []string{"genomes", "images"}},
			},
		},
	}
	for s := range sites {
		for m := range sites[s].machines {
			sites[s].machines[m].count *= scale
		}
		sites[s].racks *= scale
	}
	return sites
}

// Watts at 0, 10, ... 100 % CPU: steep at first, as idle savings are lost, then
// flatter, then steeper again near full load. Invented, not measured.
var (
	wattsSmall  = [...]float64{38, 54, 65, 75, 84, 93, 103, 114, 126, 139, 152}
	wattsMedium = [...]float64{62, 98, 118, 136, 153, 171, 192, 216, 244, 275, 304}
	wattsLarge  = [...]float64{94, 160, 199, 232, 263, 295, 330, 371, 420, 473, 528}
)

// devices describes each model of accelerator.
var devices = map[string]fleet.Device{
	"T4":   {Model: "T4", MemoryBytes: 16 * gib, IdleWatts: 10, MaxWatts: 70},
	"L4":   {Model: "L4", MemoryBytes: 24 * gib, IdleWatts: 13, MaxWatts: 72},
	"A10":  {Model: "A10", MemoryBytes: 24 * gib, IdleWatts: 16, MaxWatts: 150},
	"V100": {Model: "V100", MemoryBytes: 32 * gib, IdleWatts: 28, MaxWatts: 300},
	"A100": {Model: "A100", MemoryBytes: 40 * gib, IdleWatts: 46, MaxWatts: 400},
	"H100": {Model: "H100", MemoryBytes: 80 * gib, IdleWatts: 62, MaxWatts: 700},
}

// dataSets are what batch and training read; sites say where the replicas are.
var dataSets = []struct {
	name  string
	bytes float64
}{
	{"clicks", 4e11}, {"genomes", 2.5e12}, {"images", 1.2e12}, {"ledger", 9e10}, {"logs", 6e11},
}

// Nodes returns the machines of the five sites.
func (t *Trace) Nodes() []fleet.Node {
	var nodes []fleet.Node
	for _, s := range t.sites {
		nodes = append(nodes, s.nodes()...)
	}
	return nodes
}

// RackCaps returns the power caps of the racks that have one, in watts.
func (t *Trace) RackCaps() map[string]float64 {
	caps := map[string]float64{}
	for _, s := range t.sites {
		if s.rackCap == 0 {
			continue
		}
		for i := range s.racks {
			caps[s.rack(i)] = s.rackCap
		}
	}
	return caps
}

func (s site) rack(i int) string {
	if s.racks == 0 {
		return ""
	}
	return fmt.Sprintf("%s-r%d", s.name, i%s.racks+1)
}

func (s site) nodes() []fleet.Node {
	var nodes []fleet.Node
	for _, m := range s.machines {
		for i := range m.count {
			n := fleet.Node{
				Name:         fmt.Sprintf("%s-%s-%02d", s.name, m.kind, i+1),
				Capacity:     resource.Of(m.cores, m.gib*gib),
				Provider:     s.provider,
				Region:       s.region,
				Zone:         s.zones[i%len(s.zones)],
				Rack:         s.rack(len(nodes)),
				Labels:       map[string]string{"site": s.name, "machine": m.kind, "origin": "synthetic"},
				Level:        s.level,
				Compartments: slices.Clone(s.compartments),
				Attested:     s.attested,
				CapWatts:     m.capWatts,
				CostPerHour:  m.perHour,
				Data:         slices.Clone(m.data),
			}
			n.Power, _ = fleet.NewPowerCurve(m.watts[:]...) // the tables above are valid; a test holds it
			if m.devices > 0 {
				n.Capacity = n.Capacity.With(resource.GPU, float64(m.devices))
				n.Capacity = n.Capacity.With(resource.GPUMemory, float64(m.devices)*devices[m.device].MemoryBytes)
				n.Devices = slices.Repeat([]fleet.Device{devices[m.device]}, m.devices)
			}
			nodes = append(nodes, n)
		}
	}
	return nodes
}
