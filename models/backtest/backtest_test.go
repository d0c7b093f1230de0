package backtest

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

var start = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

const step = 15 * time.Minute

// randomPanel has gaps, late arrivals and changing limits.
func randomPanel(tracks, days int, seed uint64) *Panel {
	rng := rand.New(rand.NewPCG(seed, 0))
	p := NewPanel(resource.CPU, timeseries.Window{From: start, To: start.Add(time.Duration(days) * 24 * time.Hour)}, step)
	for range tracks {
		t := p.NewTrack("w", "")
		limit := 4.0
		for i := rng.IntN(p.Steps / 2); i < p.Steps; i++ {
			if rng.Float64() < .02 {
				limit = float64(1 + rng.IntN(8))
			}
			if rng.Float64() < .1 {
				continue
			}
			s := timeseries.Sample{
				Time:  p.Time(i).Add(time.Duration(rng.Int64N(int64(step)))),
				Usage: resource.Vector{}.With(resource.CPU, 9*rng.Float64()*rng.Float64()),
				Limit: resource.Vector{}.With(resource.CPU, limit),
			}
			p.Add(t, &s)
		}
		p.Tracks = append(p.Tracks, t)
	}
	return p
}

// half predicts half of the limits, towards all of them.
type half struct{}

func (half) Name() string              { return "half" }
func (half) Enter(*Panel, []int) Entry { return half{} }
func (half) Bounds(_ int, at Membership, _ *Sum) (low, high float32) {
	return at.Limit / 2, at.Limit
}

// The oracle is the largest sum over the horizon of the usages of those present
// at the origin, each at most its limit then.
func TestOracleIsThatOfADumbLoop(t *testing.T) {
	p := randomPanel(12, 4, 1)
	machines := RandomMachines(p, 4, 2, 1)
	origins := []int{96, 100, 192, 260}
	cases, err := Contest{Panel: p, Machines: machines, Origins: origins, Horizon: 6 * time.Hour}.Run(context.Background(), []Contestant{half{}})
	if err != nil {
		t.Fatal(err)
	}
	if len(cases[0]) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range cases[0] {
		var want, limits float64
		for i := c.Origin; i < c.Origin+24; i++ {
			var sum float64
			limits = 0
			for _, member := range machines[c.Machine].Members {
				track := p.Tracks[member.Track]
				if !track.Present(c.Origin, presence) {
					continue
				}
				limits += float64(track.Limit(c.Origin))
				if v := float64(track.At(i)); v == v {
					sum += math.Min(v, float64(track.Limit(c.Origin)))
				}
			}
			want = math.Max(want, sum)
		}
		if math.Abs(float64(c.Actual)-want) > 1e-4 || math.Abs(float64(c.Limit)-limits) > 1e-4 {
			t.Errorf("machine %d at %d: oracle %g of %g, want %g of %g", c.Machine, c.Origin, c.Actual, c.Limit, want, limits)
		}
	}
}

// Nothing a contestant is told before an origin depends on what comes after.
func TestNoCaseKnowsItsFuture(t *testing.T) {
	const origin = 192
	p, q := randomPanel(8, 4, 2), randomPanel(8, 4, 2)
	for _, track := range q.Tracks {
		for i := origin; i < q.Steps; i++ {
			track.put(i, 7)
		}
		track.limits = slices.DeleteFunc(track.limits, func(l limit) bool { return l.from >= origin })
		track.limits = append(track.limits, limit{origin, 100})
	}
	for k := range p.Tracks {
		a, b := p.Tracks[k], q.Tracks[k]
		if a.Present(origin, presence) != b.Present(origin, presence) || a.Limit(origin) != b.Limit(origin) {
			t.Errorf("track %d: present %v under %g, or %v under %g", k, a.Present(origin, presence), a.Limit(origin), b.Present(origin, presence), b.Limit(origin))
		}
	}
}

