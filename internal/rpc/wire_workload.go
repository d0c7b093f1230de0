package rpc

import (
	"google.golang.org/protobuf/types/known/durationpb"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/workload"
)

// workloadFromWire shares w's strings, slices and maps: nobody may change w
// afterwards.
func workloadFromWire(w *auspexv1.Workload) *workload.Workload {
	out := &workload.Workload{
		ID:       w.GetId(),
		App:      w.GetApp(),
		Class:    workload.Class(w.GetClass()),
		Queue:    w.GetQueue(),
		Owner:    w.GetOwner(),
		Requests: resourcesFromWire(w.GetRequests()),
		Limits:   resourcesFromWire(w.GetLimits()),
		Priority: w.GetPriority(),
		Labels:   w.GetLabels(),
		Accelerator: workload.Accelerator{
			Models:      w.GetAccelerator().GetModels(),
			Devices:     int(w.GetAccelerator().GetDevices()),
			Share:       w.GetAccelerator().GetShare(),
			MemoryBytes: w.GetAccelerator().GetMemoryBytes(),
		},
		Security: workload.Security{
			Level:        int(w.GetSecurity().GetLevel()),
			Compartments: w.GetSecurity().GetCompartments(),
			Tenant:       w.GetSecurity().GetTenant(),
			Exclusive:    w.GetSecurity().GetExclusive(),
			Attested:     w.GetSecurity().GetAttested(),
			Countries:    w.GetSecurity().GetCountries(),
		},
		Locality: workload.Locality{
			Required:  placesFromWire(w.GetLocality().GetRequired()),
			Preferred: placesFromWire(w.GetLocality().GetPreferred()),
		},
		Selector:   w.GetSelector(),
		MaxPerNode: int(w.GetMaxPerNode()),
		Runtime:    w.GetExpectedRuntime().AsDuration(),
		RunsOn:     w.GetRunsOn(),
	}
	topologyFromWire(w, out)
	for _, d := range w.GetData() {
		out.Data = append(out.Data, workload.DataSet{Name: d.GetName(), Bytes: d.GetBytes(), Required: d.GetRequired(), Within: workload.Level(d.GetWithin())})
	}
	for _, t := range w.GetTolerations() {
		out.Tolerations = append(out.Tolerations, workload.Toleration{Key: t.GetKey(), Value: t.GetValue()})
	}
	return out
}

// WorkloadToWire leaves out the parts that say nothing. It shares w's slices and
// maps.
func WorkloadToWire(w *workload.Workload) *auspexv1.Workload {
	if w == nil {
		return nil
	}
	out := &auspexv1.Workload{
		Id:       w.ID,
		App:      w.App,
		Class:    string(w.Class),
		Queue:    w.Queue,
		Owner:    w.Owner,
		Requests: resourcesToWire(w.Requests),
		Limits:   resourcesToWire(w.Limits),
		Priority: w.Priority,
		Labels:   w.Labels,
		Locality: localityToWire(w.Locality),
		Selector: w.Selector,

		MaxPerNode: count(w.MaxPerNode),
		RunsOn:     w.RunsOn,
	}
	if w.Runtime > 0 {
		out.ExpectedRuntime = durationpb.New(w.Runtime)
	}
	topologyToWire(w, out)
	if a := w.Accelerator; a.Devices > 0 || a.Share > 0 || a.MemoryBytes > 0 || len(a.Models) > 0 {
		out.Accelerator = &auspexv1.Accelerator{Models: a.Models, Devices: count(a.Devices), Share: a.Share, MemoryBytes: a.MemoryBytes}
	}
	if s := w.Security; s.Level > 0 || len(s.Compartments) > 0 || s.Tenant != "" || s.Exclusive || s.Attested || len(s.Countries) > 0 {
		out.Security = &auspexv1.Security{
			Level: count(s.Level), Compartments: s.Compartments, Tenant: s.Tenant, Exclusive: s.Exclusive, Attested: s.Attested, Countries: s.Countries,
		}
	}
	for _, d := range w.Data {
		out.Data = append(out.Data, &auspexv1.DataSet{Name: d.Name, Bytes: d.Bytes, Required: d.Required, Within: string(d.Within)})
	}
	for _, t := range w.Tolerations {
		out.Tolerations = append(out.Tolerations, &auspexv1.Toleration{Key: t.Key, Value: t.Value})
	}
	return out
}

func placesFromWire(p *auspexv1.Places) workload.Places {
	return workload.Places{
		Providers: p.GetProviders(), Regions: p.GetRegions(), Zones: p.GetZones(), Racks: p.GetRacks(), Nodes: p.GetNodes(),
	}
}

func localityToWire(l workload.Locality) *auspexv1.Locality {
	required, preferred := placesToWire(l.Required), placesToWire(l.Preferred)
	if required == nil && preferred == nil {
		return nil
	}
	return &auspexv1.Locality{Required: required, Preferred: preferred}
}

func placesToWire(p workload.Places) *auspexv1.Places {
	if len(p.Providers)+len(p.Regions)+len(p.Zones)+len(p.Racks)+len(p.Nodes) == 0 {
		return nil
	}
	return &auspexv1.Places{Providers: p.Providers, Regions: p.Regions, Zones: p.Zones, Racks: p.Racks, Nodes: p.Nodes}
}
