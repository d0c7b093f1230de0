package workload

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Level names a part of the fleet by its size, from a single node up.
type Level string

const (
	AtNode     Level = "node"
	AtRack     Level = "rack"
	AtZone     Level = "zone"
	AtRegion   Level = "region"
	AtProvider Level = "provider"
)

// Known reports whether l is one of the levels.
func (l Level) Known() bool {
	switch l {
	case AtNode, AtRack, AtZone, AtRegion, AtProvider:
		return true
	}
	return false
}

// Peers names workloads that count in a constraint about company: those of App
// whose labels hold all of Labels. Without either it is those of the asking
// workload's own app.
type Peers struct {
	App    string // "" = any, or the asker's own where Labels is empty too
	Labels map[string]string
}

// Of returns p with the app of w where it names nobody.
func (p Peers) Of(w *Workload) Peers {
	if p.App == "" && len(p.Labels) == 0 {
		p.App = w.App
	}
	return p
}

// String names p for people: "app web", "workloads with role=cache".
func (p Peers) String() string {
	text := "workloads"
	if p.App != "" {
		text = "app " + p.App
	}
	for i, k := range slices.Sorted(maps.Keys(p.Labels)) {
		text += [...]string{" with ", ", "}[min(i, 1)] + k + "=" + p.Labels[k]
	}
	return text
}

// Match reports whether w is one of p, which must name somebody.
func (p Peers) Match(w *Workload) bool { return p.match(w.App, w.Labels) }

func (p Peers) match(app string, labels map[string]string) bool {
	if p.App != "" && p.App != app {
		return false
	}
	for k, v := range p.Labels {
		if has, ok := labels[k]; !ok || has != v {
			return false
		}
	}
	return p.App != "" || len(p.Labels) > 0
}

// Spread keeps the numbers of peers in the parts of the fleet alike. A part may
// get one more while it then holds at most MaxSkew more than the part with the
// fewest.
type Spread struct {
	Over      Level
	MaxSkew   int // at least 1
	Peers     Peers
	Preferred bool // rather than required
}

// Affinity draws a workload to where peers run, or keeps it apart from them.
type Affinity struct {
	Within    Level // how near counts as together
	Peers     Peers
	Apart     bool // away from them
	Preferred bool // rather than required
}

// Operator compares a node's label with a Requirement's values.
type Operator string

const (
	In          Operator = "in"
	NotIn       Operator = "not-in" // also met without the label
	Exists      Operator = "exists"
	NotExists   Operator = "not-exists"
	GreaterThan Operator = "greater-than" // as numbers
	LessThan    Operator = "less-than"
)

// Requirement is a demand on one label of a node.
type Requirement struct {
	Key      string
	Operator Operator
	Values   []string // one or more for In and NotIn, one number for GreaterThan and LessThan
}

// Met reports whether labels meet r.
func (r *Requirement) Met(labels map[string]string) bool {
	value, has := labels[r.Key]
	switch r.Operator {
	case In, NotIn:
		for _, v := range r.Values {
			if has && v == value {
				return r.Operator == In
			}
		}
		return r.Operator == NotIn
	case Exists:
		return has
	case NotExists:
		return !has
	}
	x, ok := decimal(value)
	bound, comparable := decimal(r.Values[0])
	if !has || !ok || !comparable {
		return false
	}
	if r.Operator == GreaterThan {
		return x > bound
	}
	return x < bound
}

// decimal reads a plain decimal number of up to 30 characters. Unlike strconv it
// allocates nothing for text that is none: labels are read for every node.
func decimal(text string) (x float64, ok bool) {
	digits, points := 0, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '.':
			points++
		case c == '-' && i == 0:
		default:
			return 0, false
		}
	}
	if digits == 0 || points > 1 || len(text) > 30 {
		return 0, false
	}
	x, err := strconv.ParseFloat(text, 64)
	return x, err == nil
}

func (r *Requirement) check() error {
	switch r.Operator {
	case In, NotIn:
		if len(r.Values) == 0 {
			return fmt.Errorf("label %s: %s needs values", r.Key, r.Operator)
		}
	case Exists, NotExists:
		if len(r.Values) > 0 {
			return fmt.Errorf("label %s: %s takes no values", r.Key, r.Operator)
		}
	case GreaterThan, LessThan:
		if len(r.Values) != 1 {
			return fmt.Errorf("label %s: %s takes one number", r.Key, r.Operator)
		}
		if _, ok := decimal(r.Values[0]); !ok {
			return fmt.Errorf("label %s: %q is not a decimal number", r.Key, r.Values[0])
		}
	default:
		return fmt.Errorf("label %s: operator %q is none of in, not-in, exists, not-exists, greater-than, less-than", r.Key, r.Operator)
	}
	if r.Key == "" {
		return fmt.Errorf("requirement without the key of a label")
	}
	return nil
}

// checkTopology reports what is wrong with the constraints of w about labels and
// company.
func (w *Workload) checkTopology() (field string, err error) {
	for i := range w.Requirements {
		if err := w.Requirements[i].check(); err != nil {
			return "requirements", err
		}
	}
	peers := func(p Peers) error {
		if p = p.Of(w); p.App == "" && len(p.Labels) == 0 {
			return fmt.Errorf("peers: names neither app nor labels, and the workload has no app of its own")
		}
		return nil
	}
	for _, s := range w.Spread {
		switch {
		case !s.Over.Known():
			return "spread.over", fmt.Errorf("spread over %q (want node, rack, zone, region or provider)", s.Over)
		case s.MaxSkew < 1:
			return "spread.max_skew", fmt.Errorf("spread over %ss: max skew %d is less than 1", s.Over, s.MaxSkew)
		}
		if err := peers(s.Peers); err != nil {
			return "spread.peers", fmt.Errorf("spread over %ss: %w", s.Over, err)
		}
	}
	for _, a := range w.Affinity {
		if !a.Within.Known() {
			return "affinity.within", fmt.Errorf("affinity within %q (want node, rack, zone, region or provider)", a.Within)
		}
		if err := peers(a.Peers); err != nil {
			return "affinity.peers", fmt.Errorf("affinity within the %s: %w", a.Within, err)
		}
	}
	switch {
	case w.MaxPerNode < 0:
		return "max_per_node", fmt.Errorf("max per node %d is negative", w.MaxPerNode)
	case w.MaxPerNode > 0 && w.App == "":
		return "max_per_node", fmt.Errorf("max per node counts workloads of one app, and the workload has none")
	case w.Runtime < 0:
		return "expected_runtime", fmt.Errorf("expected runtime %v is negative", w.Runtime)
	}
	return "", nil
}
