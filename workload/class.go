package workload

import (
	"fmt"
	"time"
)

// Class names a kind of workload. The operator may add classes; the ones below
// exist by default.
type Class string

const (
	Service     Class = "service"
	Stream      Class = "stream"
	Batch       Class = "batch"
	MLTraining  Class = "ml-training"
	MLInference Class = "ml-inference"
	Cron        Class = "cron"
)

// Tier says who yields when a machine runs short.
type Tier string

const (
	Guaranteed Tier = "guaranteed" // keeps what it was promised
	Revocable  Tier = "revocable"  // uses slack; paused or evicted first
)

// ClassPolicy is what the operator has decided about a class.
type ClassPolicy struct {
	Class Class
	Tier  Tier

	// Weight orders classes of the same tier when one has to yield; the higher
	// stays. Positive.
	Weight float64

	// Horizon is how far ahead predicted resources must suffice for a placement.
	Horizon time.Duration

	// Risk is how often, at most, a forecast may be exceeded: the share of
	// horizons in (0, 1), such as 0.01.
	Risk float64

	// OvercommitMemory lets memory be placed by its forecast; otherwise the
	// memory requests on a node never exceed its capacity.
	OvercommitMemory bool
}

// Validate reports the first rule that p breaks.
func (p ClassPolicy) Validate() error {
	switch {
	case p.Class == "":
		return fmt.Errorf("class: name is empty")
	case p.Tier != Guaranteed && p.Tier != Revocable:
		return fmt.Errorf("class %s: tier %q is neither %q nor %q", p.Class, p.Tier, Guaranteed, Revocable)
	case !(p.Weight > 0):
		return fmt.Errorf("class %s: weight %g is not positive", p.Class, p.Weight)
	case p.Horizon <= 0:
		return fmt.Errorf("class %s: horizon %v is not positive", p.Class, p.Horizon)
	case !(p.Risk > 0 && p.Risk < 1):
		return fmt.Errorf("class %s: risk %g is not between 0 and 1", p.Class, p.Risk)
	}
	return nil
}

// DefaultClasses returns the policies that hold where the operator sets none.
func DefaultClasses() []ClassPolicy {
	const day = 24 * time.Hour
	return []ClassPolicy{
		{Class: Service, Tier: Guaranteed, Weight: 10, Horizon: day, Risk: .01},
		{Class: Stream, Tier: Guaranteed, Weight: 8, Horizon: day, Risk: .01},
		{Class: MLInference, Tier: Guaranteed, Weight: 8, Horizon: day, Risk: .01},
		{Class: MLTraining, Tier: Guaranteed, Weight: 4, Horizon: day, Risk: .02},
		{Class: Cron, Tier: Guaranteed, Weight: 2, Horizon: 6 * time.Hour, Risk: .02},
		{Class: Batch, Tier: Revocable, Weight: 1, Horizon: 6 * time.Hour, Risk: .05},
	}
}
