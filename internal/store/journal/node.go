package journal

import (
	"google.golang.org/protobuf/encoding/protowire"

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
	nodePDU
	nodeSite
	nodeDedicated
	nodeMaintenance
	nodeSoftTaints
)

// The fields of a dedication.
const (
	dedicationTenant = iota + 1
	dedicationQueue
)

// The fields of a window.
const (
	windowFrom = iota + 1
	windowUntil
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
		field := protowire.Number(nodeTaints)
		if t.Effect == fleet.PreferNoSchedule {
			field = nodeSoftTaints
		}
		w.pair(field, t.Key, t.Value)
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
	w.text(nodePDU, n.PDU)
	w.text(nodeSite, n.Site)
	if d := n.Dedicated; d != (fleet.Dedication{}) {
		w.message(nodeDedicated, func(w *writer) {
			w.text(dedicationTenant, d.Tenant)
			w.text(dedicationQueue, d.Queue)
		})
	}
	for _, m := range n.Maintenance {
		w.message(nodeMaintenance, func(w *writer) {
			w.time(windowFrom, m.From)
			w.time(windowUntil, m.Until)
		})
	}
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
		case nodePDU:
			n.PDU = r.text()
		case nodeSite:
			n.Site = r.text()
		case nodeDedicated:
			n.Dedicated = readDedication(r.message())
		case nodeMaintenance:
			n.Maintenance = append(n.Maintenance, readWindow(r.message()))
		case nodeSoftTaints:
			k, v := r.pair()
			n.Taints = append(n.Taints, fleet.Taint{Key: k, Value: v, Effect: fleet.PreferNoSchedule})
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

func readDedication(r *reader) (d fleet.Dedication) {
	for r.next() {
		switch r.field {
		case dedicationTenant:
			d.Tenant = r.text()
		case dedicationQueue:
			d.Queue = r.text()
		default:
			r.unknown()
		}
	}
	return d
}

func readWindow(r *reader) (w fleet.Window) {
	for r.next() {
		switch r.field {
		case windowFrom:
			w.From = r.time()
		case windowUntil:
			w.Until = r.time()
		default:
			r.unknown()
		}
	}
	return w
}
