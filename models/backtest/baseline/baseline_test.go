package baseline

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

const step = time.Hour

// panel holds one workload per series of hourly values, all with a limit of 10.
func panel(n resource.Name, series ...[]float64) *backtest.Panel {
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	p := backtest.NewPanel(n, timeseries.Window{From: start, To: start.Add(40 * day)}, step)
	for _, values := range series {
		t := p.NewTrack("w", "")
		for i, v := range values {
			p.Add(t, &timeseries.Sample{
				Time:  p.Time(i),
				Usage: resource.Vector{}.With(n, v), Limit: resource.Vector{}.With(n, 10*unit(n)),
			})
		}
		p.Tracks = append(p.Tracks, t)
	}
	return p
}

func unit(n resource.Name) float64 {
	if isMemory(n) {
		return 1e9
	}
	return 1
}

// flat is days of one value, with the given ones at their hours.
func flat(days int, v float64, at map[int]float64) []float64 {
	values := make([]float64, days*24)
	for i := range values {
		values[i] = v
		if x, ok := at[i]; ok {
			values[i] = x
		}
	}
	return values
}

func TestEstimates(t *testing.T) {
	const origin = 20 * 24
	spikes := flat(20, 1, map[int]float64{origin - 30: 3, origin - 7*24 + 2: 4, origin - 10*24: 5, origin - 19*24: 6})
	memory := flat(20, 1e9, map[int]float64{origin - 30: 3e9, origin - 10*24: 5e9})
	for _, c := range []struct {
		of        Summed
		resource  resource.Name
		values    []float64
		want, off float64 // off is relative
	}{
		{Limit(), resource.CPU, spikes, 10, 0},
		{S(7), resource.CPU, spikes, 4, 0},
		{S(14), resource.CPU, spikes, 5, 0},
		{SA(), resource.CPU, spikes, 6, 0},
		{Seasonal(1, day), resource.CPU, spikes, 1, 0},
		{Seasonal(7, day), resource.CPU, spikes, 4, 0},
		// The percentiles of what is nearly constant are that constant.
		{VPA(), resource.CPU, spikes, 1 * 1.15, .05},
		{Autopilot(), resource.CPU, spikes, 1 * 1.10, .01},
		// The last eight daily peaks, the day before yesterday's weighing 1/2 of
		// about 2: the 90th percentile is that peak.
		{VPA(), resource.Memory, memory, 3e9 * 1.15, .05},
		// One hour of 3 GB among 48 h half-lives of 1 GB: over the 98th percentile.
		{Autopilot(), resource.Memory, memory, 3e9 * 1.10, .01},
		// Nothing is known: the limit.
		{VPA(), resource.CPU, nil, 0, 0},
	} {
		p := panel(c.resource, c.values)
		got := float64(c.of.Estimate(p, p.Tracks[0], []int{origin})[0])
		if got < c.want*(1-1e-6) || got > c.want*(1+c.off+1e-6) {
			t.Errorf("%s of %s estimates %g, want %g", c.of.Name(), c.resource, got, c.want)
		}
	}
}

// A load-adjusted percentile weighs a value by itself (Autopilot, 3.2.1): one
// hour of 8 among nineteen of 1 holds 8/27 of the load, so the 95th percentile
// is 8 where a plain one would still be 1.
func TestAutopilotAdjustsForLoad(t *testing.T) {
	values := flat(1, 1, map[int]float64{22: 8})[:24]
	p := panel(resource.CPU, values)
	if got := Autopilot().Estimate(p, p.Tracks[0], []int{24})[0]; math.Abs(float64(got)-8*1.1) > .1 {
		t.Errorf("estimated %g, want 8.8", got)
	}
}

func TestAutopilotFollowsTheLastHour(t *testing.T) {
	values := flat(10, 1, map[int]float64{239: 9})
	p := panel(resource.CPU, values)
	if got := Autopilot().Estimate(p, p.Tracks[0], []int{240})[0]; got < 9 {
		t.Errorf("estimated %g right after 9", got)
	}
}

// Two workloads that never peaked together: M takes credit, S does not, and
// calibration moves M towards the sum of all-time maxima.
func TestTogetherAndApart(t *testing.T) {
	const origin = 30 * 24
	p := panel(resource.CPU,
		flat(32, 1, map[int]float64{origin - 50: 5, 3: 8}),
		flat(32, 2, map[int]float64{origin - 40: 6}))
	machines := []*backtest.Machine{}
	machines = append(machines, backtest.RandomMachines(p, 2, 1, 1)...)
	cases, err := backtest.Contest{Panel: p, Machines: machines, Origins: []int{origin}, Horizon: day}.Run(
		context.Background(), []backtest.Contestant{M(21), S(21)})
	if err != nil {
		t.Fatal(err)
	}
	if m := cases[0][0]; m.Low != 7 || m.High != 14 || m.Actual != 3 || m.Limit != 20 {
		t.Errorf("M-21: %+v, want 7 up to 14 of 20, and 3 to come", m)
	}
	if s := cases[1][0]; s.Low != 11 || s.High != 14 {
		t.Errorf("S-21: %+v, want 11 up to 14", s)
	}
}

