package placement_test

import (
	"strings"
	"time"

	"github.com/auspex-project/auspex/allocator"
	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// set changes settings: rack:NAME=WATTS, ttl=DURATION, heartbeat=DURATION,
// weight:SCORER=X, overcommit:CLASS, coldstart=request.
func (s *scenario) set(words []string) (string, error) {
	next := s.settings
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		kind, name, _ := strings.Cut(key, ":")
		switch kind {
		case "rack":
			if next.RackCaps == nil {
				next.RackCaps = map[string]float64{}
			}
			next.RackCaps[name] = s.number(value)
		case "pdu":
			next.PDUCaps = map[string]float64{name: s.number(value)}
		case "site":
			next.SiteCaps = map[string]float64{name: s.number(value)}
		case "country":
			if next.Countries == nil {
				next.Countries = map[string]string{}
			}
			next.Countries[name] = value
		case "carbon", "electricity":
			if next.Energy == nil {
				next.Energy = map[string]placement.Energy{}
			}
			e := next.Energy[name]
			if kind == "carbon" {
				e.Carbon = []float64{s.number(value)}
			} else {
				e.Price = []float64{s.number(value)}
			}
			next.Energy[name] = e
		case "egress":
			from, to, _ := strings.Cut(name, ">")
			next.Egress = append(next.Egress, placement.Egress{From: s.at(from), To: s.at(to), PerGiB: s.number(value)})
		case "replica":
			if next.Data == nil {
				next.Data = map[string]placement.DataSet{}
			}
			size, where, _ := strings.Cut(value, "@")
			bytes, err := resource.ParseAmount(resource.Disk, size)
			if err != nil {
				return "", err
			}
			next.Data[name] = placement.DataSet{Bytes: bytes, Replicas: []placement.Place{s.at(where)}}
		case "vouch":
			if next.Registry == nil {
				next.Registry = fleet.Registry{}
			}
			e, words := fleet.Entry{}, strings.Split(value, ",")
			e.Level = int(s.number(words[0]))
			for _, word := range words[1:] {
				if kind, of, _ := strings.Cut(word, ":"); kind == "tenant" {
					e.Dedicated.Tenant = of
				} else {
					e.Compartments = append(e.Compartments, word)
				}
			}
			next.Registry[name] = e
		case "ttl":
			next.ReservationTTL = s.duration(value)
		case "heartbeat":
			next.HeartbeatTimeout = s.duration(value)
		case "weight":
			if next.Weights.Default == nil {
				next.Weights.Default = map[string]float64{}
			}
			next.Weights.Default[name] = s.number(value)
		case "overcommit":
			next.Classes = workload.DefaultClasses()
			for i := range next.Classes {
				next.Classes[i].OvercommitMemory = next.Classes[i].Class == workload.Class(name)
			}
		case "coldstart":
			next.ColdStart = placement.ColdStart(value)
		default:
			s.t.Fatalf("unknown setting %q", word)
		}
	}
	if err := s.service.Reload(next); err != nil {
		return "", err
	}
	s.settings = next
	return "", nil
}

func (s *scenario) at(text string) placement.Place {
	p, err := placement.ParsePlace(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

func (s *scenario) queue(words []string) (string, error) {
	q := allocator.Queue{Name: words[0]}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		amounts, err := resource.Parse(strings.ReplaceAll(value, ":", "="))
		if err != nil {
			return "", err
		}
		switch key {
		case "limit":
			q.Limit = amounts
		case "guarantee":
			q.Guarantee = amounts
		default:
			s.t.Fatalf("unknown word %q", word)
		}
	}
	s.queues = append(s.queues, q)
	tree, err := allocator.NewTree(s.queues)
	if err != nil {
		return "", err
	}
	s.settings.Queues = tree
	return "", s.service.Reload(s.settings)
}

// margin calibrates a resource: NAME Q, for every risk and size.
func (s *scenario) margin(words []string) (string, error) {
	s.told.margins.Bands = append(s.told.margins.Bands[:len(s.told.margins.Bands):len(s.told.margins.Bands)], forecast.Band{
		Resource: resource.Name(words[0]), MaxMembers: 100, Points: []forecast.Point{{Risk: 1e-6, Q: float32(s.number(words[1]))}},
	})
	return "", s.service.Reload(s.settings)
}

// foresee makes a forecast: WORKLOAD RESOURCE=AMOUNTxSLOTS,AMOUNTxSLOTS,... from
// 00:00 on; its peak is the highest.
func (s *scenario) foresee(words []string) (string, error) {
	f := &forecast.Forecast{Workload: words[0], Issued: time.Now(), Grid: forecast.DefaultGrid(), Basis: forecast.Learned, Model: "m1"}
	for _, word := range words[1:] {
		name, parts, _ := strings.Cut(word, "=")
		d := forecast.Demand{Resource: resource.Name(name)}
		for _, part := range strings.Split(parts, ",") {
			amount, slots, _ := strings.Cut(part, "x")
			x, err := resource.ParseAmount(d.Resource, amount)
			if err != nil {
				return "", err
			}
			for range int(s.number(slots)) {
				d.Profile = append(d.Profile, float32(x))
				d.Peak = max(d.Peak, float32(x))
				d.Mean += float32(x) / 24
			}
		}
		f.Demands = append(f.Demands, d)
	}
	s.told.forecasts[words[0]] = f
	return "", nil
}

func (s *scenario) node(words []string) (string, error) {
	n := fleet.Node{Name: words[0]}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "provider":
			n.Provider = value
		case "region":
			n.Region = value
		case "zone":
			n.Zone = value
		case "rack":
			n.Rack = value
		case "level":
			n.Level = int(s.number(value))
		case "compartments":
			n.Compartments = strings.Split(value, ",")
		case "attested":
			n.Attested = true
		case "label":
			k, v, _ := strings.Cut(value, ":")
			n.Labels = map[string]string{k: v}
		case "taint":
			k, v, _ := strings.Cut(value, ":")
			n.Taints = append(n.Taints, fleet.Taint{Key: k, Value: v})
		case "rather-not":
			n.Taints = append(n.Taints, fleet.Taint{Key: value, Effect: fleet.PreferNoSchedule})
		case "pdu":
			n.PDU = value
		case "site":
			n.Site = value
		case "down":
			from, until, _ := strings.Cut(value, "-")
			n.Maintenance = append(n.Maintenance, fleet.Window{From: time.Now().Add(s.duration(from)), Until: time.Now().Add(s.duration(until))})
		case "data":
			n.Data = strings.Split(value, ",")
		case "watts":
			idle, full, _ := strings.Cut(value, "-")
			curve, err := fleet.NewPowerCurve(s.number(idle), s.number(full))
			if err != nil {
				return "", err
			}
			n.Power = curve
		case "cap":
			n.CapWatts = s.number(value)
		case "price":
			n.CostPerHour = s.number(value)
		case "devices":
			count, model, _ := strings.Cut(value, "x")
			for range int(s.number(count)) {
				n.Devices = append(n.Devices, fleet.Device{Model: model, MemoryBytes: 16 * gib, IdleWatts: 30, MaxWatts: 230})
			}
			n.Capacity = n.Capacity.With(resource.GPU, s.number(count))
		default:
			n.Capacity = s.amount(n.Capacity, word)
		}
	}
	return "", s.service.RegisterNode(s.t.Context(), n)
}

