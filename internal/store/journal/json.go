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

// record is a placement.Record as version 1 wrote it: one line of JSON. The names
// are the format. It is read and no longer written, so nothing is added to it.
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

// decodeJSON reads a record of version 1.
func decodeJSON(data []byte) (placement.Record, error) {
	var in record
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return placement.Record{}, fmt.Errorf("decode: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return placement.Record{}, errors.New("decode: text behind the record")
	}
	if in.Version != 1 {
		return placement.Record{}, fmt.Errorf("version %d is unknown (only version 1 is JSON)", in.Version)
	}
	r := placement.Record{Seq: in.Seq, Kind: placement.RecordKind(in.Kind), Time: in.Time, Name: in.Name, Decision: in.Decision}
	var err error
	if in.Node != nil {
		if r.Node, err = in.Node.node(); err != nil {
			return placement.Record{}, err
		}
	}
	if in.Reserved != nil {
		r.Reserved = in.Reserved.reservation()
	}
	return r, nil
}

func (n *node) node() (*fleet.Node, error) {
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
		out.Taints = append(out.Taints, fleet.Taint{Key: t.Key, Value: t.Value})
	}
	for _, d := range n.Devices {
		out.Devices = append(out.Devices, fleet.Device(d))
	}
	return out, nil
}

func (r *reservation) reservation() *placement.Reservation {
	return &placement.Reservation{
		Decision: r.Decision, Request: r.Request, Principal: r.Principal, Workload: r.Workload.workload(),
		Class: workload.Class(r.Class), Node: r.Node, Devices: r.Devices, Expires: r.Expires, Confirmed: r.Confirmed,
	}
}

func (w *work) workload() *workload.Workload {
	if w == nil {
		return nil
	}
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
		s := w.Security
		out.Security = workload.Security{Level: s.Level, Compartments: s.Compartments, Tenant: s.Tenant, Exclusive: s.Exclusive, Attested: s.Attested}
	}
	for _, d := range w.Data {
		out.Data = append(out.Data, workload.DataSet{Name: d.Name, Bytes: d.Bytes, Required: d.Required})
	}
	for _, t := range w.Tolerations {
		out.Tolerations = append(out.Tolerations, workload.Toleration(t))
	}
	return out
}

func (p *places) places() workload.Places {
	if p == nil {
		return workload.Places{}
	}
	return workload.Places(*p)
}