func rounded(x float32) float64 { return math.Round(float64(x)*1000) / 1000 }

// Nine tenths of one's usage over limit are at most .1, the rest .5: the 80th
// percentile over ten hours is .1 of the limit, the 95th .5 of it.
func TestRCLike(t *testing.T) {
	const origin = 240
	p := panel(resource.CPU, flat(12, 1, map[int]float64{origin - 3: 5}))
	track := p.Tracks[0]
	for _, c := range []struct {
		percent int
		window  time.Duration
		want    float64
	}{{80, googleWindow, 1}, {90, googleWindow, 1}, {95, googleWindow, 5}, {99, 7 * day, 1}, {100, 7 * day, 5}} {
		got := RCLike(c.percent, c.window).Estimate(p, track, []int{origin})[0]
		if math.Abs(float64(got)-c.want) > 10./shareBins+1e-6 {
			t.Errorf("RC-like(%d) over %v: %g, want %g", c.percent, c.window, got, c.want)
		}
	}
	if got := RCLike(99, googleWindow).Estimate(p, track, []int{coldSamples - 1})[0]; got != 10 {
		t.Errorf("cold: %g, want the limit", got)
	}
	if got := BorgDefault().Estimate(p, track, []int{origin})[0]; rounded(got) != 9 {
		t.Errorf("borg-default: %g, want 9", got)
	}
}

// Usage over limits is .3 in nine hours of ten and .8 in one: mean .35, sample
// standard deviation .158.
func TestNSigma(t *testing.T) {
	const origin = 240
	p := panel(resource.CPU, flat(12, 2, map[int]float64{origin - 5: 6}), flat(12, 4, map[int]float64{origin - 5: 10, origin - 20: 9}))
	machine := backtest.RandomMachines(p, 2, 1, 1)
	contest := backtest.Contest{Panel: p, Machines: machine, Origins: []int{origin}, Horizon: day}
	cases, err := contest.Run(context.Background(), []backtest.Contestant{Sigma(1), Sigma(5), Max("both", Sigma(1), Sigma(5))})
	if err != nil {
		t.Fatal(err)
	}
	deviation := math.Sqrt((9*.05*.05 + .45*.45) / 9)
	if got := cases[0][0].Low; math.Abs(float64(got)-20*(.35+deviation)) > 1e-3 {
		t.Errorf("one sigma: %g, want %g", got, 20*(.35+deviation))
	}
	if got := cases[1][0].Low; got != 20 {
		t.Errorf("five sigmas: %g, want at most the limits, 20", got)
	}
	if cases[2][0].Low != cases[1][0].Low {
		t.Errorf("the larger of %g and %g is %g", cases[0][0].Low, cases[1][0].Low, cases[2][0].Low)
	}
}

// A pod under a day old counts as its limit; an older flat one as 1.1 of its use,
// unless the node's own peaks fell together.
func TestKoordinator(t *testing.T) {
	p := panel(resource.CPU, flat(20, 2, nil), flat(20, 3, nil))
	machines := backtest.RandomMachines(p, 2, 1, 1)
	contest := backtest.Contest{Panel: p, Machines: machines, Origins: []int{23, 400}, Horizon: time.Hour}
	cases, err := contest.Run(context.Background(), []backtest.Contestant{Koordinator{}})
	if err != nil {
		t.Fatal(err)
	}
	if young := cases[0][0].Low; young != 20 {
		t.Errorf("young: %g, want the limits", young)
	}
	if old := float64(cases[0][1].Low); math.Abs(old-5.5) > .06 {
		t.Errorf("old: %g, want 5.5", old)
	}
	values, weights := []float32{9, 1, 1, 1}, []float32{1, 1, 1, 1}
	if got := weightedQuantile(values, weights, 10, .75); math.Abs(float64(got)-1) > 10./koordinatorBins {
		t.Errorf("third quartile %g, want 1", got)
	}
	if got := weightedQuantile(values, weights, 10, .9); math.Abs(float64(got)-9) > 10./koordinatorBins {
		t.Errorf("90th percentile %g, want 9", got)
	}
}

// Batch work gets its decayed mean: 1 for twelve hours, then 3 for twelve, is
// (1/2 + 3)/(1/2 + 1).
func TestAutopilotOfBatch(t *testing.T) {
	values := flat(1, 1, nil)
	for i := 12; i < 23; i++ {
		values[i] = 3
	}
	values[23] = 3
	p := panel(resource.CPU, values)
	p.Tracks[0].Class = workload.Batch
	mean := decayedMean(12*time.Hour)(p, p.Tracks[0], []int{24})[0]
	if want := (.5 + 3) / 1.5; math.Abs(float64(mean)-want) > 1e-3 {
		t.Errorf("decayed mean %g, want %g", mean, want)
	}
	if got := Autopilot().Estimate(p, p.Tracks[0], []int{24})[0]; got != 3 {
		t.Errorf("batch: %g, want the maximum of the last hour, 3", got)
	}
}
