package models

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

var monday = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

func sampleAt(t time.Time, cores float64) *timeseries.Sample {
	return &timeseries.Sample{
		Key: timeseries.Key{Workload: "w", App: "a", Queue: "q"}, Time: t,
		Usage: resource.Vector{}.With(resource.CPU, cores), Limit: resource.Vector{}.With(resource.CPU, 4),
	}
}

// A history of samples in any order, some of them twice, remembers of each slot
// what a map of all samples says.
func TestHistoryRemembersWhatAMapWould(t *testing.T) {
	const step = 5 * time.Minute
	rapid.Check(t, func(t *rapid.T) {
		h := NewHistory(forecast.DefaultGrid())
		values := map[int]float64{} // by step
		newest := 0
		for range rapid.IntRange(1, 300).Draw(t, "samples") {
			// Mostly onwards, sometimes back by up to the slots that tell late samples
			// from repeated ones.
			i := newest + rapid.IntRange(-12*(recentSlots-2), 60).Draw(t, "move")
			if i < 0 {
				continue
			}
			v, repeated := values[i]
			if !repeated {
				v = float64(rapid.IntRange(0, 40).Draw(t, "value")) / 10
				values[i] = v
			}
			newest = max(newest, i)
			h.Add(sampleAt(monday.Add(time.Duration(i)*step), v))
		}
		u := h.Usage(resource.CPU)
		if u == nil {
			return
		}
		if u.samples != int64(len(values)) {
			t.Fatalf("%d samples counted, want %d", u.samples, len(values))
		}
		for slot := range newest/12 + 1 {
			largest, sum, n := 0.0, 0.0, 0.0
			for i := slot * 12; i < slot*12+12; i++ {
				if v, ok := values[i]; ok {
					largest, sum, n = math.Max(largest, v), sum+v, n+1
				}
			}
			number := u.slots.number(monday) + int64(slot)
			gotMax, ok := u.slots.maxAt(number)
			gotMean, _ := u.slots.meanAt(number)
			inMemory := newest/12-slot < len(u.slots.max)
			if ok != (n > 0 && inMemory) {
				t.Fatalf("slot %d: seen is %v, want %v of %g samples", slot, ok, n > 0, n)
			}
			if ok && (math.Abs(float64(gotMax)-largest) > 1e-5 || math.Abs(float64(gotMean)-sum/n) > 1e-5) {
				t.Fatalf("slot %d: max %g mean %g, want %g and %g", slot, gotMax, gotMean, largest, sum/n)
			}
		}
	})
}

func TestHistoryForgetsAfterItsMemory(t *testing.T) {
	h := NewHistory(forecast.DefaultGrid())
	h.Add(sampleAt(monday, 3))
	later := monday.Add(Memory + 48*time.Hour)
	h.Add(sampleAt(later, 1))
	u := h.Usage(resource.CPU)
	if _, ok := u.slots.maxAt(u.slots.number(monday)); ok {
		t.Error("a slot from before the memory is still there")
	}
	if u.Peak() != 1 {
		t.Errorf("the largest usage of the memory is %g, want 1", u.Peak())
	}
	h.Add(sampleAt(monday.Add(time.Hour), 3.5)) // far too late
	if u.Peak() != 1 || u.samples != 2 {
		t.Errorf("after a sample from before the memory: peak %g, %d samples; want 1 and 2", u.Peak(), u.samples)
	}
}

// The peak is the largest of the slots that are remembered, whatever came in what order.
func TestPeakIsThatOfTheMemory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := NewHistory(forecast.DefaultGrid())
		at, n := monday, rapid.IntRange(1, 60).Draw(t, "samples")
		for range n {
			at = at.Add(time.Duration(rapid.IntRange(-20, 90).Draw(t, "hours")) * time.Hour)
			h.Add(sampleAt(at, float64(rapid.IntRange(0, 5).Draw(t, "usage"))))
		}
		u, want := h.Usage(resource.CPU), float32(0)
		for back := range int64(len(u.slots.max)) {
			if v, ok := u.slots.maxAt(u.slots.newest - back); ok {
				want = max(want, v)
			}
		}
		if got := float32(u.Peak()); got != want {
			t.Fatalf("%g, want %g", got, want)
		}
	})
}

