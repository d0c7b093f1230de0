package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// version of the form below. A form that older programs would misread gets the
// next number; forms once written stay readable.
const version = 1

// record is a placement.Record on disk: one line of JSON. The names are the
// format; those of the program may change beside them.
type record struct {
	Version  int          `json:"v"`
	Seq      uint64       `json:"seq"`
	Kind     string       `json:"kind"`
	Time     time.Time    `json:"time"`
	Node     *node        `json:"node,omitempty"`
	Name     string       `json:"name,omitempty"`
	Reserved *reservation `json:"reserved,omitempty"`
	Decision string       `json:"decision,omitempty"`
}

type node struct {
	Name         string            `json:"name"`
	Capacity     resource.Vector   `json:"capacity"`
	Provider     string            `json:"provider,omitempty"`
	Region       string            `json:"region,omitempty"`
	Zone         string            `json:"zone,omitempty"`
	Rack         string            `json:"rack,omitempty"`
	Labels       map[string]string `json:"labels,omitempty"`
	Taints       []pair            `json:"taints,omitempty"`
	Devices      []device          `json:"devices,omitempty"`
	Level        int               `json:"level,omitempty"`
	Compartments []string          `json:"compartments,omitempty"`
	Attested     bool              `json:"attested,omitempty"`
	Watts        []float64         `json:"watts,omitempty"`
	CapWatts     float64           `json:"cap_watts,omitempty"`
	CostPerHour  float64           `json:"cost_per_hour,omitempty"`
	Data         []string          `json:"data,omitempty"`
}

type pair struct {
	Key   string `json:"key"`
	Value string `json:"value,omitempty"`
}

type device struct {
	Model       string  `json:"model"`
	MemoryBytes float64 `json:"memory_bytes,omitempty"`
	IdleWatts   float64 `json:"idle_watts,omitempty"`
	MaxWatts    float64 `json:"max_watts,omitempty"`
}

type reservation struct {
	Decision  string    `json:"decision"`
	Request   string    `json:"request"`
	Principal string    `json:"principal,omitempty"`
	Workload  *work     `json:"workload"`
	Class     string    `json:"class"`
	Node      string    `json:"node"`
	Devices   []int     `json:"devices,omitempty"`
	Expires   time.Time `json:"expires"`
	Confirmed bool      `json:"confirmed,omitempty"`
}

