package journal

import (
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/auspex-project/auspex/workload"
)

// The fields of a workload.
const (
	workID = iota + 1
	workApp
	workClass
	workQueue
	workOwner
	workRequests
	workLimits
	workPriority
	workLabels
	workAccelerator
	workSecurity
	workRequired
	workPreferred
	workData
	workSelector
	workTolerations
	workRequirements
	workSpread
	workAffinity
	workMaxPerNode
	workRuntime
	workRunsOn
)

// The fields of what a workload is made of.
const (
	acceleratorModels = iota + 1
	acceleratorDevices
	acceleratorShare
	acceleratorMemory
)

const (
	securityLevel = iota + 1
	securityCompartments
	securityTenant
	securityExclusive
	securityAttested
	securityCountries
)

const (
	placesProviders = iota + 1
	placesRegions
	placesZones
	placesRacks
	placesNodes
)

const (
	dataName = iota + 1
	dataBytes
	dataRequired
	dataWithin
)

func writeWorkload(w *writer, in *workload.Workload) {
	w.text(workID, in.ID)
	w.text(workApp, in.App)
	w.text(workClass, string(in.Class))
	w.text(workQueue, in.Queue)
	w.text(workOwner, in.Owner)
	w.vector(workRequests, &in.Requests)
	w.vector(workLimits, &in.Limits)
	w.int(workPriority, int64(in.Priority))
	w.pairs(workLabels, in.Labels)
	if a := &in.Accelerator; a.Devices > 0 || a.Share > 0 || a.MemoryBytes > 0 || len(a.Models) > 0 {
		w.message(workAccelerator, func(w *writer) {
			w.texts(acceleratorModels, a.Models)
			w.int(acceleratorDevices, int64(a.Devices))
			w.float(acceleratorShare, a.Share)
			w.float(acceleratorMemory, a.MemoryBytes)
		})
	}
	if s := &in.Security; s.Level > 0 || len(s.Compartments) > 0 || s.Tenant != "" || s.Exclusive || s.Attested || len(s.Countries) > 0 {
		w.message(workSecurity, func(w *writer) {
			w.int(securityLevel, int64(s.Level))
			w.texts(securityCompartments, s.Compartments)
			w.text(securityTenant, s.Tenant)
			w.flag(securityExclusive, s.Exclusive)
			w.flag(securityAttested, s.Attested)
			w.texts(securityCountries, s.Countries)
		})
	}
	writePlaces(w, workRequired, &in.Locality.Required)
	writePlaces(w, workPreferred, &in.Locality.Preferred)
	for i := range in.Data {
		d := &in.Data[i]
		w.message(workData, func(w *writer) {
			w.text(dataName, d.Name)
			w.float(dataBytes, d.Bytes)
			w.flag(dataRequired, d.Required)
			w.text(dataWithin, string(d.Within))
		})
	}
	w.pairs(workSelector, in.Selector)
	for _, t := range in.Tolerations {
		w.pair(workTolerations, t.Key, t.Value)
	}
	writeTopology(w, in)
	w.int(workRuntime, int64(in.Runtime))
	w.text(workRunsOn, in.RunsOn)
}

func writePlaces(w *writer, field protowire.Number, p *workload.Places) {
	if len(p.Providers)+len(p.Regions)+len(p.Zones)+len(p.Racks)+len(p.Nodes) == 0 {
		return
	}
	w.message(field, func(w *writer) {
		w.texts(placesProviders, p.Providers)
		w.texts(placesRegions, p.Regions)
		w.texts(placesZones, p.Zones)
		w.texts(placesRacks, p.Racks)
		w.texts(placesNodes, p.Nodes)
	})
}

func readWorkload(r *reader) *workload.Workload {
	out := new(workload.Workload)
	for r.next() {
		switch r.field {
		case workID:
			out.ID = r.text()
		case workApp:
			out.App = r.text()
		case workClass:
			out.Class = workload.Class(r.text())
		case workQueue:
			out.Queue = r.text()
		case workOwner:
			out.Owner = r.text()
		case workRequests:
			out.Requests = r.vector()
		case workLimits:
			out.Limits = r.vector()
		case workPriority:
			out.Priority = int32(r.count())
		case workLabels:
			r.pairTo(&out.Labels)
		case workAccelerator:
			out.Accelerator = readAccelerator(r.message())
		case workSecurity:
			out.Security = readSecurity(r.message())
		case workRequired:
			out.Locality.Required = readPlaces(r.message())
		case workPreferred:
			out.Locality.Preferred = readPlaces(r.message())
		case workData:
			out.Data = append(out.Data, readDataSet(r.message()))
		case workSelector:
			r.pairTo(&out.Selector)
		case workTolerations:
			k, v := r.pair()
			out.Tolerations = append(out.Tolerations, workload.Toleration{Key: k, Value: v})
		case workRequirements:
			out.Requirements = append(out.Requirements, readRequirement(r.message()))
		case workSpread:
			out.Spread = append(out.Spread, readSpread(r.message()))
		case workAffinity:
			out.Affinity = append(out.Affinity, readAffinity(r.message()))
		case workMaxPerNode:
			out.MaxPerNode = r.count()
		case workRuntime:
			out.Runtime = time.Duration(r.int())
		case workRunsOn:
			out.RunsOn = r.text()
		default:
			r.unknown()
		}
	}
	return out
}

func readAccelerator(r *reader) (a workload.Accelerator) {
	for r.next() {
		switch r.field {
		case acceleratorModels:
			a.Models = append(a.Models, r.text())
		case acceleratorDevices:
			a.Devices = r.count()
		case acceleratorShare:
			a.Share = r.float()
		case acceleratorMemory:
			a.MemoryBytes = r.float()
		default:
			r.unknown()
		}
	}
	return a
}

func readSecurity(r *reader) (s workload.Security) {
	for r.next() {
		switch r.field {
		case securityLevel:
			s.Level = r.count()
		case securityCompartments:
			s.Compartments = append(s.Compartments, r.text())
		case securityTenant:
			s.Tenant = r.text()
		case securityExclusive:
			s.Exclusive = r.flag()
		case securityAttested:
			s.Attested = r.flag()
		case securityCountries:
			s.Countries = append(s.Countries, r.text())
		default:
			r.unknown()
		}
	}
	return s
}

func readPlaces(r *reader) (p workload.Places) {
	lists := map[protowire.Number]*[]string{
		placesProviders: &p.Providers, placesRegions: &p.Regions, placesZones: &p.Zones, placesRacks: &p.Racks, placesNodes: &p.Nodes,
	}
	for r.next() {
		if list := lists[r.field]; list != nil {
			*list = append(*list, r.text())
			continue
		}
		r.unknown()
	}
	return p
}

func readDataSet(r *reader) (d workload.DataSet) {
	for r.next() {
		switch r.field {
		case dataName:
			d.Name = r.text()
		case dataBytes:
			d.Bytes = r.float()
		case dataRequired:
			d.Required = r.flag()
		case dataWithin:
			d.Within = workload.Level(r.text())
		default:
			r.unknown()
		}
	}
	return d
}
