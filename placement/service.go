package placement

import (
	"context"
	"errors"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/auspex-project/auspex/allocator"
	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
)

// Options is what a Service is made of.
type Options struct {
	Settings   Settings
	Filters    []Filter      // in order; cheap and decisive ones first
	Scorers    []Scorer      // in the order in which they are reported
	Grid       forecast.Grid // zero = forecast.DefaultGrid
	Forecaster Forecaster    // nil = every workload is a cold start
	Classifier Classifier    // nil = a workload without a class is refused
	Journal    Journal       // nil = nothing survives a restart
	Metrics    prometheus.Registerer
	Log        *slog.Logger
}

// Service places workloads on the fleet. All methods are safe for concurrent use.
type Service struct{}

var errUnbuilt = errors.New("not built yet")

// Open returns a service with the state the journal holds. Run keeps it in order.
func Open(ctx context.Context, o Options) (*Service, error) { return nil, errUnbuilt }

// Run expires reservations, notices silent nodes, takes over new forecasts and
// compacts the journal until ctx ends.
func (s *Service) Run(ctx context.Context) error { return errUnbuilt }

// Reload replaces the settings; on an error the old ones stay.
func (s *Service) Reload(next Settings) error { return errUnbuilt }

// Place chooses a node for r.Workload, reserves it and says why. The same request
// again returns the first answer. Errors: ErrInvalid, ErrRequestReused,
// ErrAlreadyPlaced, ErrConflict, ctx's, and the journal's.
func (s *Service) Place(ctx context.Context, r Request) (Decision, error) {
	return Decision{}, errUnbuilt
}

// Confirm turns a reservation into a placement. Confirming twice is fine.
// Errors: ErrUnknownDecision, ErrNotReserved.
func (s *Service) Confirm(ctx context.Context, decision string) (workload, node string, err error) {
	return "", "", errUnbuilt
}

// Release gives back what a decision holds and reports whether it held anything.
func (s *Service) Release(ctx context.Context, decision string) (released bool, err error) {
	return false, errUnbuilt
}

// ReleaseWorkload is Release by the id of the workload.
func (s *Service) ReleaseWorkload(ctx context.Context, workload string) (released bool, err error) {
	return false, errUnbuilt
}

// Explain returns what is known of a decision and, unless node is "", judges that
// node for it as things are now. Errors: ErrUnknownDecision, ErrUnknownNode.
func (s *Service) Explain(decision, node string) (Explanation, error) {
	return Explanation{}, errUnbuilt
}

// RegisterNode adds n or replaces its description; it counts as a heartbeat.
// What runs there stays. Errors: ErrInvalid, and ErrNodeInUse where n lacks a
// device that is in use.
func (s *Service) RegisterNode(ctx context.Context, n fleet.Node) error { return errUnbuilt }

// Heartbeat notes that a node lives. Errors: ErrUnknownNode.
func (s *Service) Heartbeat(node string) error { return errUnbuilt }

// Drain stops new work on a node, or with undo allows it again, and returns how
// many workloads are still there. Errors: ErrUnknownNode.
func (s *Service) Drain(ctx context.Context, node string, undo bool) (workloads int, err error) {
	return 0, errUnbuilt
}

// RemoveNode takes a node out of the fleet; with force it releases what runs
// there. Errors: ErrUnknownNode, ErrNodeInUse.
func (s *Service) RemoveNode(ctx context.Context, node string, force bool) error { return errUnbuilt }

// Nodes returns up to limit nodes by name, those after the named one; 0 is all.
func (s *Service) Nodes(after string, limit int) []NodeStatus { return nil }

// Node returns one node. Errors: ErrUnknownNode.
func (s *Service) Node(name string) (NodeStatus, error) { return NodeStatus{}, errUnbuilt }

// NodeForecast returns the predicted peak of the sum of what runs on a node:
// Profile[k] the peak in slot k at risk (0 = 0.01), Peak the highest slot, Limit
// the capacity. Errors: ErrUnknownNode.
func (s *Service) NodeForecast(node string, risk float64) (forecast.Forecast, error) {
	return forecast.Forecast{}, errUnbuilt
}

// Shares returns what every queue holds, and the capacity it is a share of.
func (s *Service) Shares() (shares []allocator.Share, capacity resource.Vector) {
	return nil, resource.Vector{}
}
