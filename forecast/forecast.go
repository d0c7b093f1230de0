package forecast

import (
	"fmt"
	"math"
	"time"

	"github.com/auspex-project/auspex/resource"
)

// Basis names the link of the fallback chain a forecast came from, best first.
type Basis string

const (
	Learned    Basis = "learned"     // the champion model of the class
	Percentile Basis = "percentiles" // the workload's own decayed percentiles
	Prior      Basis = "prior"       // workloads like it: queue, app, request shape; then class
	Limit      Basis = "limit"       // what it may use at most
)

// Forecast is the prediction for one workload. It is immutable once made and
// shared between readers: nobody may change its slices.
type Forecast struct {
	Workload string
	Issued   time.Time
	Grid     Grid
	Basis    Basis
	Model    string        // id of the predictor that made it
	History  time.Duration // how much of the workload's past it rests on
	Stale    time.Duration // age of its newest sample when it was made
	Demands  []Demand      // one per resource, each at most once
}

// Demand is the prediction for one resource, in base units.
type Demand struct {
	Resource resource.Name

	// Profile[k] is the maximum of the workload's usage expected in slot k of
	// the grid: its share of the node's sum then. Length Grid.Slots.
	Profile []float32

	// Peak is what the workload passes on its own only at the rarest: at least
	// max(Profile), at most Limit where there is one.
	Peak float32

	// Limit is what the workload may use at most, 0 when unknown.
	Limit float32

	// Mean is the average over the grid.
	Mean float32

	// SlotMeans[k] is the mean usage expected in slot k, and SlotQuantiles are
	// quantiles of the largest usage in each slot, by rising probability. Both are nil
	// where slots are told from earlier days alone. They are predicted apart: a mean
	// may exceed the median of the largest, but never the highest quantile.
	SlotMeans     []float32
	SlotQuantiles []SlotQuantile

	// Quantiles are calibrated quantiles of the maximum over the grid, by rising
	// probability, for whoever looks at one workload alone.
	Quantiles []Quantile
}

// Quantile says that the maximum stays at or under Value with probability P.
type Quantile struct {
	P     float64
	Value float32
}

// SlotQuantile says of each slot that usage stays at or under its value with
// probability P.
type SlotQuantile struct {
	P      float64
	Values []float32 // by slot of the grid
}

// Demand returns the prediction for n.
func (f *Forecast) Demand(n resource.Name) (*Demand, bool) {
	for i := range f.Demands {
		if f.Demands[i].Resource == n {
			return &f.Demands[i], true
		}
	}
	return nil, false
}

// Validate reports what makes f unfit to be added up.
func (f *Forecast) Validate() error {
	if err := f.Grid.Validate(); err != nil {
		return fmt.Errorf("forecast of %s: %w", f.Workload, err)
	}
	for i := range f.Demands {
		d := &f.Demands[i]
		if first, _ := f.Demand(d.Resource); first != d {
			return fmt.Errorf("forecast of %s: %s twice", f.Workload, d.Resource)
		}
		if err := d.validate(f.Grid.Slots); err != nil {
			return fmt.Errorf("forecast of %s: %s %w", f.Workload, d.Resource, err)
		}
	}
	return nil
}

func (d *Demand) validate(slots int) error {
	if len(d.Profile) != slots {
		return fmt.Errorf("has %d slots, the grid %d", len(d.Profile), slots)
	}
	for k, v := range d.Profile {
		if !(v >= 0) || v > d.Peak {
			return fmt.Errorf("in slot %d is %g (want 0 to the peak, %g)", k, v, d.Peak)
		}
	}
	const rounding = 1 + 1e-5
	switch {
	case !finite(d.Peak):
		return fmt.Errorf("peak is %g", d.Peak)
	case !finite(d.Mean):
		return fmt.Errorf("mean is %g", d.Mean)
	case !finite(d.Limit) || d.Limit > 0 && d.Peak > d.Limit*rounding:
		return fmt.Errorf("limit is %g (want 0 for unknown, or at least the peak, %g)", d.Limit, d.Peak)
	}
	return nil
}

// finite reports whether v is an amount: not negative, NaN or infinite.
func finite(v float32) bool { return v >= 0 && v <= math.MaxFloat32 }

// Flat returns the forecast that says nothing about time: every amount of
// amounts in every slot. It is what a limit or a request is as a forecast.
func Flat(workload string, now time.Time, g Grid, basis Basis, amounts resource.Vector) Forecast {
	f := Forecast{Workload: workload, Issued: now, Grid: g, Basis: basis, Model: string(basis)}
	for n, x := range amounts.All() {
		v := float32(x)
		profile := make([]float32, g.Slots)
		for i := range profile {
			profile[i] = v
		}
		f.Demands = append(f.Demands, Demand{Resource: n, Profile: profile, Peak: v, Limit: v, Mean: v})
	}
	return f
}
