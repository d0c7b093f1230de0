package models

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
)

// Past is what a workload's own past says of the maxima of spans: those of the
// whole ones, and the largest use so far. A past of part of a day tells what a day
// comes to at least, and no more.
type Past struct {
	Maxima  []float32 // newest first
	AtLeast float32
}

// settled is from how many whole spans on a past speaks for itself.
const settled = 7

// past returns the past of u, whose spanMaxima are maxima.
func (u *Usage) past(maxima []float32, g forecast.Grid) Past {
	const nearly = .01 // of a span: the last sample lies before its end
	whole := int(u.last.Sub(u.first).Seconds()/g.Span().Seconds() + nearly)
	return Past{maxima[:min(whole, len(maxima))], float32(u.Peak())}
}

// PastOf returns the past of s's use of n as it is known at now.
func PastOf(s *Subject, n resource.Name, now time.Time, g forecast.Grid) Past {
	u := s.usage(n)
	if u == nil {
		return Past{}
	}
	return u.past(u.spanMaxima(now, g), g)
}

// Settled reports whether the past speaks for itself.
func (p Past) Settled() bool { return len(p.Maxima) >= settled }

// Shrink draws own, a forecast that rests on the past of s alone, towards what
// workloads like s do. It stays as it is where the past is long or nobody is
// alike. Own is changed.
//
// The quantiles become those of the predictive distribution
//
//	(n F_own + c F_prior) / (n + c)
//
// after n whole spans (of a Dirichlet process; Ferguson, Annals of Statistics
// 1973), where the credibility c, the variance within workloads over that between
// them, is how many spans of its own outweigh the group (Bühlmann, ASTIN Bulletin
// 1967). Before the first whole span they are those of the group's maxima that
// reach what was seen. Profile, mean and peak are averaged with the same weights;
// no peak is below one that was seen.
func (p *Prior) Shrink(own forecast.Demand, past Past, s *Subject, g forecast.Grid) forecast.Demand {
	n := float64(len(past.Maxima))
	if past.Settled() || own.Limit <= 0 {
		return own
	}
	group, ok := p.group(s, own, g)
	if !ok || len(group.Points) == 0 {
		return own
	}
	prior := group.demand(own.Resource, own.Limit)
	z := float32(n / (n + float64(group.Credibility)))
	mix := func(own, prior float32) float32 { return z*own + (1-z)*prior }
	own.Peak = max(own.Peak, mix(own.Peak, prior.Peak))
	own.Mean = min(mix(own.Mean, prior.Mean), own.Peak)
	for k, v := range own.Profile {
		own.Profile[k] = min(mix(v, prior.Profile[k]), own.Peak)
	}
	own.Quantiles = predictive(past, group.Points, own.Limit, z)
	return own
}

// ShrinkSum is Shrink for what own adds to a sum: its quantiles stay.
func (p *Prior) ShrinkSum(own forecast.Demand, past Past, s *Subject, g forecast.Grid) forecast.Demand {
	quantiles := own.Quantiles
	own = p.Shrink(own, past, s, g)
	own.Quantiles = quantiles
	return own
}

// predictive returns the quantiles of the past's maxima, which weigh z in all, and
// of the points, shares of limit, which weigh the rest.
func predictive(past Past, points []float32, limit, z float32) []forecast.Quantile {
	type mass struct{ value, weight float32 }
	var all []mass
	for _, v := range past.Maxima {
		all = append(all, mass{min(v, limit), z / float32(len(past.Maxima))})
	}
	for _, share := range points {
		if v := share * limit; len(past.Maxima) > 0 || v >= past.AtLeast {
			all = append(all, mass{v, (1 - z) / float32(len(points))})
		}
	}
	if len(all) == 0 {
		all = append(all, mass{min(past.AtLeast, limit), 1})
	}
	slices.SortFunc(all, func(a, b mass) int { return cmp.Compare(a.value, b.value) })
	var total, below float64
	for _, m := range all {
		total += float64(m.weight)
	}
	var quantiles []forecast.Quantile
	i := -1
	for _, p := range levels {
		for i < len(all)-1 && below < p*total-1e-6 {
			i++
			below += float64(all[i].weight)
		}
		quantiles = append(quantiles, forecast.Quantile{P: p, Value: all[max(i, 0)].value})
	}
	return quantiles
}

// spread gathers how the maxima of like workloads vary, within each and between
// them. All amounts are shares of the limit.
type spread struct {
	workloads, cases, squares float64 // squares of the cases of each
	within                    float64 // squared deviations from each workload's mean
	sum, sq                   float64 // of the workloads' means, by their cases
}

func (s *spread) add(maxima []float32, limit float32) {
	n := float64(len(maxima))
	if n == 0 {
		return
	}
	var mean, deviations float64
	for _, v := range maxima {
		mean += float64(v/limit) / n
	}
	for _, v := range maxima {
		deviations += math.Pow(float64(v/limit)-mean, 2)
	}
	s.workloads++
	s.cases += n
	s.squares += n * n
	s.within += deviations
	s.sum += n * mean
	s.sq += n * mean * mean
}

// A credibility lies within these bounds; the least keeps the tail of the group in
// sight of a past of a few days.
const (
	leastCredibility = .05
	mostCredibility  = 20
)

// credibility estimates the ratio of the variance within workloads to that
// between them (Bühlmann and Gisler, A Course in Credibility Theory, 4.8).
func (s *spread) credibility() float32 {
	freedom := s.cases - s.workloads
	if s.workloads < 2 || freedom < 1 {
		return 1
	}
	within := s.within / freedom
	between := (s.sq - s.sum*s.sum/s.cases - (s.workloads-1)*within) / (s.cases - s.squares/s.cases)
	if between <= 0 {
		return mostCredibility
	}
	return float32(min(max(within/between, leastCredibility), mostCredibility))
}
