package backtest

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

func sample(id string, at time.Time, usage, limit float64) timeseries.Sample {
	s := timeseries.Sample{Key: timeseries.Key{Workload: id}, Time: at, Usage: resource.Vector{}.With(resource.CPU, usage)}
	if limit >= 0 {
		s.Limit = s.Limit.With(resource.CPU, limit)
	}
	return s
}

func stream(samples []timeseries.Sample, end error) func(func(timeseries.Sample, error) bool) {
	return func(yield func(timeseries.Sample, error) bool) {
		for _, s := range samples {
			if !yield(s, nil) {
				return
			}
		}
		if end != nil {
			yield(timeseries.Sample{}, end)
		}
	}
}

// The panel of a trace does not depend on the order of its samples.
func TestReadPanelInAnyOrder(t *testing.T) {
	var samples []timeseries.Sample
	noon := start.Add(12 * time.Hour)
	for i := range 300 {
		at := noon.Add(time.Duration(i) * 5 * time.Minute)
		if i%7 != 3 {
			s := sample("a", at, float64(i%11), 8)
			s.Key.Node = "n1"
			samples = append(samples, s)
		}
		if i > 100 {
			s := sample("b", at.Add(17*time.Second), float64(i%5), float64(4+i/200))
			s.Key.Node = []string{"n1", "n2", "n2"}[i/100]
			if i >= 280 {
				s.Key.Node = "n1"
			}
			samples = append(samples, s)
		}
	}
	p, n, err := ReadPanel(stream(samples, nil), resource.CPU, 5*time.Minute, 0, 1)
	if err != nil || n != 2 || len(p.Tracks) != 2 {
		t.Fatalf("%d workloads, %v", n, err)
	}
	if !p.Start.Equal(start) {
		t.Errorf("starts at %v, want the beginning of the day", p.Start)
	}
	if got := p.Tracks[0].At(144 + 9); got != 8 {
		t.Errorf("usage over its limit is %g, want it capped to 8", got)
	}
	if got := p.Tracks[0].At(144 + 3); got == got {
		t.Errorf("a gap holds %g", got)
	}
	for name, reorder := range map[string]func(){
		"shuffled": func() {
			rand.New(rand.NewPCG(1, 1)).Shuffle(len(samples), func(i, j int) { samples[i], samples[j] = samples[j], samples[i] })
		},
		"from the last to the first": func() {
			slices.SortStableFunc(samples, func(a, b timeseries.Sample) int { return b.Time.Compare(a.Time) })
		},
	} {
		reorder()
		q, _, err := ReadPanel(stream(samples, nil), resource.CPU, 5*time.Minute, 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		machines := OwnMachines(q)
		if len(machines) != 2 {
			t.Fatalf("%s: %d machines", name, len(machines))
		}
		for k := range p.Tracks {
			for i := range p.Steps {
				a, b := p.Tracks[k].At(i), q.Tracks[k].At(i)
				if a != b && (a == a || b == b) || p.Tracks[k].Limit(i) != q.Tracks[k].Limit(i) {
					t.Fatalf("%s: track %d at %d: %g of %g, %g of %g", name, k, i, a, p.Tracks[k].Limit(i), b, q.Tracks[k].Limit(i))
				}
			}
		}
		for m, machine := range OwnMachines(p) {
			for i := range p.Steps {
				if a, b := machine.At(i), machines[m].At(i); !a.equal(b) {
					t.Fatalf("%s: %s at %d has %v, %v", name, machine.Node, i, a.Present, b.Present)
				}
			}
		}
	}
}

// A few times that cannot be are left out, wherever they come; a trace of two ages is none.
func TestReadPanelLeavesOutStrayTimes(t *testing.T) {
	start := time.Date(2013, 8, 1, 0, 0, 0, 0, time.UTC)
	var good []timeseries.Sample
	for i := range 400 {
		good = append(good, sample([]string{"a", "b"}[i%2], start.Add(time.Duration(i)*30*time.Minute), 1, 4))
	}
	stray := func(year int) timeseries.Sample {
		return sample("far", time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), 1, 4)
	}
	for name, c := range map[string]struct {
		samples []timeseries.Sample
		strays  int
	}{
		"none":       {good, 0},
		"the first":  {append([]timeseries.Sample{stray(1970)}, good...), 1},
		"the last":   {append(slices.Clone(good), stray(2099)), 1},
		"one within": {slices.Insert(slices.Clone(good), 200, stray(2099)), 1},
		"both ends":  {append(append([]timeseries.Sample{stray(1970)}, good...), stray(2099), stray(2150)), 3},
	} {
		p, workloads, err := ReadPanel(stream(c.samples, nil), resource.CPU, 5*time.Minute, 0, 1)
		if err != nil || p.Strays != c.strays || (p.Stray != "") != (c.strays > 0) {
			t.Errorf("%s: %v, %+v", name, err, p)
			continue
		}
		if workloads != 2 || len(p.Tracks) != 2 || !p.Start.Equal(start) {
			t.Errorf("%s: %d workloads from %v on", name, workloads, p.Start)
		}
	}
	if _, _, err := ReadPanel(stream(append(slices.Clone(good), stray(2099), stray(2099), stray(2099), stray(2099), stray(2099), stray(2099)), nil), resource.CPU, 5*time.Minute, 0, 1); err == nil {
		t.Error("a trace of two ages was read")
	}
}

