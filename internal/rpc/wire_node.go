package rpc

import (
	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/placement"
)

// nodeFromWire shares n's strings, slices and maps: nobody may change n
// afterwards. It fails where n cannot be a node.
func nodeFromWire(n *auspexv1.Node) (fleet.Node, error) {
	power, err := fleet.NewPowerCurve(n.GetPower().GetWatts()...)
	if err != nil {
		return fleet.Node{}, err
	}
	out := fleet.Node{
		Name:         n.GetName(),
		Capacity:     resourcesFromWire(n.GetCapacity()),
		Provider:     n.GetProvider(),
		Region:       n.GetRegion(),
		Zone:         n.GetZone(),
		Rack:         n.GetRack(),
		Labels:       n.GetLabels(),
		Level:        int(n.GetSecurityLevel()),
		Compartments: n.GetCompartments(),
		Attested:     n.GetAttested(),
		Power:        power,
		CapWatts:     n.GetPower().GetCapWatts(),
		CostPerHour:  n.GetCostPerHour(),
		Data:         n.GetData(),
	}
	for _, t := range n.GetTaints() {
		out.Taints = append(out.Taints, fleet.Taint{Key: t.GetKey(), Value: t.GetValue()})
	}
	for _, d := range n.GetDevices() {
		out.Devices = append(out.Devices, fleet.Device{
			Model: d.GetModel(), MemoryBytes: d.GetMemoryBytes(), IdleWatts: d.GetIdleWatts(), MaxWatts: d.GetMaxWatts(),
		})
	}
	return out, out.Validate()
}

// NodeToWire shares n's slices and maps.
func NodeToWire(n *fleet.Node) *auspexv1.Node {
	out := &auspexv1.Node{
		Name:          n.Name,
		Capacity:      resourcesToWire(n.Capacity),
		Provider:      n.Provider,
		Region:        n.Region,
		Zone:          n.Zone,
		Rack:          n.Rack,
		Labels:        n.Labels,
		SecurityLevel: count(n.Level),
		Compartments:  n.Compartments,
		Attested:      n.Attested,
		CostPerHour:   n.CostPerHour,
		Data:          n.Data,
	}
	if n.Power.Known() || n.CapWatts > 0 {
		out.Power = &auspexv1.Power{Watts: n.Power.Table(), CapWatts: n.CapWatts}
	}
	for _, t := range n.Taints {
		out.Taints = append(out.Taints, &auspexv1.Taint{Key: t.Key, Value: t.Value})
	}
	for _, d := range n.Devices {
		out.Devices = append(out.Devices, &auspexv1.Device{
			Model: d.Model, MemoryBytes: d.MemoryBytes, IdleWatts: d.IdleWatts, MaxWatts: d.MaxWatts,
		})
	}
	return out
}

func nodeStatusToWire(s *placement.NodeStatus) *auspexv1.NodeStatus {
	return &auspexv1.NodeStatus{
		Node:           NodeToWire(s.Node),
		State:          string(s.State),
		Requested:      resourcesToWire(s.Requested),
		PredictedPeak:  resourcesToWire(s.PredictedPeak),
		PredictedWatts: s.PredictedWatts,
		Workloads:      count(len(s.Workloads)),
		LastHeartbeat:  momentToWire(s.LastHeartbeat),
		DeviceFree:     s.DeviceFree,
	}
}