func (s *scenario) workload(words []string) *workload.Workload {
	w := &workload.Workload{ID: words[0], Class: workload.Service}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		list := strings.Split(value, ",")
		switch key {
		case "class":
			w.Class = workload.Class(value)
		case "queue":
			w.Queue = value
		case "tenant":
			w.Security.Tenant = value
		case "exclusive":
			w.Security.Exclusive = true
		case "level":
			w.Security.Level = int(s.number(value))
		case "compartments":
			w.Security.Compartments = list
		case "attested":
			w.Security.Attested = true
		case "devices":
			w.Accelerator.Devices = int(s.number(value))
		case "share":
			w.Accelerator.Share = s.number(value)
		case "models":
			w.Accelerator.Models = list
		case "devicememory":
			w.Accelerator.MemoryBytes, _ = resource.ParseAmount(resource.Memory, value)
		case "limit":
			w.Limits = s.amount(w.Limits, value)
		case "in":
			kind, names, _ := strings.Cut(value, ":")
			setPlaces(&w.Locality.Required, kind, strings.Split(names, ","))
		case "prefer":
			kind, names, _ := strings.Cut(value, ":")
			setPlaces(&w.Locality.Preferred, kind, strings.Split(names, ","))
		case "select":
			k, v, _ := strings.Cut(value, ":")
			w.Selector = map[string]string{k: v}
		case "app":
			w.App = value
		case "most":
			w.MaxPerNode = int(s.number(value))
		case "spread", "rather-spread":
			over, skew, _ := strings.Cut(value, ":")
			w.Spread = append(w.Spread, workload.Spread{Over: workload.Level(over), MaxSkew: int(s.number(skew)), Preferred: key == "rather-spread"})
		case "near", "apart", "rather-near", "rather-apart":
			within, app, _ := strings.Cut(value, ":")
			w.Affinity = append(w.Affinity, workload.Affinity{
				Within: workload.Level(within), Peers: workload.Peers{App: app}, Apart: strings.HasSuffix(key, "apart"), Preferred: strings.HasPrefix(key, "rather"),
			})
		case "countries":
			w.Security.Countries = list
		case "runs":
			w.Runtime = s.duration(value)
		case "on":
			w.RunsOn = value
		case "require":
			words := strings.Split(value, ":")
			w.Requirements = append(w.Requirements, workload.Requirement{Key: words[0], Operator: workload.Operator(words[1]), Values: words[2:]})
		case "tolerate":
			k, v, _ := strings.Cut(value, ":")
			w.Tolerations = append(w.Tolerations, workload.Toleration{Key: k, Value: v})
		case "reads", "needs":
			name, size, _ := strings.Cut(value, ":")
			bytes, err := resource.ParseAmount(resource.Disk, size)
			if err != nil {
				s.t.Fatal(err)
			}
			w.Data = append(w.Data, workload.DataSet{Name: name, Bytes: bytes, Required: key == "needs"})
		default:
			w.Requests = s.amount(w.Requests, word)
		}
	}
	return w
}

func setPlaces(p *workload.Places, kind string, names []string) {
	switch kind {
	case "provider":
		p.Providers = names
	case "region":
		p.Regions = names
	case "zone":
		p.Zones = names
	case "rack":
		p.Racks = names
	case "node":
		p.Nodes = names
	}
}
