package ledger

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sort"
	"time"

	"github.com/auspex-project/auspex/allocator"
	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/resource"
)

// RegisterNode adds n or replaces its description; it counts as a heartbeat.
// What runs there stays. Errors: ErrInvalid, ErrNodeInUse where n lacks a device
// that is in use, the journal's.
func (s *Service) RegisterNode(ctx context.Context, n fleet.Node) error {
	if err := n.Validate(); err != nil {
		return fmt.Errorf("register: %w: %w", ErrInvalid, err)
	}
	if err := s.ledger.register(&n, time.Now()); err != nil {
		return fmt.Errorf("register node %s: %w", n.Name, err)
	}
	if claims := n.Entry(); !reflect.DeepEqual(claims, fleet.Entry{}) {
		if e := s.ledger.vouched(&n); !reflect.DeepEqual(claims, e) {
			s.log.Warn("node claims other than the registry vouches for: the registry counts",
				"node", n.Name, "claims", fmt.Sprintf("%+v", claims), "vouched", fmt.Sprintf("%+v", e))
		}
	}
	return nil
}

// Heartbeat notes that a node lives. Errors: ErrUnknownNode.
func (s *Service) Heartbeat(node string) error {
	if err := s.ledger.heard(node, time.Now()); err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	return nil
}

// Drain stops new work on a node, or with undo allows it again, and returns how
// many workloads are still there. Errors: ErrUnknownNode, the journal's.
func (s *Service) Drain(ctx context.Context, node string, undo bool) (workloads int, err error) {
	n, err := s.ledger.drain(node, undo, time.Now())
	if err != nil {
		return n, fmt.Errorf("drain: %w", err)
	}
	return n, nil
}

// RemoveNode takes a node out of the fleet; with force it releases what runs
// there. Errors: ErrUnknownNode, ErrNodeInUse, the journal's.
func (s *Service) RemoveNode(ctx context.Context, node string, force bool) error {
	released, err := s.ledger.unregister(node, force, time.Now())
	for _, h := range released {
		s.book.turn(h.decision, Released)
		s.arrivals.leave(h.workload)
	}
	if len(released) > 0 {
		s.log.Warn("node removed by force, its workloads are released", "node", node, "workloads", len(released))
	}
	if err != nil {
		return fmt.Errorf("remove node: %w", err)
	}
	return nil
}

// Nodes returns up to limit nodes by name, those after the named one; 0 is all.
func (s *Service) Nodes(after string, limit int) []NodeStatus {
	l := s.ledger
	l.mu.Lock()
	names := slices.Sorted(maps.Keys(l.mu.nodes))
	state := l.mu.living.Keep()
	from := sort.SearchStrings(names, after)
	if from < len(names) && names[from] == after {
		from++
	}
	names = names[from:]
	if limit > 0 && len(names) > limit {
		names = names[:limit]
	}
	nodes := make([]node, len(names))
	for i, name := range names {
		nodes[i] = *l.mu.nodes[name]
	}
	l.mu.Unlock()
	statuses := make([]NodeStatus, len(nodes))
	for i := range nodes {
		statuses[i] = status(state, &nodes[i])
	}
	return statuses
}

// Node returns one node. Errors: ErrUnknownNode.
func (s *Service) Node(name string) (NodeStatus, error) {
	state, n, err := s.ledger.find(name)
	if err != nil {
		return NodeStatus{}, err
	}
	return status(state, &n), nil
}

// NodeForecast returns the predicted peak of the sum of what runs on a node:
// Profile[k] the peak in slot k at risk (0 = 0.01), Peak the highest slot, Limit
// the capacity, Mean the average use. Errors: ErrUnknownNode, ErrInvalid.
func (s *Service) NodeForecast(name string, risk float64) (forecast.Forecast, error) {
	risk = cmp.Or(risk, .01)
	if !(risk > 0 && risk < 1) {
		return forecast.Forecast{}, fmt.Errorf("forecast of node %s: %w: risk %g is not between 0 and 1", name, ErrInvalid, risk)
	}
	state, n, err := s.ledger.find(name)
	if err != nil {
		return forecast.Forecast{}, err
	}
	f := forecast.Forecast{Workload: name, Issued: time.Now(), Grid: state.Grid, Basis: weakest(state, n.position), Model: "sum"}
	b, i := state.Peek(n.position)
	for r, resource := range state.Resources {
		if !b.Node[i].Capacity.Has(resource) {
			continue
		}
		f.Demands = append(f.Demands, forecast.Demand{
			Resource: resource, Profile: state.Peaks(b, i, r, risk), Peak: highest(state, b, i, r, risk),
			Limit: float32(b.Capacity[r][i]), Mean: b.Columns[r].Mean[i],
		})
	}
	return f, nil
}

