package placement_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/packing"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/filter"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/rival"
	"github.com/auspex-project/auspex/placement/score"
)

// What every Filter owes: a name of its own, reasons that can be counted, and a
// check that only takes nodes away, answers the same twice, judges each node by
// itself, and does not allocate.
func TestFilterConformance(t *testing.T) {
	names := map[string]bool{}
	for _, f := range filter.All() {
		if f.Name() == "" || names[f.Name()] || f.Name() != strings.ToLower(f.Name()) {
			t.Errorf("filter name %q is empty, taken or not in lower case", f.Name())
		}
		names[f.Name()] = true
		t.Run(f.Name(), func(t *testing.T) {
			asked := false
			onQueries(t, func() bool { return asked }, func(t *rapid.T, q *placement.Query, s *placement.State) {
				for _, r := range f.Prepare(q) {
					asked = true
					if r.Reason == "" || len(r.Reason) > 60 || strings.ContainsAny(r.Reason, "0123456789\n") {
						t.Fatalf("reason %q is empty, long or carries amounts", r.Reason)
					}
					checkGate(t, r, s)
					for _, b := range s.Blocks {
						if r.Check == nil {
							continue
						}
						checkFilter(t, r, s, b)
					}
				}
			})
		})
	}
}

// A filter that advises has something to say about the nodes it turns away, and
// about no others.
func TestAdviceConformance(t *testing.T) {
	for _, f := range filter.All() {
		a, ok := f.(placement.Advisor)
		if !ok {
			continue
		}
		t.Run(f.Name(), func(t *testing.T) {
			turnedSomeAway := false
			onQueries(t, func() bool { return turnedSomeAway }, func(t *rapid.T, q *placement.Query, s *placement.State) {
				rules := f.Prepare(q)
				for _, b := range s.Blocks {
					passed := b.Live
					for _, r := range rules {
						if r.Check != nil {
							passed &= r.Check.Pass(s, b, b.Live)
						}
						if r.Gate != nil {
							shut := make([]bool, len(s.Places))
							r.Gate.Shut(s, shut)
							for i, place := range b.Place {
								if b.Live>>i&1 == 1 && shut[place] {
									passed &^= 1 << i
								}
							}
						}
					}
					for i := range placement.BlockSize {
						if b.Live>>i&1 == 0 {
							continue
						}
						advice := a.Advise(q, b, i)
						turnedAway := passed>>i&1 == 0
						if turnedAway != (len(advice) > 0) {
							t.Fatalf("turned away: %v, but the advice is %q", turnedAway, advice)
						}
						turnedSomeAway = turnedSomeAway || turnedAway
						for _, line := range advice {
							if line == "" || strings.ContainsAny(line, "\n") || len(line) > 300 {
								t.Fatalf("advice %q is not one line", line)
							}
						}
					}
				}
			})
		})
	}
}

// checkGate holds a gate to shutting the same places twice and opening none.
func checkGate(t *rapid.T, r placement.Rule, s *placement.State) {
	if r.Gate == nil {
		return
	}
	if r.Check != nil {
		t.Fatalf("%s: has a check and a gate", r.Reason)
	}
	first, again := make([]bool, len(s.Places)), make([]bool, len(s.Places))
	r.Gate.Shut(s, first)
	copy(again, first)
	r.Gate.Shut(s, again)
	if !slices.Equal(first, again) {
		t.Fatalf("%s: shuts %v, then %v", r.Reason, first, again)
	}
}

func checkFilter(t *rapid.T, r placement.Rule, s *placement.State, b *placement.Block) {
	all := r.Check.Pass(s, b, b.Live)
	if all&^b.Live != 0 {
		t.Fatalf("%s: lets pass %b of %b", r.Reason, all, b.Live)
	}
	if again := r.Check.Pass(s, b, b.Live); again != all {
		t.Fatalf("%s: lets pass %b, then %b", r.Reason, all, again)
	}
	for i := range placement.BlockSize {
		if bit := b.Live & (1 << i); bit != 0 && r.Check.Pass(s, b, bit) != all&bit {
			t.Fatalf("%s: judges node %d by its company", r.Reason, i)
		}
	}
	if n := testing.AllocsPerRun(1, func() { r.Check.Pass(s, b, b.Live) }); n > 0 {
		t.Fatalf("%s: %g allocations", r.Reason, n)
	}
}

