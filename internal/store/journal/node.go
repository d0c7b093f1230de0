package journal

import (
	"github.com/auspex-project/auspex/fleet"
)

// The fields of a node.
const (
	nodeName = iota + 1
	nodeCapacity
	nodeProvider
	nodeRegion
	nodeZone
	nodeRack
	nodeLabels
	nodeTaints
	nodeDevices
	nodeLevel
	nodeCompartments
	nodeAttested
	nodeWatts
	nodeCapWatts
	nodeCostPerHour
	nodeData
)

// The fields of a device.
const (
	deviceModel = iota + 1
	deviceMemory
	deviceIdleWatts
	deviceMaxWatts
)

func writeNode(w *writer, n *fleet.Node) {
	w.text(nodeName, n.Name)
	w.vector(nodeCapacity, &n.Capacity)
	w.text(nodeProvider, n.Provider)
	w.text(nodeRegion, n.Region)
	w.text(nodeZone, n.Zone)
	w.text(nodeRack, n.Rack)
	w.pairs(nodeLabels, n.Labels)
	for _, t := range n.Taints {
		w.pair(nodeTaints, t.Key, t.Value)
	}
	for i := range n.Devices {
		d := &n.Devices[i]
		w.message(nodeDevices, func(w *writer) {
			w.text(deviceModel, d.Model)
			w.float(deviceMemory, d.MemoryBytes)
			w.float(deviceIdleWatts, d.IdleWatts)
			w.float(deviceMaxWatts, d.MaxWatts)
		})
	}
	w.int(nodeLevel, int64(n.Level))
	w.texts(nodeCompartments, n.Compartments)
	w.flag(nodeAttested, n.Attested)
	if n.Power.Known() {
		w.floats(nodeWatts, n.Power.Table())
	}
	w.float(nodeCapWatts, n.CapWatts)
	w.float(nodeCostPerHour, n.CostPerHour)
	w.texts(nodeData, n.Data)
}

func readNode(r *reader) *fleet.Node {
	n := new(fleet.Node)
	for r.next() {
		switch r.field {
		case nodeName:
			n.Name = r.text()
		case nodeCapacity:
			n.Capacity = r.vector()
		case nodeProvider:
			n.Provider = r.text()
		case nodeRegion:
			n.Region = r.text()
		case nodeZone:
			n.Zone = r.text()
		case nodeRack:
			n.Rack = r.text()
		case nodeLabels:
			r.pairTo(&n.Labels)
		case nodeTaints:
			k, v := r.pair()
			n.Taints = append(n.Taints, fleet.Taint{Key: k, Value: v})
		case nodeDevices:
			n.Devices = append(n.Devices, readDevice(r.message()))
		case nodeLevel:
			n.Level = r.count()
		case nodeCompartments:
			n.Compartments = append(n.Compartments, r.text())
		case nodeAttested:
			n.Attested = r.flag()
		case nodeWatts:
			curve, err := fleet.NewPowerCurve(r.floats()...)
			if err != nil {
				r.fail(err)
			}
			n.Power = curve
		case nodeCapWatts:
			n.CapWatts = r.float()
		case nodeCostPerHour:
			n.CostPerHour = r.float()
		case nodeData:
			n.Data = append(n.Data, r.text())
		default:
			r.unknown()
		}
	}
	return n
}

func readDevice(r *reader) (d fleet.Device) {
	for r.next() {
		switch r.field {
		case deviceModel:
			d.Model = r.text()
		case deviceMemory:
			d.MemoryBytes = r.float()
		case deviceIdleWatts:
			d.IdleWatts = r.float()
		case deviceMaxWatts:
			d.MaxWatts = r.float()
		default:
			r.unknown()
		}
	}
	return d
}
