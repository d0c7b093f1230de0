package models

import (
	"hash/fnv"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/auspex-project/auspex/datasets"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/internal/sharedtest"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// Half of the machines of a month make the prior; the others are born in the
// middle of it, and the day ahead is forecast at several ages. At every age the
// blend must lose no more than the better of the two it is made of, but for
// noise.
func TestColdStartOfBitbrains(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a month of samples: run without -short")
	}
	file := sharedtest.Data(t, "bitbrains/2013-8.csv.gz")
	usage, err := datasets.OpenUsage(datasets.Ref{Format: "bitbrains", Path: file}, datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	g := forecast.DefaultGrid()
	builder := NewPriorBuilder(g)
	var born [][]timeseries.Sample
	var of []timeseries.Sample
	flush := func() {
		if len(of) < 12*24*20 {
			return
		}
		h := fnv.New32a()
		h.Write([]byte(of[0].Key.Workload))
		if h.Sum32()%2 == 0 {
			history := NewHistory(g)
			for i := range of {
				history.Add(&of[i])
			}
			s := Observed(history)
			builder.Add(ExampleOf(&s, history.Last(), g))
		} else {
			born = append(born, of[len(of)/3+int(h.Sum32()>>8)%288:])
		}
	}
	for s, err := range usage.Samples(t.Context()) {
		if err != nil {
			continue
		}
		if len(of) > 0 && of[0].Key.Workload != s.Key.Workload {
			flush()
			of = nil
		}
		of = append(of, s)
	}
	flush()
	prior := builder.Build()

	for _, n := range []resource.Name{resource.CPU, resource.Memory} {
		for _, age := range []time.Duration{2 * time.Hour, 12 * time.Hour, 24 * time.Hour, 3 * 24 * time.Hour, 6 * 24 * time.Hour} {
			var own, group, blend float64
			cases := 0
			for _, samples := range born {
				if losses, ok := coldLosses(samples, n, age, prior, g); ok {
					own, group, blend = own+losses[0], group+losses[1], blend+losses[2]
					cases++
				}
			}
			if cases < 100 {
				t.Fatalf("%d cases", cases)
			}
			c := float64(cases)
			t.Logf("%s at %v: own past %.4f, prior %.4f, blend %.4f of the limit, %d machines", n, age, own/c, group/c, blend/c, cases)
			if blend > 1.05*min(own, group) {
				t.Errorf("%s at %v: the blend loses %.4f, own past %.4f, prior %.4f", n, age, blend/c, own/c, group/c)
			}
		}
	}
}

// coldLosses are those of a machine's own past, its prior and both, as shares of
// the limit, over the levels.
func coldLosses(samples []timeseries.Sample, n resource.Name, age time.Duration, prior *Prior, g forecast.Grid) (losses [3]float64, ok bool) {
	birth := samples[0].Time
	h, after := NewHistory(g), NewHistory(g)
	for i := range samples {
		switch at := samples[i].Time; {
		case at.Before(birth.Add(age)):
			h.Add(&samples[i])
		case at.Before(birth.Add(age + g.Span())):
			after.Add(&samples[i])
		}
	}
	s := Observed(h)
	now := birth.Add(age)
	if h.Usage(n) == nil || after.Usage(n) == nil || s.Limit(n) <= 0 {
		return losses, false
	}
	own, okOwn := Percentiles{MinHistory: time.Hour}.Predict(&s, n, now, g)
	stranger := Subject{App: s.App, Class: s.Class, Queue: s.Queue, Limits: resource.Vector{}.With(n, s.Limit(n))}
	group, okGroup := prior.Predict(&stranger, n, now, g)
	blend, okBlend := NewChain(g, Link{Predictor: Percentiles{Prior: prior}}, Link{Predictor: prior}).of(&s, n, now)
	if !okOwn || !okGroup || !okBlend {
		return losses, false
	}
	actual := float64(after.Usage(n).peak)
	for k, d := range []forecast.Demand{own, group, blend} {
		losses[k] = meanLoss(d, actual, s.Limit(n))
	}
	return losses, true
}

// Of the apps of a made-up fleet, a quarter of the workloads are born when the
// others are known. Those of the same queue, app and size tell more of a newcomer
// than its class does, and its class more than all; and at every age the blend
// loses less than the own past, and no more than the group but for noise.
func TestColdStartOfApps(t *testing.T) {
	ref, err := datasets.ParseRef("synthetic:7,days=21,workloads=600,step=30m")
	if err != nil {
		t.Fatal(err)
	}
	usage, err := datasets.OpenUsage(ref, datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	lives := map[string][]timeseries.Sample{}
	for s, err := range usage.Samples(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		lives[s.Key.Workload] = append(lives[s.Key.Workload], s)
	}
	g := forecast.DefaultGrid()
	builder := NewPriorBuilder(g)
	var born [][]timeseries.Sample
	for i, id := range slices.Sorted(maps.Keys(lives)) {
		if i%4 == 0 {
			born = append(born, lives[id])
			continue
		}
		history := NewHistory(g)
		for k := range lives[id] {
			history.Add(&lives[id][k])
		}
		s := Observed(history)
		builder.Add(ExampleOf(&s, history.Last(), g))
	}
	prior := builder.Build()

	for _, n := range []resource.Name{resource.CPU, resource.Memory} {
		for _, age := range []time.Duration{2 * time.Hour, 12 * time.Hour, 24 * time.Hour, 3 * 24 * time.Hour, 6 * 24 * time.Hour} {
			var sums [5]float64 // own past, group, blend, class, all
			cases := 0.
			for _, samples := range born {
				losses, ok := coldLosses(samples, n, age, prior, g)
				if !ok {
					continue
				}
				s := samples[0].Key
				class, ok := coldLossOf(prior, Subject{Class: s.Class}, samples, n, age, g)
				all, okAll := coldLossOf(prior, Subject{}, samples, n, age, g)
				if !ok || !okAll {
					continue
				}
				for k, loss := range append(losses[:], class, all) {
					sums[k] += loss
				}
				cases++
			}
			if cases < 50 {
				t.Fatalf("%v cases", cases)
			}
			for k := range sums {
				sums[k] /= cases
			}
			t.Logf("%s at %v: own past %.4f, all %.4f, class %.4f, queue app and size %.4f, blend %.4f of the limit, %v workloads", n, age, sums[0], sums[4], sums[3], sums[1], sums[2], cases)
			if sums[1] > sums[3] || sums[3] > sums[4] {
				t.Errorf("%s at %v: those more alike tell less: %.4f, class %.4f, all %.4f", n, age, sums[1], sums[3], sums[4])
			}
			if sums[2] > sums[0] || sums[2] > 1.2*sums[1] {
				t.Errorf("%s at %v: the blend loses %.4f, own past %.4f, prior %.4f", n, age, sums[2], sums[0], sums[1])
			}
		}
	}
}

// coldLossOf is the loss of what the prior says of s, with the limit that samples
// have at an age.
func coldLossOf(prior *Prior, s Subject, samples []timeseries.Sample, n resource.Name, age time.Duration, g forecast.Grid) (float64, bool) {
	now, limit, actual := samples[0].Time.Add(age), 0., 0.
	for i := range samples {
		switch at := samples[i].Time; {
		case at.Before(now):
			limit = samples[i].Limit.Get(n)
		case at.Before(now.Add(g.Span())):
			actual = max(actual, min(samples[i].Usage.Get(n), samples[i].Limit.Get(n)))
		}
	}
	s.Limits = resource.Vector{}.With(n, limit)
	d, ok := prior.Predict(&s, n, now, g)
	return meanLoss(d, actual, limit), ok && limit > 0
}

// meanLoss is the pinball loss of a demand as a share of the limit, over the levels.
func meanLoss(d forecast.Demand, actual, limit float64) (loss float64) {
	for _, q := range d.Quantiles {
		y := (actual - float64(q.Value)) / limit
		loss += max(q.P*y, (q.P-1)*y) / float64(len(levels))
	}
	return loss
}

func (c *Chain) of(s *Subject, n resource.Name, now time.Time) (forecast.Demand, bool) {
	f, _ := c.Forecast(s, now)
	d, ok := f.Demand(n)
	if !ok {
		return forecast.Demand{}, false
	}
	return *d, true
}