// What every Scorer owes: a name and a unit, values between 0 and 100 with finite
// raw values, the same twice and for each node by itself, without allocating.
func TestScorerConformance(t *testing.T) {
	names := map[string]bool{}
	for _, sc := range slices.Concat(score.All(), rival.All()) {
		if sc.Name() == "" || names[sc.Name()] || sc.Unit() == "" || sc.DefaultWeight() < 0 {
			t.Errorf("scorer %q: unit %q, weight %g", sc.Name(), sc.Unit(), sc.DefaultWeight())
		}
		names[sc.Name()] = true
		t.Run(sc.Name(), func(t *testing.T) {
			asked, spread := false, false
			onQueries(t, func() bool { return asked && spread }, func(t *rapid.T, q *placement.Query, s *placement.State) {
				m := sc.Prepare(q)
				if m == nil {
					return
				}
				asked = true
				for _, b := range s.Blocks {
					spread = checkScorer(t, m, s, b) || spread
				}
				if r, ok := m.(placement.Regional); ok {
					spread = checkRegional(t, r, s) || spread
				}
			})
		})
	}
}

func checkScorer(t *rapid.T, m placement.Measure, s *placement.State, b *placement.Block) (spread bool) {
	var raw, value, raw1, value1 placement.Lane
	m.Score(s, b, b.Live, &raw, &value)
	first := true
	var low, high float32
	for i := range placement.BlockSize {
		if b.Live>>i&1 == 0 {
			continue
		}
		if r := float64(raw[i]); math.IsNaN(r) || math.IsInf(r, 0) || !(value[i] >= 0 && value[i] <= 100) {
			t.Fatalf("node %d: raw %g, value %g", i, raw[i], value[i])
		}
		m.Score(s, b, 1<<i, &raw1, &value1)
		if raw1[i] != raw[i] || value1[i] != value[i] {
			t.Fatalf("node %d by itself: %g and %g, in company %g and %g", i, raw1[i], value1[i], raw[i], value[i])
		}
		if first {
			low, high, first = value[i], value[i], false
		}
		low, high = min(low, value[i]), max(high, value[i])
	}
	if bounded, ok := m.(placement.Bounded); ok {
		var bound placement.Lane
		bounded.Bound(s, b, b.Live, &bound)
		for i := range placement.BlockSize {
			if b.Live>>i&1 == 1 && bound[i] < value[i] {
				t.Fatalf("node %d: bound %g is under the value %g", i, bound[i], value[i])
			}
		}
	}
	if n := testing.AllocsPerRun(1, func() { m.Score(s, b, b.Live, &raw, &value) }); n > 0 {
		t.Fatalf("%g allocations", n)
	}
	return high > low
}

// checkRegional holds the part of a measure that places have to the same.
func checkRegional(t *rapid.T, m placement.Regional, s *placement.State) (spread bool) {
	var raw, value placement.Lane
	nan := float32(math.NaN())
	places := make([]float32, 2*len(s.Places))
	for i := range places {
		places[i] = nan // what it finds there may not matter
	}
	raws, values := places[:len(s.Places)], places[len(s.Places):]
	m.Survey(s, raws, values)
	for _, b := range s.Blocks {
		m.Score(s, b, b.Live, &raw, &value)
		for i := range placement.BlockSize {
			if b.Live>>i&1 == 0 {
				continue
			}
			at := b.Place[i]
			if r := float64(raws[at]); math.IsNaN(r) || math.IsInf(r, 0) || !(values[at] >= 0 && values[at]+value[i] <= 100.001) {
				t.Fatalf("node %d: raw %g, value %g and %g for its place", i, raws[at], value[i], values[at])
			}
			if !m.Local() && value[i] != 0 {
				t.Fatalf("node %d: %g, though only places count", i, value[i])
			}
			spread = spread || values[at] != values[s.Blocks[0].Place[0]]
		}
	}
	return spread
}

