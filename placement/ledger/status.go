package ledger

import (
	"time"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/resource"
)

// NodeState says whether a node takes new work.
type NodeState string

const (
	Ready    NodeState = "ready"
	Draining NodeState = "draining" // the operator keeps new work away
	Silent   NodeState = "silent"   // no heartbeat for Settings.HeartbeatTimeout
)

// NodeStatus is a node and what is on it.
type NodeStatus struct {
	Node           *fleet.Node // never changed
	State          NodeState
	Requested      resource.Vector // sum of requests
	PredictedPeak  resource.Vector // highest slot of the grid, at Settings.PowerRisk
	PredictedWatts float64         // highest slot; 0 for an empty node and without a power model
	Workloads      []string        // ids, in the order they came
	DeviceFree     []float64       // free share of each device, in [0, 1]
	LastHeartbeat  time.Time
}
