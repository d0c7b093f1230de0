package fleet

import (
	"math"
	"strings"
	"testing"

	"github.com/auspex-project/auspex/resource"
)

func valid() Node {
	return Node{
		Name: "n", Capacity: resource.Of(4, 16<<30).With(resource.GPU, 1),
		Devices: []Device{{Model: "t4", MemoryBytes: 16 << 30, IdleWatts: 10, MaxWatts: 70}},
	}
}

func TestNodeValidate(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Node)
		want   string // "" = valid
	}{
		{"as it is", func(*Node) {}, ""},
		{"no devices", func(n *Node) { n.Devices, n.Capacity = nil, n.Capacity.Without(resource.GPU) }, ""},
		{"zero caps", func(n *Node) { n.CapWatts, n.CostPerHour, n.Level = 0, 0, 0 }, ""},
		{"no name", func(n *Node) { n.Name = "" }, "name is empty"},
		{"no capacity", func(n *Node) { n.Capacity, n.Devices = resource.Vector{}, nil }, "capacity is empty"},
		{"only zeros", func(n *Node) { n.Capacity, n.Devices = resource.Of(0, 0), nil }, "capacity is empty"},
		{"NaN capacity", func(n *Node) { n.Capacity = n.Capacity.With(resource.CPU, math.NaN()) }, "cpu is NaN"},
		{"negative capacity", func(n *Node) { n.Capacity = n.Capacity.With(resource.Disk, -1) }, "disk is negative"},
		{"bad name of a resource", func(n *Node) { n.Capacity = n.Capacity.With("Licence", 1) }, `"Licence"`},
		{"devices undescribed", func(n *Node) { n.Devices = nil }, "capacity has 1 gpu but 0 devices"},
		{"devices uncounted", func(n *Node) { n.Capacity = n.Capacity.Without(resource.GPU) }, "capacity has 0 gpu but 1 devices"},
		{"half a device", func(n *Node) { n.Capacity = n.Capacity.With(resource.GPU, .5) }, "capacity has 0.5 gpu"},
		{"nameless device", func(n *Node) { n.Devices[0].Model = "" }, "device 0 has no model"},
		{"device memory", func(n *Node) { n.Devices[0].MemoryBytes = math.Inf(1) }, "device 0: memory"},
		{"device idles hot", func(n *Node) { n.Devices[0].IdleWatts = 71 }, "idle 71 W, max 70 W"},
		{"device watts NaN", func(n *Node) { n.Devices[0].MaxWatts = math.NaN() }, "max NaN W"},
		{"negative level", func(n *Node) { n.Level = -1 }, "level -1"},
		{"negative cap", func(n *Node) { n.CapWatts = -1 }, "power cap -1 W"},
		{"NaN cap", func(n *Node) { n.CapWatts = math.NaN() }, "power cap NaN W"},
		{"infinite cap", func(n *Node) { n.CapWatts = math.Inf(1) }, "power cap +Inf W"},
		{"negative price", func(n *Node) { n.CostPerHour = -1 }, "cost -1"},
		{"infinite price", func(n *Node) { n.CostPerHour = math.Inf(1) }, "cost +Inf"},
		{"infinite device watts", func(n *Node) { n.Devices[0].MaxWatts = math.Inf(1) }, "max +Inf W"},
		{"curve", func(n *Node) { n.Power.watts[3] = -5 }, "-5 W at 30 %"},
	}
	for _, test := range tests {
		n := valid()
		test.change(&n)
		err := n.Validate()
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}