// Shares returns what every queue holds, and the capacity it is a share of.
func (s *Service) Shares() (shares []allocator.Share, capacity resource.Vector) {
	l := s.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	capacity = l.mu.living.Keep().Catalogue.Capacity
	return l.mu.state.Policy.Queues.Shares(l.mu.usage, capacity), capacity
}

// vouched returns what counts of n's security.
func (l *ledger) vouched(n *fleet.Node) fleet.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.state.Policy.Entry(n)
}

func (l *ledger) register(n *fleet.Node, now time.Time) error {
	l.mu.Lock()
	known := l.mu.nodes[n.Name]
	if known != nil {
		b, i := l.mu.state.Peek(known.position)
		if reflect.DeepEqual(b.Node[i], n) {
			l.rouse(known, now)
			l.mu.Unlock()
			return nil
		}
		if k := l.mu.state.LastDevice(known.position); k >= len(n.Devices) {
			l.mu.Unlock()
			return fmt.Errorf("%w: device %d is in use, %d are described", ErrNodeInUse, k, len(n.Devices))
		}
	}
	record := l.record(NodeRegistered, now)
	l.settle(n, record.Seq, now)
	l.mu.Unlock()
	record.Node = n
	return l.append(record)
}

// settle puts n into the fleet. The caller holds the lock.
func (l *ledger) settle(n *fleet.Node, seq uint64, now time.Time) {
	known := l.mu.nodes[n.Name]
	if known == nil {
		known = &node{position: len(l.mu.nodes) + len(l.mu.free), seq: seq}
		if last := len(l.mu.free) - 1; last >= 0 {
			known.position, l.mu.free = l.mu.free[last], l.mu.free[:last]
		}
		l.mu.nodes[n.Name] = known
	}
	l.change().Describe(known.position, n)
	l.rouse(known, now)
}

func (l *ledger) heard(name string, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.mu.nodes[name]
	if n == nil {
		return fmt.Errorf("node %s: %w", name, ErrUnknownNode)
	}
	l.rouse(n, now)
	return nil
}

// rouse notes a sign of life. The caller holds the lock.
func (l *ledger) rouse(n *node, now time.Time) {
	n.heard = now
	if b, i := l.mu.state.Peek(n.position); b.Silent>>i&1 == 1 {
		l.change().SetSilent(n.position, false)
	}
}

// listen marks the nodes that have not been heard of for too long, and returns
// how many are newly silent.
func (l *ledger) listen(now time.Time) (fell int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	timeout := l.mu.state.Policy.HeartbeatTimeout
	for _, n := range l.mu.nodes {
		b, i := l.mu.state.Peek(n.position)
		silent := timeout > 0 && now.Sub(n.heard) >= timeout
		if silent == (b.Silent>>i&1 == 1) {
			continue
		}
		if silent {
			fell++
		}
		l.change().SetSilent(n.position, silent)
	}
	return fell
}

func (l *ledger) drain(name string, undo bool, now time.Time) (workloads int, err error) {
	l.mu.Lock()
	n := l.mu.nodes[name]
	if n == nil {
		l.mu.Unlock()
		return 0, fmt.Errorf("node %s: %w", name, ErrUnknownNode)
	}
	l.change().SetDraining(n.position, !undo)
	b, i := l.mu.state.Peek(n.position)
	workloads = len(b.Occupants[i].Members)
	kind := NodeDrained
	if undo {
		kind = NodeUndrained
	}
	record := l.record(kind, now)
	l.mu.Unlock()
	record.Name = name
	return workloads, l.append(record)
}

