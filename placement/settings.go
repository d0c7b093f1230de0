package placement

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/auspex-project/auspex/allocator"
	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/workload"
)

// Settings is what the operator may change while the service runs. It is
// replaced whole; nobody may change one that has been handed over.
type Settings struct {
	Classes []workload.ClassPolicy // nil = workload.DefaultClasses
	Queues  *allocator.Tree        // nil = the default queue alone, without limits
	Weights Weights

	// Registry is what is vouched for about nodes; nil takes their own word.
	Registry fleet.Registry

	// RackCaps, PDUCaps and SiteCaps hold the most watts a power domain may be
	// predicted to draw, by name; one that is absent has no cap.
	RackCaps, PDUCaps, SiteCaps map[string]float64

	Geography

	// PowerRisk is how often, at most, a predicted draw may be exceeded; 0 = 0.01.
	PowerRisk float64

	// ColdStart says what a workload without any forecast counts for; "" = AtLimit.
	ColdStart ColdStart

	ReservationTTL   time.Duration // 0 = 1 minute
	HeartbeatTimeout time.Duration // silence after which a node gets no new work; 0 = 1 minute, < 0 = never

	// A demand that was turned away keeps its claim against other queues for
	// WaitFor; 0 = 30 seconds, < 0 = not at all.
	WaitFor time.Duration

	// Decisions are kept for Explain and for repeated requests, the newest
	// KeepDecisions of them (0 = 20,000) for at most KeepFor (0 = 24 hours).
	KeepDecisions int
	KeepFor       time.Duration

	// Seed shuffles the order in which nodes of equal score are taken.
	Seed uint64
}

// ColdStart names the flat amount that stands in for an unknown forecast.
type ColdStart string

const (
	AtLimit   ColdStart = "limit"   // all it may use: safe
	AtRequest ColdStart = "request" // what it asked for: what schedulers without forecasts do
)

// Weights says how much each scorer counts, by the scorer's name. A scorer that
// is absent from both maps counts 0.
type Weights struct {
	Default map[string]float64                    // nil = every scorer's own default
	Classes map[workload.Class]map[string]float64 // override Default one by one
}

// of returns the weight of scorer for class.
func (w Weights) of(class workload.Class, scorer string, usual float64) float64 {
	if x, ok := w.Classes[class][scorer]; ok {
		return x
	}
	if w.Default == nil {
		return usual
	}
	return w.Default[scorer]
}

// WithDefaults returns s with every zero replaced by what it stands for.
func (s Settings) WithDefaults() Settings {
	if s.Classes == nil {
		s.Classes = workload.DefaultClasses()
	}
	if s.Queues == nil {
		s.Queues, _ = allocator.NewTree(nil) // no queues cannot be wrong
	}
	s.PowerRisk = cmp.Or(s.PowerRisk, .01)
	s.ColdStart = cmp.Or(s.ColdStart, AtLimit)
	s.ReservationTTL = cmp.Or(s.ReservationTTL, time.Minute)
	s.HeartbeatTimeout = cmp.Or(s.HeartbeatTimeout, time.Minute)
	s.WaitFor = cmp.Or(s.WaitFor, 30*time.Second)
	s.KeepDecisions = cmp.Or(s.KeepDecisions, 20_000)
	s.KeepFor = cmp.Or(s.KeepFor, 24*time.Hour)
	return s
}

// Validate reports everything that is wrong with s, given the scorers in use.
func (s Settings) Validate(scorers []Scorer) error {
	s = s.WithDefaults()
	var errs []error
	classes := make(map[workload.Class]bool)
	for _, c := range s.Classes {
		if err := c.Validate(); err != nil {
			errs = append(errs, err)
		}
		if classes[c.Class] {
			errs = append(errs, fmt.Errorf("class %s: given twice", c.Class))
		}
		classes[c.Class] = true
	}
	known := make(map[string]bool)
	for _, sc := range scorers {
		known[sc.Name()] = true
	}
	check := func(where string, weights map[string]float64) {
		for _, name := range slices.Sorted(maps.Keys(weights)) {
			switch w := weights[name]; {
			case !known[name]:
				errs = append(errs, fmt.Errorf("%s: no scorer is named %q", where, name))
			case !(w >= 0) || math.IsInf(w, 0):
				errs = append(errs, fmt.Errorf("%s: weight of %s is %g (want 0 or more)", where, name, w))
			}
		}
	}
	check("weights", s.Weights.Default)
	for _, c := range slices.Sorted(maps.Keys(s.Weights.Classes)) {
		if !classes[c] {
			errs = append(errs, fmt.Errorf("weights: no class is named %q", c))
		}
		check("weights of class "+string(c), s.Weights.Classes[c])
	}
	for _, domain := range []struct {
		kind string
		caps map[string]float64
	}{{"rack", s.RackCaps}, {"PDU", s.PDUCaps}, {"site", s.SiteCaps}} {
		for _, name := range slices.Sorted(maps.Keys(domain.caps)) {
			if w := domain.caps[name]; !(w > 0) || math.IsInf(w, 0) {
				errs = append(errs, fmt.Errorf("power cap of %s %s is %g W (want more than 0)", domain.kind, name, w))
			}
		}
	}
	errs = append(errs, s.Registry.Validate(), s.Geography.Validate())
	switch {
	case !(s.PowerRisk > 0 && s.PowerRisk < 1):
		errs = append(errs, fmt.Errorf("power risk %g is not between 0 and 1", s.PowerRisk))
	case s.ColdStart != AtLimit && s.ColdStart != AtRequest:
		errs = append(errs, fmt.Errorf("cold start %q is neither %q nor %q", s.ColdStart, AtLimit, AtRequest))
	case s.ReservationTTL < 0:
		errs = append(errs, fmt.Errorf("reservation time %v is negative", s.ReservationTTL))
	case s.KeepDecisions < 0 || s.KeepFor < 0:
		errs = append(errs, fmt.Errorf("decisions kept: %d for %v (want 0 or more)", s.KeepDecisions, s.KeepFor))
	}
	return errors.Join(errs...)
}
