package fleet

import (
	"fmt"
	"math"
	"time"

	"github.com/auspex-project/auspex/resource"
)

// Node describes one machine. It says what the machine is, not what it runs.
type Node struct {
	Name     string // unique in the fleet
	Capacity resource.Vector

	Provider, Region, Zone, Rack string // "" when it has none
	PDU, Site                    string // power domains above the rack; "" when it has none
	Labels                       map[string]string
	Taints                       []Taint

	Devices []Device // accelerators, by index

	// Level and Compartments say what the machine may be trusted with; they come
	// from the operator's registry, never from the machine's own word.
	Level        int
	Compartments []string
	Attested     bool
	Dedicated    Dedication

	Power       PowerCurve
	CapWatts    float64 // the node's own power cap, devices included; 0 = none
	CostPerHour float64 // in the operator's currency

	Data []string // names of the data sets it holds a replica of

	Maintenance []Window // when it will be down
}

// Dedication says for whom a node is kept free. The zero value is for anyone.
type Dedication struct {
	Tenant string // "" = any
	Queue  string // "" = any
}

// Window is a time from From, inclusive, to Until, exclusive.
type Window struct{ From, Until time.Time }

// Overlaps reports whether w and o share a moment.
func (w Window) Overlaps(o Window) bool { return w.From.Before(o.Until) && o.From.Before(w.Until) }

// Device is one accelerator.
type Device struct {
	Model       string
	MemoryBytes float64
	IdleWatts   float64
	MaxWatts    float64
}

// Taint keeps away workloads that do not tolerate it.
type Taint struct {
	Key, Value string
	Effect     Effect
}

// Effect is how strictly a taint keeps away.
type Effect string

const (
	NoSchedule       Effect = "" // no workload may come
	PreferNoSchedule Effect = "prefer-no-schedule"
)

// Validate reports the first thing that makes n unusable.
func (n *Node) Validate() error {
	if n.Name == "" {
		return fmt.Errorf("node: name is empty")
	}
	if err := n.Capacity.Validate(); err != nil {
		return fmt.Errorf("node %s: capacity: %w", n.Name, err)
	}
	if n.Capacity.IsZero() {
		return fmt.Errorf("node %s: capacity is empty", n.Name)
	}
	if g := n.Capacity.Get(resource.GPU); g != float64(len(n.Devices)) {
		return fmt.Errorf("node %s: capacity has %g gpu but %d devices are described (make them the same, such as capacity.gpu: %d)",
			n.Name, g, len(n.Devices), len(n.Devices))
	}
	for i, d := range n.Devices {
		switch {
		case d.Model == "":
			return fmt.Errorf("node %s: device %d has no model", n.Name, i)
		case resource.CheckAmount(resource.GPUMemory, d.MemoryBytes) != nil:
			return fmt.Errorf("node %s: device %d: memory %g bytes", n.Name, i, d.MemoryBytes)
		case !(d.IdleWatts >= 0 && d.IdleWatts <= d.MaxWatts) || math.IsInf(d.MaxWatts, 0):
			return fmt.Errorf("node %s: device %d: idle %g W, max %g W (want 0 <= idle <= max)", n.Name, i, d.IdleWatts, d.MaxWatts)
		}
	}
	for _, t := range n.Taints {
		if t.Effect != NoSchedule && t.Effect != PreferNoSchedule {
			return fmt.Errorf("node %s: taint %s: effect %q is neither empty nor %s", n.Name, t.Key, t.Effect, PreferNoSchedule)
		}
	}
	for _, w := range n.Maintenance {
		if !w.From.Before(w.Until) {
			return fmt.Errorf("node %s: maintenance from %v does not end after it begins", n.Name, w.From)
		}
	}
	switch {
	case n.Level < 0:
		return fmt.Errorf("node %s: security level %d is negative", n.Name, n.Level)
	case !(n.CapWatts >= 0) || math.IsInf(n.CapWatts, 0):
		return fmt.Errorf("node %s: power cap %g W", n.Name, n.CapWatts)
	case !(n.CostPerHour >= 0) || math.IsInf(n.CostPerHour, 0):
		return fmt.Errorf("node %s: cost %g per hour", n.Name, n.CostPerHour)
	}
	if err := n.Power.Validate(); err != nil {
		return fmt.Errorf("node %s: %w", n.Name, err)
	}
	return nil
}
