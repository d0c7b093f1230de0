package models

import (
	"hash/fnv"
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
		for _, q := range d.Quantiles {
			y := (actual - float64(q.Value)) / s.Limit(n)
			losses[k] += max(q.P*y, (q.P-1)*y) / float64(len(levels))
		}
	}
	return losses, true
}

func (c *Chain) of(s *Subject, n resource.Name, now time.Time) (forecast.Demand, bool) {
	f, _ := c.Forecast(s, now)
	d, ok := f.Demand(n)
	if !ok {
		return forecast.Demand{}, false
	}
	return *d, true
}
