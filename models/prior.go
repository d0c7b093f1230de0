package models

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
)

// Prior predicts a workload from the workloads most like it: those of the same
// queue, app and size of limit, else of its class, else all. It needs a limit. The
// little a young workload has been seen to use counts as far as it is credible.
type Prior struct {
	grid   forecast.Grid
	groups map[string]priorGroup
}

var _ Predictor = (*Prior)(nil)

// priorGroup is how like workloads use a resource, as shares of their limits.
type priorGroup struct {
	Workloads int       `json:"workloads"`
	Profile   []float32 `json:"profile"` // mean over the workloads, by slot
	Mean      float32   `json:"mean"`
	Peak      float32   `json:"peak"`      // passed by 2 % of them
	Quantiles []float32 `json:"quantiles"` // of the maximum over a span, by Levels

	// Points are priorPoints quantiles of the maxima, evenly spaced, and Credibility
	// is what they weigh: see Shrink. Both are missing in priors of old.
	Points      []float32 `json:"points,omitempty"`
	Credibility float32   `json:"credibility,omitempty"`
}

const priorPoints = 100

// priorPeak is the quantile of the workloads' peaks that stands for a new one's.
const priorPeak = .98

func (p *Prior) Predict(s *Subject, n resource.Name, now time.Time, g forecast.Grid) (forecast.Demand, bool) {
	limit := s.Limit(n)
	group, ok := p.group(s, forecast.Demand{Resource: n, Limit: float32(limit)}, g)
	if !ok {
		return forecast.Demand{}, false
	}
	d := group.demand(n, float32(limit))
	u := s.usage(n)
	if u == nil {
		return d, true
	}
	if own, ok := ownDemand(u, limit, now, g); ok && len(group.Points) > 0 {
		return p.Shrink(own, u.past(u.spanMaxima(now, g), g), s, g), true
	}
	d.Peak = min(d.Limit, max(d.Peak, float32(u.Peak()))) // what it has already used counts
	return d, true
}

// group returns those most like s that are known, by the limit of d.
func (p *Prior) group(s *Subject, d forecast.Demand, g forecast.Grid) (priorGroup, bool) {
	if p == nil || d.Limit <= 0 || g != p.grid {
		return priorGroup{}, false
	}
	for _, key := range priorKeys(s, d.Resource, float64(d.Limit)) {
		if group, ok := p.groups[key]; ok {
			return group, true
		}
	}
	return priorGroup{}, false
}

// demand scales the group to a limit.
func (p priorGroup) demand(n resource.Name, limit float32) forecast.Demand {
	d := forecast.Demand{Resource: n, Limit: limit, Mean: p.Mean * limit, Peak: p.Peak * limit}
	for _, share := range p.Profile {
		d.Profile = append(d.Profile, min(share*limit, d.Peak))
	}
	for i, share := range p.Quantiles {
		d.Quantiles = append(d.Quantiles, forecast.Quantile{P: levels[i], Value: min(share*limit, limit)})
	}
	return d
}

// priorKeys names the groups that s belongs to for n, most alike first.
func priorKeys(s *Subject, n resource.Name, limit float64) []string {
	return []string{
		strings.Join([]string{string(n), "like", s.Queue, s.App, fmt.Sprint(shape(limit))}, "\x00"),
		strings.Join([]string{string(n), "class", string(s.Class)}, "\x00"),
		string(n),
	}
}

// PriorBuilder gathers workloads for a Prior. It is not safe for concurrent use.
type PriorBuilder struct {
	grid   forecast.Grid
	groups map[string]*priorSums
}

// NewPriorBuilder returns a builder of priors over g.
func NewPriorBuilder(g forecast.Grid) *PriorBuilder {
	return &PriorBuilder{grid: g, groups: map[string]*priorSums{}}
}

type priorSums struct {
	workloads int
	profile   []float64
	mean      float64
	peaks     thinned
	maxima    thinned
	spread    spread
}

// Example is what one workload says about those like it, per resource and group.
type Example []examplePart

type examplePart struct {
	keys   []string
	demand forecast.Demand
	limit  float32
	maxima []float32 // of spans
}

// endedAfter is the silence after which a workload is taken to have ended.
const endedAfter = 2 * time.Hour

// ExampleOf returns what s says as it was at now. Workloads without a limit say
// nothing about others; nor do those that run for less than a day yet, whose
// peaks are still to come. Those that ended count however short they were.
func ExampleOf(s *Subject, now time.Time, g forecast.Grid) Example {
	var e Example
	if s.History == nil {
		return e
	}
	for _, n := range s.History.Resources() {
		u, limit := s.History.Usage(n), s.Limit(n)
		if limit <= 0 || u.last.Sub(u.first) < minOwn && now.Sub(u.last) < endedAfter {
			continue
		}
		d, ok := ownDemand(u, limit, now, g)
		if !ok {
			continue
		}
		e = append(e, examplePart{priorKeys(s, n, limit), d, float32(limit), u.spanMaxima(now, g)})
	}
	return e
}