func TestRandomMachines(t *testing.T) {
	p := randomPanel(11, 1, 3)
	machines := RandomMachines(p, 3, 4, 9)
	if len(machines) != 3*4 {
		t.Fatalf("%d machines of 3 from 11 tracks four times, want 12", len(machines))
	}
	for replicate := range slices.Chunk(machines, 3) {
		seen := map[int]bool{}
		for _, m := range replicate {
			for _, member := range m.Members {
				if seen[member.Track] {
					t.Errorf("track %d is on two machines of a replicate", member.Track)
				}
				seen[member.Track] = true
			}
		}
	}
	again := RandomMachines(p, 3, 4, 9)
	for i := range machines {
		if !slices.Equal(machines[i].Members, again[i].Members) {
			t.Error("the same seed deals other hands")
		}
	}
}

func TestJudge(t *testing.T) {
	cases := []Case{
		{Limit: 10, Actual: 4, Low: 5, High: 8},
		{Limit: 10, Actual: 8, Low: 6, High: 8}, // violated by a quarter
		{Limit: 20, Actual: 1, Low: 5, High: 5},
	}
	s := Judge(cases, 0)
	if s.Cases != 3 || math.Abs(s.ViolationRate-1./3) > 1e-9 || math.Abs(s.SeverityMean-.25) > 1e-6 || math.Abs(s.Savings-.6) > 1e-6 {
		t.Errorf("raw: %+v", s)
	}
	if want := .6 / (1 - 13./40); math.Abs(s.OracleShare-want) > 1e-6 || math.Abs(Oracle(cases)-27./40) > 1e-9 {
		t.Errorf("share of the oracle %g, want %g", s.OracleShare, want)
	}
	if s := Judge(cases, 1); s.ViolationRate != 0 {
		t.Errorf("at the sum of peaks: %+v", s)
	}
	if s := Judge(nil, 0); s != (Score{}) {
		t.Errorf("of nothing: %+v", s)
	}
}

// The margin of past cases keeps its promise on them.
func TestMarginHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var cases []Case
		for range rapid.IntRange(50, 200).Draw(t, "cases") {
			low := rapid.Float32Range(0, 10).Draw(t, "low")
			cases = append(cases, Case{Limit: 20, Low: low, High: low + rapid.Float32Range(0, 5).Draw(t, "gap"), Actual: rapid.Float32Range(0, 20).Draw(t, "actual")})
		}
		risk := rapid.Float64Range(.05, .5).Draw(t, "risk")
		q, ok := Margin(cases, risk)
		if !ok {
			t.Fatal("fifty cases are enough for 5 %")
		}
		if s := Judge(cases, q); s.ViolationRate > risk+1e-9 {
			t.Fatalf("margin %g is passed in %g of the cases, promised %g", q, s.ViolationRate, risk)
		}
	})
}

func TestPinball(t *testing.T) {
	for _, c := range []struct{ p, q, y, want float64 }{{.9, 1, 2, .9}, {.9, 2, 1, .1}, {.5, 3, 3, 0}} {
		if got := Pinball(c.p, c.q, c.y); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("Pinball(%g, %g, %g) = %g, want %g", c.p, c.q, c.y, got, c.want)
		}
	}
}

func TestLastStepOfATraceThatThinsOut(t *testing.T) {
	p := NewPanel(resource.CPU, timeseries.Window{From: start, To: start.Add(10 * step)}, step)
	for k, length := range []int{8, 8, 8, 10} {
		track := p.NewTrack("w", "")
		for i := range length {
			track.put(i, float32(k))
		}
		p.Tracks = append(p.Tracks, track)
	}
	if last := p.Last(); last != 7 {
		t.Errorf("the trace ends at step %d, want 7", last)
	}
	if last := NewPanel(resource.CPU, timeseries.Window{From: start, To: start.Add(step)}, step).Last(); last != -1 {
		t.Errorf("an empty panel ends at %d", last)
	}
}
