package workload

import (
	"fmt"
	"time"

	"github.com/auspex-project/auspex/resource"
)

// Workload is one thing to run: a pod, a task, a virtual machine.
type Workload struct {
	ID    string // unique in the fleet
	App   string // what it is a part of; workloads of one app behave alike
	Class Class  // "" asks for classification
	Queue string // whose share it counts against
	Owner string // the principal that asked for it

	Requests resource.Vector // what it asks for; base units
	Limits   resource.Vector // what it may use at most; absent = Requests
	Priority int32           // within its queue; higher first
	Labels   map[string]string

	Accelerator Accelerator
	Security    Security
	Locality    Locality
	Data        []DataSet

	// Selector and Requirements must be met by a node's labels, each of them.
	Selector     map[string]string
	Requirements []Requirement
	Tolerations  []Toleration

	Spread     []Spread
	Affinity   []Affinity
	MaxPerNode int // workloads of its app on one node, itself included; 0 = any number

	Runtime time.Duration // how long it is expected to run; 0 = unknown
	RunsOn  string        // node it would rather stay on; "" when it runs nowhere
}

// Limit returns the limit of n, or its request where no limit is given.
func (w *Workload) Limit(n resource.Name) float64 {
	if w.Limits.Has(n) {
		return w.Limits.Get(n)
	}
	return w.Requests.Get(n)
}

// Accelerator is a need for devices of one node.
type Accelerator struct {
	Models      []string // acceptable device models; empty = any
	Devices     int      // how many; 0 = none
	Share       float64  // of each device, in (0, 1]; 0 counts as 1
	MemoryBytes float64  // free memory needed on each device
}

// PerDevice returns the share of each device asked for, in (0, 1].
func (a Accelerator) PerDevice() float64 {
	if a.Share == 0 {
		return 1
	}
	return a.Share
}

// Security is what a node must offer before it may run the workload.
type Security struct {
	Level        int      // the node's level must be at least this
	Compartments []string // the node must hold every one of these
	Tenant       string   // whose workload it is
	Exclusive    bool     // never beside another tenant
	Attested     bool     // only on nodes whose state has been attested
	Countries    []string // whose law the node may stand under, as in the operator's list of regions; empty = any
}

// Locality restricts or prefers where a workload runs. Within one list any entry
// will do; an empty list means anywhere.
type Locality struct {
	Required  Places
	Preferred Places
}

// Places names parts of the fleet.
type Places struct {
	Providers, Regions, Zones, Racks, Nodes []string
}

// DataSet is something the workload reads, named as in the fleet's catalogue
// of replicas.
type DataSet struct {
	Name     string
	Bytes    float64 // read over the workload's life; 0 = all of it, where the operator has given its size
	Required bool    // must have a replica near the node
	Within   Level   // how near: AtNode to AtProvider; "" = AtRegion
}

// Near returns Within, or what holds where it is "".
func (d *DataSet) Near() Level {
	if d.Within == "" {
		return AtRegion
	}
	return d.Within
}

// Toleration lets a workload run on nodes with a matching taint.
type Toleration struct {
	Key   string
	Value string // "" tolerates any value of Key
}

// Tolerates reports whether one of tolerations is for a taint.
func Tolerates(tolerations []Toleration, key, value string) bool {
	for _, t := range tolerations {
		if t.Key == key && (t.Value == "" || t.Value == value) {
			return true
		}
	}
	return false
}

// Amounts a workload may hold: what is less than leastAmount counts as nothing,
// and sums of many at mostAmount are still exact enough to compare.
const (
	leastAmount = 1e-6
	mostAmount  = 1e18
)

// FieldError says which part of a workload breaks a rule.
type FieldError struct {
	Field string // as the API names it, such as "accelerator.share"
	Err   error
}

func (e *FieldError) Error() string { return e.Err.Error() }
func (e *FieldError) Unwrap() error { return e.Err }

// Validate reports the first thing that makes w impossible to place, as a
// *FieldError. It does not know classes and queues; those are checked where they
// are defined.
func (w *Workload) Validate() error {
	if w.ID == "" {
		return &FieldError{"id", fmt.Errorf("workload: id is empty")}
	}
	if field, err := w.check(); err != nil {
		return &FieldError{field, fmt.Errorf("workload %s: %w", w.ID, err)}
	}
	return nil
}

func (w *Workload) check() (field string, err error) {
	if err := checkAmounts(w.Requests); err != nil {
		return "requests", fmt.Errorf("requests: %w", err)
	}
	if !w.asks() {
		return "requests", fmt.Errorf("requests: must hold at least one amount above 0 (less than %g counts as 0)", leastAmount)
	}
	if err := checkAmounts(w.Limits); err != nil {
		return "limits", fmt.Errorf("limits: %w", err)
	}
	for n, limit := range w.Limits.All() {
		if r := w.Requests.Get(n); r > limit {
			return "limits", fmt.Errorf("request of %s %s is over its limit %s", n, resource.FormatAmount(n, r), resource.FormatAmount(n, limit))
		}
	}
	if field, err := w.Accelerator.check(); err != nil {
		return field, err
	}
	if w.Security.Level < 0 {
		return "security.level", fmt.Errorf("security level %d is negative", w.Security.Level)
	}
	for _, d := range w.Data {
		if err := resource.CheckAmount(resource.Disk, d.Bytes); d.Name == "" || err != nil {
			return "data", fmt.Errorf("data set %q: needs a name and a finite size in bytes", d.Name)
		}
		if !d.Near().Known() {
			return "data.within", fmt.Errorf("data set %s: within %q (want node, rack, zone, region or provider)", d.Name, d.Within)
		}
	}
	return w.checkTopology()
}

// asks reports whether w needs anything of a node.
func (w *Workload) asks() bool {
	for _, x := range w.Requests.All() {
		if x >= leastAmount {
			return true
		}
	}
	a := &w.Accelerator // without devices it is refused where devices are counted
	return a.Devices != 0 || a.Share != 0 || a.MemoryBytes != 0 || len(a.Models) > 0
}

func checkAmounts(v resource.Vector) error {
	if err := v.Validate(); err != nil {
		return err
	}
	for n, x := range v.All() {
		if x > mostAmount {
			return fmt.Errorf("%s is %g (want at most %g)", n, x, mostAmount)
		}
	}
	return nil
}

func (a *Accelerator) check() (field string, err error) {
	switch {
	case a.Devices < 0:
		return "accelerator.devices", fmt.Errorf("accelerator devices %d is negative", a.Devices)
	case !(a.Share >= 0 && a.Share <= 1):
		return "accelerator.share", fmt.Errorf("accelerator share %g is not between 0 and 1", a.Share)
	case a.Devices > 1 && a.PerDevice() < 1:
		return "accelerator.share", fmt.Errorf("%d devices of share %g: only one device can be shared", a.Devices, a.Share)
	}
	if err := resource.CheckAmount(resource.GPUMemory, a.MemoryBytes); err != nil {
		return "accelerator.memory_bytes", fmt.Errorf("accelerator memory: %w", err)
	}
	return "", nil
}