func TestReadPanelDrawsTheSameWorkloads(t *testing.T) {
	var samples []timeseries.Sample
	for i := range 2000 {
		samples = append(samples, sample(string(rune('A'+i%40)), start.Add(time.Duration(i)*time.Minute), 1, 2))
	}
	p, n, err := ReadPanel(stream(samples, nil), resource.CPU, 5*time.Minute, 10, 3)
	if err != nil || n != 40 || len(p.Tracks) != 10 {
		t.Fatalf("drew %d of %d: %v", len(p.Tracks), n, err)
	}
	q, _, _ := ReadPanel(stream(samples, nil), resource.CPU, 5*time.Minute, 10, 3)
	for k := range p.Tracks {
		if p.Tracks[k].Workload != q.Tracks[k].Workload || p.Tracks[k].First() > 10 {
			t.Errorf("drew %s from step %d, then %s", p.Tracks[k].Workload, p.Tracks[k].First(), q.Tracks[k].Workload)
		}
	}
}

func TestReadPanelRefuses(t *testing.T) {
	broken := errors.New("broken")
	one := []timeseries.Sample{sample("a", start, 1, 2)}
	for name, read := range map[string]func() error{
		"a broken stream":  func() error { _, _, err := ReadPanel(stream(one, broken), resource.CPU, step, 0, 1); return err },
		"no such resource": func() error { _, _, err := ReadPanel(stream(one, nil), resource.Memory, step, 0, 1); return err },
		"no limits": func() error {
			_, _, err := ReadPanel(stream([]timeseries.Sample{sample("a", start, 1, -1)}, nil), resource.CPU, step, 0, 1)
			return err
		},
	} {
		if read() == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// What a sum tells is what a dumb loop finds, also when it is only extended.
func TestSumFollowsItsMembers(t *testing.T) {
	p := randomPanel(6, 3, 5)
	s := NewSum(p, 4, 96, 24)
	at := Membership{Present: []int{0, 2, 3}, Limits: []float32{1, 2, 3}, Limit: 6}
	hidden := at
	hidden.Since = []int{150, 0, 140}
	for _, c := range []struct {
		origin int
		of     Membership
	}{{100, at}, {104, at}, {160, at}, {160, hidden}, {164, at}, {20, at}, {280, at}} {
		s.Follow(c.of, c.origin)
		from, to := max(c.origin-96, 0), min(c.origin+24, p.Steps)
		var want, sum float64
		for i := from; i < to; i++ {
			var v float64
			for m, k := range c.of.Present {
				if u := float64(p.Tracks[k].At(i)); u == u && i >= c.of.since(m) {
					v += math.Min(u, float64(c.of.Limits[m]))
				}
			}
			want = math.Max(want, v)
			sum += v
		}
		if got := s.Max(from, to); math.Abs(float64(got)-want) > 1e-5 {
			t.Errorf("at %d: largest %g, want %g", c.origin, got, want)
		}
		if mean, _ := s.Moments(from, to); math.Abs(mean-sum/float64(to-from)) > 1e-5 {
			t.Errorf("at %d: mean %g, want %g", c.origin, mean, sum/float64(to-from))
		}
		if got := s.Max(0, from); got != 0 {
			t.Errorf("at %d: knows %g before its window", c.origin, got)
		}
	}
}
