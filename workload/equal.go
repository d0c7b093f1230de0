package workload

import (
	"maps"
	"slices"
)

// Equal reports whether w and o say the same. Absent and empty lists and maps
// are the same.
func (w *Workload) Equal(o *Workload) bool { return w.ID == o.ID && w.Alike(o) }

// Alike reports whether w and o say the same, their ids apart.
func (w *Workload) Alike(o *Workload) bool {
	return w.App == o.App && w.Class == o.Class && w.Queue == o.Queue && w.Owner == o.Owner &&
		w.Requests.Equal(o.Requests) && w.Limits.Equal(o.Limits) && w.Priority == o.Priority && maps.Equal(w.Labels, o.Labels) &&
		w.Accelerator.equal(o.Accelerator) && w.Security.equal(o.Security) &&
		w.Locality.Required.equal(o.Locality.Required) && w.Locality.Preferred.equal(o.Locality.Preferred) &&
		slices.Equal(w.Data, o.Data) && maps.Equal(w.Selector, o.Selector) && slices.Equal(w.Tolerations, o.Tolerations) &&
		slices.EqualFunc(w.Requirements, o.Requirements, Requirement.equal) && slices.EqualFunc(w.Spread, o.Spread, Spread.equal) &&
		slices.EqualFunc(w.Affinity, o.Affinity, Affinity.equal) && w.MaxPerNode == o.MaxPerNode && w.Runtime == o.Runtime && w.RunsOn == o.RunsOn
}

func (r Requirement) equal(o Requirement) bool {
	return r.Key == o.Key && r.Operator == o.Operator && slices.Equal(r.Values, o.Values)
}

func (s Spread) equal(o Spread) bool {
	return s.Over == o.Over && s.MaxSkew == o.MaxSkew && s.Preferred == o.Preferred && s.Peers.Equal(o.Peers)
}

func (a Affinity) equal(o Affinity) bool {
	return a.Within == o.Within && a.Apart == o.Apart && a.Preferred == o.Preferred && a.Peers.Equal(o.Peers)
}

// Equal reports whether p and o name the same.
func (p Peers) Equal(o Peers) bool { return p.App == o.App && maps.Equal(p.Labels, o.Labels) }

func (a Accelerator) equal(o Accelerator) bool {
	return slices.Equal(a.Models, o.Models) && a.Devices == o.Devices && a.Share == o.Share && a.MemoryBytes == o.MemoryBytes
}

func (s Security) equal(o Security) bool {
	return s.Level == o.Level && slices.Equal(s.Compartments, o.Compartments) && s.Tenant == o.Tenant &&
		s.Exclusive == o.Exclusive && s.Attested == o.Attested && slices.Equal(s.Countries, o.Countries)
}

func (p Places) equal(o Places) bool {
	return slices.Equal(p.Providers, o.Providers) && slices.Equal(p.Regions, o.Regions) && slices.Equal(p.Zones, o.Zones) &&
		slices.Equal(p.Racks, o.Racks) && slices.Equal(p.Nodes, o.Nodes)
}