type work struct {
	ID          string            `json:"id"`
	App         string            `json:"app,omitempty"`
	Class       string            `json:"class,omitempty"`
	Queue       string            `json:"queue,omitempty"`
	Owner       string            `json:"owner,omitempty"`
	Requests    resource.Vector   `json:"requests"`
	Limits      *resource.Vector  `json:"limits,omitempty"`
	Priority    int32             `json:"priority,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Accelerator *accelerator      `json:"accelerator,omitempty"`
	Security    *security         `json:"security,omitempty"`
	Required    *places           `json:"required,omitempty"`
	Preferred   *places           `json:"preferred,omitempty"`
	Data        []dataSet         `json:"data,omitempty"`
	Selector    map[string]string `json:"selector,omitempty"`
	Tolerations []pair            `json:"tolerations,omitempty"`
}

type accelerator struct {
	Models      []string `json:"models,omitempty"`
	Devices     int      `json:"devices,omitempty"`
	Share       float64  `json:"share,omitempty"`
	MemoryBytes float64  `json:"memory_bytes,omitempty"`
}

type security struct {
	Level        int      `json:"level,omitempty"`
	Compartments []string `json:"compartments,omitempty"`
	Tenant       string   `json:"tenant,omitempty"`
	Exclusive    bool     `json:"exclusive,omitempty"`
	Attested     bool     `json:"attested,omitempty"`
}

type places struct {
	Providers []string `json:"providers,omitempty"`
	Regions   []string `json:"regions,omitempty"`
	Zones     []string `json:"zones,omitempty"`
	Racks     []string `json:"racks,omitempty"`
	Nodes     []string `json:"nodes,omitempty"`
}

type dataSet struct {
	Name     string  `json:"name"`
	Bytes    float64 `json:"bytes,omitempty"`
	Required bool    `json:"required,omitempty"`
}

func encode(r placement.Record) ([]byte, error) {
	out := record{Version: version, Seq: r.Seq, Kind: string(r.Kind), Time: r.Time, Name: r.Name, Decision: r.Decision}
	if r.Node != nil {
		out.Node = fromNode(r.Node)
	}
	if r.Reserved != nil {
		out.Reserved = fromReservation(r.Reserved)
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("encode record %d: %w", r.Seq, err)
	}
	return b, nil
}

// decode reads one record and checks that it holds what its kind needs.
func decode(data []byte) (placement.Record, error) {
	var in record
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		var version struct {
			V int `json:"v"`
		}
		if json.Unmarshal(data, &version) == nil && version.V > 1 {
			return placement.Record{}, fmt.Errorf("version %d is unknown: it was written by a newer program", version.V)
		}
		return placement.Record{}, fmt.Errorf("decode: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return placement.Record{}, errors.New("decode: text behind the record")
	}
	if in.Version != version {
		return placement.Record{}, fmt.Errorf("version %d is unknown (want %d)", in.Version, version)
	}
	r := placement.Record{Seq: in.Seq, Kind: placement.RecordKind(in.Kind), Time: in.Time, Name: in.Name, Decision: in.Decision}
	var err error
	switch r.Kind {
	case placement.NodeRegistered:
		r.Node, err = in.Node.node()
	case placement.NodeRemoved, placement.NodeDrained, placement.NodeUndrained:
		if r.Name == "" {
			err = errors.New("no node is named")
		}
	case placement.WorkloadReserved:
		r.Reserved, err = in.Reserved.reservation()
	case placement.WorkloadConfirmed, placement.WorkloadReleased, placement.WorkloadExpired:
		if r.Decision == "" {
			err = errors.New("no decision is named")
		}
	default:
		err = errors.New("unknown kind")
	}
	if err != nil {
		return placement.Record{}, fmt.Errorf("record %d, %.32q: %w", in.Seq, in.Kind, err)
	}
	return r, nil
}

func fromNode(n *fleet.Node) *node {
	out := &node{
		Name: n.Name, Capacity: n.Capacity, Provider: n.Provider, Region: n.Region, Zone: n.Zone, Rack: n.Rack,
		Labels: n.Labels, Level: n.Level, Compartments: n.Compartments, Attested: n.Attested,
		Watts: n.Power.Table(), CapWatts: n.CapWatts, CostPerHour: n.CostPerHour, Data: n.Data,
	}
	for _, t := range n.Taints {
		out.Taints = append(out.Taints, pair(t))
	}
	for _, d := range n.Devices {
		out.Devices = append(out.Devices, device(d))
	}
	return out
}

func (n *node) node() (*fleet.Node, error) {
	if n == nil {
		return nil, errors.New("no node is described")
	}
	curve, err := fleet.NewPowerCurve(n.Watts...)
	if err != nil {
		return nil, err
	}
	out := &fleet.Node{
		Name: n.Name, Capacity: n.Capacity, Provider: n.Provider, Region: n.Region, Zone: n.Zone, Rack: n.Rack,
		Labels: n.Labels, Level: n.Level, Compartments: n.Compartments, Attested: n.Attested,
		Power: curve, CapWatts: n.CapWatts, CostPerHour: n.CostPerHour, Data: n.Data,
	}
	for _, t := range n.Taints {
		out.Taints = append(out.Taints, fleet.Taint(t))
	}
	for _, d := range n.Devices {
		out.Devices = append(out.Devices, fleet.Device(d))
	}
	return out, out.Validate()
}

func fromReservation(r *placement.Reservation) *reservation {
	return &reservation{
		Decision: r.Decision, Request: r.Request, Principal: r.Principal, Workload: fromWorkload(r.Workload),
		Class: string(r.Class), Node: r.Node, Devices: r.Devices, Expires: r.Expires, Confirmed: r.Confirmed,
	}
}

func (r *reservation) reservation() (*placement.Reservation, error) {
	switch {
	case r == nil || r.Workload == nil:
		return nil, errors.New("no reservation is described")
	case r.Decision == "" || r.Request == "" || r.Node == "" || r.Class == "":
		return nil, errors.New("reservation without decision, request, node or class")
	}
	w := r.Workload.workload()
	return &placement.Reservation{
		Decision: r.Decision, Request: r.Request, Principal: r.Principal, Workload: w,
		Class: workload.Class(r.Class), Node: r.Node, Devices: r.Devices, Expires: r.Expires, Confirmed: r.Confirmed,
	}, w.Validate()
}

func fromWorkload(w *workload.Workload) *work {
	out := &work{
		ID: w.ID, App: w.App, Class: string(w.Class), Queue: w.Queue, Owner: w.Owner, Requests: w.Requests,
		Priority: w.Priority, Labels: w.Labels, Required: fromPlaces(&w.Locality.Required), Preferred: fromPlaces(&w.Locality.Preferred),
		Selector: w.Selector,
	}
	if w.Limits.Len() > 0 {
		out.Limits = &w.Limits
	}
	if a := accelerator(w.Accelerator); a.Devices > 0 {
		out.Accelerator = &a
	}
	if s := security(w.Security); s.Level > 0 || len(s.Compartments) > 0 || s.Tenant != "" || s.Exclusive || s.Attested {
		out.Security = &s
	}
	for _, d := range w.Data {
		out.Data = append(out.Data, dataSet(d))
	}
	for _, t := range w.Tolerations {
		out.Tolerations = append(out.Tolerations, pair(t))
	}
	return out
}

func (w *work) workload() *workload.Workload {
	out := &workload.Workload{
		ID: w.ID, App: w.App, Class: workload.Class(w.Class), Queue: w.Queue, Owner: w.Owner, Requests: w.Requests,
		Priority: w.Priority, Labels: w.Labels, Selector: w.Selector,
		Locality: workload.Locality{Required: w.Required.places(), Preferred: w.Preferred.places()},
	}
	if w.Limits != nil {
		out.Limits = *w.Limits
	}
	if w.Accelerator != nil {
		out.Accelerator = workload.Accelerator(*w.Accelerator)
	}
	if w.Security != nil {
		out.Security = workload.Security(*w.Security)
	}
	for _, d := range w.Data {
		out.Data = append(out.Data, workload.DataSet(d))
	}
	for _, t := range w.Tolerations {
		out.Tolerations = append(out.Tolerations, workload.Toleration(t))
	}
	return out
}

func fromPlaces(p *workload.Places) *places {
	if len(p.Providers)+len(p.Regions)+len(p.Zones)+len(p.Racks)+len(p.Nodes) == 0 {
		return nil
	}
	out := places(*p)
	return &out
}

func (p *places) places() workload.Places {
	if p == nil {
		return workload.Places{}
	}
	return workload.Places(*p)
}
