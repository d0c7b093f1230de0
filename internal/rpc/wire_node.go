package rpc

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/placement/ledger"
)

// noSchedule spells out on the wire what an empty effect means.
const noSchedule = "no-schedule"

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
		PDU:          n.GetPdu(),
		Site:         n.GetSite(),
		Dedicated:    fleet.Dedication{Tenant: n.GetDedicated().GetTenant(), Queue: n.GetDedicated().GetQueue()},
	}
	for _, t := range n.GetTaints() {
		taint := fleet.Taint{Key: t.GetKey(), Value: t.GetValue(), Effect: fleet.Effect(t.GetEffect())}
		if t.GetEffect() == noSchedule {
			taint.Effect = fleet.NoSchedule
		}
		out.Taints = append(out.Taints, taint)
	}
	for _, m := range n.GetMaintenance() {
		out.Maintenance = append(out.Maintenance, fleet.Window{From: m.GetFrom().AsTime(), Until: m.GetUntil().AsTime()})
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
		Pdu:           n.PDU,
		Site:          n.Site,
	}
	if n.Dedicated != (fleet.Dedication{}) {
		out.Dedicated = &auspexv1.Dedication{Tenant: n.Dedicated.Tenant, Queue: n.Dedicated.Queue}
	}
	for _, w := range n.Maintenance {
		out.Maintenance = append(out.Maintenance, &auspexv1.Maintenance{From: timestamppb.New(w.From), Until: timestamppb.New(w.Until)})
	}
	if n.Power.Known() || n.CapWatts > 0 {
		out.Power = &auspexv1.Power{Watts: n.Power.Table(), CapWatts: n.CapWatts}
	}
	for _, t := range n.Taints {
		out.Taints = append(out.Taints, &auspexv1.Taint{Key: t.Key, Value: t.Value, Effect: string(t.Effect)})
	}
	for _, d := range n.Devices {
		out.Devices = append(out.Devices, &auspexv1.Device{
			Model: d.Model, MemoryBytes: d.MemoryBytes, IdleWatts: d.IdleWatts, MaxWatts: d.MaxWatts,
		})
	}
	return out
}

func nodeStatusToWire(s *ledger.NodeStatus) *auspexv1.NodeStatus {
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