// Add counts an example.
func (b *PriorBuilder) Add(e Example) {
	for _, part := range e {
		for _, key := range part.keys {
			if b.groups[key] == nil {
				b.groups[key] = &priorSums{profile: make([]float64, b.grid.Slots)}
			}
			b.groups[key].add(part.demand, part.limit, part.maxima)
		}
	}
}

func (p *priorSums) add(d forecast.Demand, limit float32, maxima []float32) {
	p.workloads++
	for k, v := range d.Profile {
		p.profile[k] += float64(v / limit)
	}
	p.mean += float64(d.Mean / limit)
	p.peaks.add(d.Peak / limit)
	p.spread.add(maxima, limit)
	for _, v := range maxima {
		p.maxima.add(min(v/limit, 1))
	}
}

// minAlike is how many workloads a group needs before it stands for others.
const minAlike = 5

// Build returns the prior of what was added.
func (b *PriorBuilder) Build() *Prior {
	p := &Prior{grid: b.grid, groups: map[string]priorGroup{}}
	for key, sums := range b.groups {
		if sums.workloads < minAlike || len(sums.maxima.values) == 0 {
			continue
		}
		p.groups[key] = sums.group()
	}
	return p
}

func (p *priorSums) group() priorGroup {
	n := float64(p.workloads)
	peaks, maxima := p.peaks.values, p.maxima.values
	slices.Sort(peaks)
	slices.Sort(maxima)
	g := priorGroup{Workloads: p.workloads, Mean: float32(p.mean / n), Peak: quantileOf(peaks, priorPeak), Credibility: p.spread.credibility()}
	for _, sum := range p.profile {
		g.Profile = append(g.Profile, min(float32(sum/n), g.Peak))
	}
	for _, level := range levels {
		g.Quantiles = append(g.Quantiles, quantileOf(maxima, level))
	}
	for i := range priorPoints {
		g.Points = append(g.Points, quantileOf(maxima, (float64(i)+.5)/priorPoints))
	}
	return g
}

// Groups returns the number of groups, for reports.
func (p *Prior) Groups() int { return len(p.groups) }

type priorFileContent struct {
	SlotSeconds int64                 `json:"slot_seconds"`
	Slots       int                   `json:"slots"`
	Groups      map[string]priorGroup `json:"groups"`
}

const priorFile = "prior.json"

// Encode returns p as the files of an artefact.
func (p *Prior) Encode() (map[string][]byte, error) {
	data, err := json.Marshal(priorFileContent{int64(p.grid.Slot / time.Second), p.grid.Slots, p.groups})
	if err != nil {
		return nil, fmt.Errorf("encode prior: %w", err)
	}
	return map[string][]byte{priorFile: data}, nil
}

// DecodePrior reads what Encode wrote.
func DecodePrior(files map[string][]byte) (*Prior, error) {
	var c priorFileContent
	if err := json.Unmarshal(files[priorFile], &c); err != nil {
		return nil, fmt.Errorf("decode prior: %s: %w", priorFile, err)
	}
	p := &Prior{grid: forecast.Grid{Slot: time.Duration(c.SlotSeconds) * time.Second, Slots: c.Slots}, groups: c.Groups}
	if err := p.grid.Validate(); err != nil {
		return nil, fmt.Errorf("decode prior: %w", err)
	}
	for key, g := range p.groups {
		if err := g.check(p.grid); err != nil {
			return nil, fmt.Errorf("decode prior: group %q: %w", key, err)
		}
	}
	return p, nil
}

func (p priorGroup) check(g forecast.Grid) error {
	if len(p.Profile) != g.Slots || len(p.Quantiles) != len(levels) {
		return fmt.Errorf("%d slots and %d quantiles (want %d and %d)", len(p.Profile), len(p.Quantiles), g.Slots, len(levels))
	}
	if len(p.Points) > 0 && !(p.Credibility >= leastCredibility && p.Credibility <= mostCredibility) {
		return fmt.Errorf("credibility %g is not between %g and %d", p.Credibility, leastCredibility, mostCredibility)
	}
	for _, share := range slices.Concat(p.Profile, p.Quantiles, p.Points, []float32{p.Peak, p.Mean}) {
		if !(share >= 0 && share <= 1) || math.IsNaN(float64(share)) {
			return fmt.Errorf("share %g is not between 0 and 1", share)
		}
	}
	return nil
}