// someWorth is what devices are worth for a mix that was made up.
func someWorth() *packing.Worth {
	var mix packing.Mix
	for _, share := range []int32{250, 500, 700, packing.Whole} {
		cores := float64(share) / 250
		mix.Add(packing.Task{Class: packing.Class{Cores: cores, Devices: 1, Share: share}, NeedCores: cores, NeedMemory: cores * gib})
	}
	w := packing.Unplanned(mix.Targets(), nil)
	plain := packing.Target{Class: packing.Class{Cores: 1, Memory: gib}, Part: 1, NeedCores: 1, NeedMemory: gib}
	w.Room = packing.NewRoom([]packing.Target{plain}, []packing.Size{{Cores: 4, Memory: 16 * gib, Machines: 10}}, nil)
	return w
}

// worthOfRefusals is what devices and room are worth where work leaves and small work was
// refused of late: places for large jobs may count against a node.
func worthOfRefusals(t *rapid.T) *packing.Worth {
	p := packing.Problem{Leaving: 1, Sizes: []packing.Size{{Cores: 4, Memory: 8 * gib, Machines: 10}, {Cores: 8, Memory: 4 * gib, Machines: 3}}}
	var mix packing.Mix
	for _, devices := range []int32{0, 1, 2, 3} {
		for range rapid.IntRange(0, 2).Draw(t, "jobs") {
			cores := float64(rapid.IntRange(0, 8).Draw(t, "cores of a job")) / 2
			mix.Add(packing.Task{Class: packing.Class{Cores: cores, Devices: devices, Share: packing.Whole}, NeedCores: cores, NeedMemory: cores * gib})
		}
	}
	p.Targets = mix.Targets()
	var plain packing.Mix
	for range rapid.IntRange(1, 3).Draw(t, "plain jobs") {
		cores := float64(rapid.IntRange(1, 16).Draw(t, "cores of a plain job")) / 4
		memory := float64(rapid.IntRange(1, 16).Draw(t, "GiB of a plain job")) * gib / 4
		plain.Add(packing.Task{Class: packing.Class{Cores: cores, Memory: memory}, NeedCores: cores, NeedMemory: memory})
	}
	p.Plain = plain.Targets()
	for range rapid.IntRange(0, 200).Draw(t, "refused") {
		p.Refused.Add(packing.Class{Devices: 1, Share: packing.Whole / 2})
		p.Shut.Add(.25, gib/4)
	}
	w, err := p.Solve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// spy is a filter that shows a test the query and the state it was prepared for.
type spy struct {
	query *placement.Query
}

func (s *spy) Name() string { return "spy" }

func (s *spy) Prepare(q *placement.Query) []placement.Rule {
	s.query = q
	return nil
}

// checkUntil checks a property, again and again until enough has been seen: what
// random cases happen to hold is not for the test to fail by.
func checkUntil(t *testing.T, enough func() bool, property func(*rapid.T)) {
	t.Helper()
	const rounds = 30
	for range rounds {
		if rapid.Check(t, property); enough() || t.Failed() {
			return
		}
	}
	t.Errorf("%d rounds hold too few of the cases that matter: the test sees nothing", rounds)
}

// onQueries calls f with random workloads on random fleets that hold some, until
// enough has been seen.
func onQueries(t *testing.T, enough func() bool, f func(*rapid.T, *placement.Query, *placement.State)) {
	checkUntil(t, enough, func(t *rapid.T) {
		m := newMachine(t)
		for range rapid.IntRange(0, 12).Draw(t, "placed") {
			m.place(t)
		}
		eye := new(spy)
		settings := m.settings
		settings.Weights = placement.Weights{} // there are no scorers to weigh
		watched, err := ledger.Open(context.Background(), ledger.Options{
			Settings: settings, Filters: []placement.Filter{eye}, Forecaster: m.told, Journal: m.journal,
		})
		if err != nil {
			t.Fatal(err)
		}
		switch rapid.IntRange(0, 2).Draw(t, "valued") {
		case 0:
			watched.AdoptWorth(someWorth())
		case 1:
			watched.AdoptWorth(worthOfRefusals(t))
		}
		if rapid.Bool().Draw(t, "draining") {
			if _, err := watched.Drain(context.Background(), m.nodes[0].Name, false); err != nil {
				t.Fatal(err)
			}
		}
		w := drawWorkload(t, "asked")
		if _, err := watched.Place(context.Background(), ledger.Request{ID: "asked", Workload: w, DryRun: true}); err != nil {
			t.Fatal(err)
		}
		f(t, eye.query, eye.query.State)
	})
}