func (l *ledger) unregister(name string, force bool, now time.Time) (released []*hold, err error) {
	l.mu.Lock()
	n := l.mu.nodes[name]
	if n == nil {
		l.mu.Unlock()
		return nil, fmt.Errorf("node %s: %w", name, ErrUnknownNode)
	}
	b, i := l.mu.state.Peek(n.position)
	members := slices.Clone(b.Occupants[i].Members)
	if len(members) > 0 && !force {
		l.mu.Unlock()
		return nil, fmt.Errorf("node %s holds %d workloads: %w", name, len(members), ErrNodeInUse)
	}
	var records []Record
	for _, m := range members {
		h := l.mu.byWorkload[m.ID]
		l.letGo(h)
		record := l.record(WorkloadReleased, now)
		record.Decision = h.decision
		records = append(records, record)
		released = append(released, h)
	}
	l.change().Forget(n.position)
	l.mu.free = append(l.mu.free, n.position)
	delete(l.mu.nodes, name)
	record := l.record(NodeRemoved, now)
	record.Name = name
	l.mu.Unlock()
	return released, l.append(append(records, record)...)
}

func (l *ledger) find(name string) (*placement.State, node, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.mu.nodes[name]
	if n == nil {
		return nil, node{}, fmt.Errorf("node %s: %w", name, ErrUnknownNode)
	}
	return l.mu.living.Keep(), *n, nil
}

// position returns where a node stands in the columns.
func (l *ledger) position(name string) (node int, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.mu.nodes[name]
	if n == nil {
		return 0, false
	}
	return n.position, true
}

// without returns a fleet of its own in which the workload is on no node, and the
// position of the named node.
func (l *ledger) without(workload, name string) (*placement.State, int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.mu.nodes[name]
	if n == nil {
		return nil, 0, fmt.Errorf("node %s: %w", name, ErrUnknownNode)
	}
	state := l.mu.living.Keep().Fork()
	if h := l.mu.byWorkload[workload]; h != nil {
		state.Take(h.position, workload)
	}
	return state, n.position, nil
}

func status(s *placement.State, n *node) NodeStatus {
	b, i := s.Peek(n.position)
	status := NodeStatus{Node: b.Node[i].With(s.Policy.Entry(b.Node[i])), State: Ready, LastHeartbeat: n.heard}
	switch bit := uint64(1) << i; {
	case b.Silent&bit != 0:
		status.State = Silent
	case b.Draining&bit != 0:
		status.State = Draining
	}
	for r, name := range s.Resources {
		if !b.Node[i].Capacity.Has(name) {
			continue
		}
		status.Requested = status.Requested.With(name, b.Columns[r].Requested[i])
		status.PredictedPeak = status.PredictedPeak.With(name, float64(highest(s, b, i, r, s.Policy.PowerRisk)))
	}
	if len(b.Occupants[i].Devices) > 0 {
		used := 0.0
		for _, d := range b.Occupants[i].Devices {
			free := float64(d.Free) / placement.WholeDevice
			used += 1 - free
			status.DeviceFree = append(status.DeviceFree, free)
		}
		status.Requested = status.Requested.With(resource.GPU, used)
	}
	for _, w := range b.Watts(i, s.Grid.Slots) {
		status.PredictedWatts = max(status.PredictedWatts, float64(w))
	}
	for _, m := range b.Occupants[i].Members {
		status.Workloads = append(status.Workloads, m.ID)
	}
	return status
}

// weakest returns the weakest link that the forecasts on a node rest on.
func weakest(s *placement.State, node int) forecast.Basis {
	order := []forecast.Basis{forecast.Learned, forecast.Percentile, forecast.Prior, forecast.Limit}
	b, i := s.Peek(node)
	last := 0
	for _, m := range b.Occupants[i].Members {
		link := len(order) - 1
		if m.Forecast != nil {
			link = max(slices.Index(order, m.Forecast.Basis), 0)
		}
		last = max(last, link)
	}
	return order[last]
}

// highest returns the predicted peak of resource r on node i of b.
func highest(s *placement.State, b *placement.Block, i, r int, risk float64) float32 {
	return slices.Max(s.Peaks(b, i, r, risk))
}