func TestHistoryOfLimits(t *testing.T) {
	h := NewHistory(forecast.DefaultGrid())
	add := func(minutes int, usage, limit float64) {
		s := sampleAt(monday.Add(time.Duration(minutes)*time.Minute), usage)
		s.Limit = resource.Vector{}.With(resource.CPU, limit)
		h.Add(s)
	}
	add(0, 6, 4) // over its limit: counts as the limit, and as held down by it
	add(5, 3, 8)
	add(10, 0, 0) // switched off
	u := h.Usage(resource.CPU)
	if u.Limit() != 8 || u.Peak() != 4 {
		t.Errorf("limit %g, peak %g; want 8 and 4", u.Limit(), u.Peak())
	}
	if hits := u.hits.mean(); hits < .3 || hits > .34 {
		t.Errorf("share of samples at the limit is %g, want about a third", hits)
	}
	add(15, 1, 2)
	if u.Peak() != 2 {
		t.Errorf("peak under a lowered limit is %g, want 2", u.Peak())
	}
}

func TestHistoryLeavesOutWhatIsNoAmount(t *testing.T) {
	h := NewHistory(forecast.DefaultGrid())
	for _, v := range []float64{math.NaN(), math.Inf(1), -1} {
		h.Add(sampleAt(monday, v))
	}
	if names := h.Resources(); len(names) != 0 {
		t.Errorf("resources %v were remembered of amounts that are none", names)
	}
}

// Decayed averages do not depend on the order samples come in.
func TestMomentTakesLateValues(t *testing.T) {
	const half = 6 * time.Hour
	var inOrder, late moment
	at := func(hours int) time.Time { return monday.Add(time.Duration(hours) * time.Hour) }
	inOrder.add(at(0), 0, half, 10)
	inOrder.add(at(3), 0, half, 4)
	inOrder.add(at(6), 0, half, 1)
	late.add(at(0), 0, half, 10)
	late.add(at(6), 0, half, 1)
	late.add(at(6), 3*time.Hour, half, 4)
	if math.Abs(inOrder.mean()-late.mean()) > 1e-12 || math.Abs(inOrder.sd()-late.sd()) > 1e-12 {
		t.Errorf("in order: %g ± %g, late: %g ± %g", inOrder.mean(), inOrder.sd(), late.mean(), late.sd())
	}
	want := (10*.5 + 4*math.Sqrt(.5) + 1) / (.5 + math.Sqrt(.5) + 1)
	if math.Abs(inOrder.mean()-want) > 1e-12 {
		t.Errorf("mean %g, want %g", inOrder.mean(), want)
	}
}

func TestHistogramQuantileIsWithinABucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(.02, 500), 1, 200).Draw(t, "values")
		p := rapid.Float64Range(.01, 1).Draw(t, "p")
		h := NewHistogram(.01, 1.05, time.Hour)
		plain := make([]float32, len(values))
		for i, v := range values {
			h.Add(monday, v, 1)
			plain[i] = float32(v)
		}
		want := float64(selectQuantile(plain, p))
		if got := h.Quantile(p); got < want*(1-1e-6) || got > want*1.05*(1+1e-6) {
			t.Fatalf("the %g-quantile is %g, want %g or up to a bucket more", p, got, want)
		}
	})
}

func TestHistogramForgets(t *testing.T) {
	h := NewHistogram(.01, 1.05, time.Hour)
	for i := range 1000 {
		h.Add(monday.Add(time.Duration(i)*time.Minute), 100, 1)
	}
	for i := range 100 { // after 100 half-lives, past a renewal of the reference
		h.Add(monday.Add(100*time.Hour+time.Duration(i)*time.Minute), 1, 1)
	}
	if got := h.Quantile(.999); got > 1.05 {
		t.Errorf("a hundred half-lives later the quantile is still %g, want about 1", got)
	}
	endless := NewHistogram(.01, 1.05, time.Hour)
	endless.Add(monday, math.Inf(1), 1)
	if got := endless.Quantile(1); got < 1e9 {
		t.Errorf("the largest of what has no bounds is %g", got)
	}
	if got := NewHistogram(1, 2, time.Hour).Quantile(.5); !math.IsNaN(got) {
		t.Errorf("the quantile of nothing is %g, want NaN", got)
	}
}
