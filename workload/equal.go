package workload

import (
	"maps"
	"slices"
)

// Equal reports whether w and o say the same. Absent and empty lists and maps
// are the same.
func (w *Workload) Equal(o *Workload) bool {
	return w.ID == o.ID && w.App == o.App && w.Class == o.Class && w.Queue == o.Queue && w.Owner == o.Owner &&
		w.Requests.Equal(o.Requests) && w.Limits.Equal(o.Limits) && w.Priority == o.Priority && maps.Equal(w.Labels, o.Labels) &&
		w.Accelerator.equal(o.Accelerator) && w.Security.equal(o.Security) &&
		w.Locality.Required.equal(o.Locality.Required) && w.Locality.Preferred.equal(o.Locality.Preferred) &&
		slices.Equal(w.Data, o.Data) && maps.Equal(w.Selector, o.Selector) && slices.Equal(w.Tolerations, o.Tolerations)
}

func (a Accelerator) equal(o Accelerator) bool {
	return slices.Equal(a.Models, o.Models) && a.Devices == o.Devices && a.Share == o.Share && a.MemoryBytes == o.MemoryBytes
}

func (s Security) equal(o Security) bool {
	return s.Level == o.Level && slices.Equal(s.Compartments, o.Compartments) && s.Tenant == o.Tenant &&
		s.Exclusive == o.Exclusive && s.Attested == o.Attested
}

func (p Places) equal(o Places) bool {
	return slices.Equal(p.Providers, o.Providers) && slices.Equal(p.Regions, o.Regions) && slices.Equal(p.Zones, o.Zones) &&
		slices.Equal(p.Racks, o.Racks) && slices.Equal(p.Nodes, o.Nodes)
}
