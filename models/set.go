package models

import (
	"maps"
	"slices"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// AnyClass stands for every class without a model of its own.
const AnyClass workload.Class = "*"

// Target is what a learned model predicts: one resource of one class.
type Target struct {
	Class    workload.Class
	Resource resource.Name
}

// Champion is a learned model in service, and the id of its artefact. A nil
// Model says that the class is served by what stands behind it in the chain.
type Champion struct {
	ID    string
	Model *Learned
	Fell  bool // there is no model though one served, or should
}

// ProfilerChallenger is a profiler in shadow, the id of its artefact, and the margins
// of sums of it, none before a night has calibrated them.
type ProfilerChallenger struct {
	ID      string
	Model   *Profiler
	Margins forecast.Margins
}

// Set is everything forecasts are made with: what a night of training has left
// in service. The zero Set with a Grid predicts by percentiles and limits. It
// must not change once in use.
type Set struct {
	Grid      forecast.Grid
	Champions map[Target]Champion

	// Challengers are in shadow: asked and judged, but nothing rests on them.
	Challengers map[Target]Champion

	// Profilers tell what workloads add to sums slot by slot, and ProfilerIDs are
	// their artefacts. Without one that is told from earlier days.
	Profilers   map[resource.Name]*Profiler
	ProfilerIDs map[resource.Name]string

	// ProfilerChallengers are in shadow of them.
	ProfilerChallengers map[resource.Name]ProfilerChallenger

	Prior     *Prior // nil when none was fitted
	PriorID   string
	Margins   forecast.Margins
	MarginsID string

	ClassifierID string // artefact of what tells classes, "" when none does
}

// WithProfiler returns s as it would be with a challenger in service.
func (s *Set) WithProfiler(n resource.Name, c ProfilerChallenger) *Set {
	with := *s
	with.Profilers, with.ProfilerIDs = maps.Clone(s.Profilers), maps.Clone(s.ProfilerIDs)
	with.Profilers[n], with.ProfilerIDs[n] = c.Model, c.ID
	return &with
}

// Chain returns the fallback chain: learned, percentiles, prior, limit.
func (s *Set) Chain() *Chain {
	links := []Link{
		{forecast.Learned, string(forecast.Learned), champions{s.Champions, s.Prior, s.Profilers}},
		{forecast.Percentile, string(forecast.Percentile), s.Percentiles()},
	}
	if s.Prior != nil {
		links = append(links, Link{forecast.Prior, s.PriorID, s.Prior})
	}
	return NewChain(s.Grid, append(links, Link{forecast.Limit, string(forecast.Limit), AtLimit{}})...)
}

// Percentiles returns the link of the chain behind the learned models.
func (s *Set) Percentiles() Percentiles { return Percentiles{Prior: s.Prior, Profilers: s.Profilers} }

// Champion returns the learned model that serves t: its own, or that of any
// class. ok is false where none does.
func (s *Set) Champion(t Target) (c Champion, ok bool) {
	c, _ = champions{by: s.Champions}.of(t.Class, t.Resource)
	return c, c.Model != nil
}

// LearnedOf returns the artefacts of the learned models that serve n, sorted.
func (s *Set) LearnedOf(n resource.Name) []string {
	ids := []string{}
	for target, c := range s.Champions {
		if target.Resource == n && c.Model != nil {
			ids = append(ids, c.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// RoleOf returns the target whose champion serves t: t itself, or that of any
// class.
func (s *Set) RoleOf(t Target) Target {
	if _, ok := s.Champions[t]; ok {
		return t
	}
	return Target{AnyClass, t.Resource}
}

// champions asks the model of the subject's class, or the one for any class. What
// a young workload adds to a sum is drawn towards the prior, as that of
// percentiles is; the quantiles are the model's.
type champions struct {
	by        map[Target]Champion
	prior     *Prior
	profilers map[resource.Name]*Profiler
}

var _ Predictor = champions{}

func (c champions) Predict(s *Subject, n resource.Name, now time.Time, g forecast.Grid) (forecast.Demand, bool) {
	champion, ok := c.of(s.Class, n)
	if !ok || champion.Model == nil {
		return forecast.Demand{}, false
	}
	d, ok := champion.Model.Predict(s, n, now, g)
	if !ok {
		return d, false
	}
	past := PastOf(s, n, now, g)
	c.profilers[n].refine(&d, s, now, past)
	return c.prior.ShrinkSum(d, past, s, g), true
}

// ModelOf returns the id of the artefact that predicts n of s.
func (c champions) ModelOf(s *Subject, n resource.Name) string {
	champion, _ := c.of(s.Class, n)
	return champion.ID
}

func (c champions) of(class workload.Class, n resource.Name) (Champion, bool) {
	if champion, ok := c.by[Target{class, n}]; ok {
		return champion, true
	}
	champion, ok := c.by[Target{AnyClass, n}]
	return champion, ok
}
