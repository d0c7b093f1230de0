package models

import (
	"math"
	"slices"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// Subject is one workload as predictors see it: what it said of itself and what
// was seen of it. Either may be missing.
type Subject struct {
	ID, App, Queue string
	Class          workload.Class
	Limits         resource.Vector // what it may use at most, as described; base units
	History        *History        // nil when it was never seen
}

// Describe returns w as a subject, with its history, nil when there is none. Its
// class is w's, or the one its samples carried where w has none.
func Describe(w *workload.Workload, h *History) Subject {
	s := Subject{ID: w.ID, App: w.App, Queue: w.Queue, Class: w.Class, Limits: w.Requests.Max(w.Limits), History: h}
	for n, limit := range w.Limits.All() {
		s.Limits = s.Limits.With(n, limit)
	}
	if h != nil && s.Class == "" {
		s.Class = h.Key.Class
	}
	return s
}

// Observed returns the subject of a history whose workload has not described
// itself.
func Observed(h *History) Subject {
	return Subject{ID: h.Key.Workload, App: h.Key.App, Queue: h.Key.Queue, Class: h.Key.Class, History: h}
}

// Limit returns what s may use of n at most: as described, else as last
// measured, 0 when unknown.
func (s *Subject) Limit(n resource.Name) float64 {
	if s.Limits.Has(n) {
		return s.Limits.Get(n)
	}
	if u := s.usage(n); u != nil {
		return u.limit
	}
	return 0
}

// resources returns what can be said anything about, sorted.
func (s *Subject) resources() []resource.Name {
	var names []resource.Name
	for n := range s.Limits.All() {
		names = append(names, n)
	}
	if s.History != nil {
		names = append(names, s.History.Resources()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (s *Subject) usage(n resource.Name) *Usage {
	if s.History == nil {
		return nil
	}
	return s.History.Usage(n)
}

// shape is the size class of a limit, for grouping like with like: its power
// of two, in cores or in bytes. Unknown limits share one shape.
func shape(limit float64) int {
	if limit <= 0 {
		return math.MinInt16
	}
	return int(math.Round(math.Log2(limit)))
}
