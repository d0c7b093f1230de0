package packing

import (
	"context"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// targets returns a mix in which each class has an equal part, the cores it needs
// those it asks for.
func targets(classes ...Class) []Target {
	var m Mix
	for _, c := range classes {
		m.Add(Task{Class: c, NeedCores: c.Cores})
	}
	return m.Targets()
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-6*(1+math.Abs(a)) }

func TestMix(t *testing.T) {
	small, big := Class{Cores: 1}, Class{Cores: 8, Devices: 1, Share: Whole}
	var m Mix
	for _, cores := range []float64{1, 3} {
		m.Add(Task{Class: small, NeedCores: cores, NeedMemory: 10})
	}
	m.Add(Task{Class: big, NeedCores: 8})
	m.Add(Task{Class: small, NeedCores: 2, NeedMemory: 40})
	want := []Target{
		{Class: small, Part: .75, NeedCores: 2, NeedMemory: 20},
		{Class: big, Part: .25, NeedCores: 8},
	}
	if got := m.Targets(); !reflect.DeepEqual(got, want) {
		t.Errorf("targets %+v, want %+v", got, want)
	}
	if got := Commonest(want, .7); len(got) != 1 || got[0].Part != 1 {
		t.Errorf("the commonest 70 %%: %+v", got)
	}
	if got := Commonest(want, 1); len(got) != 2 {
		t.Errorf("all: %+v", got)
	}
	if got := Commonest(nil, .95); got != nil {
		t.Errorf("of nothing: %+v", got)
	}
}

func TestMixIsBoundedAndForgets(t *testing.T) {
	var m Mix
	old, recent := Class{Cores: 1}, Class{Cores: 2}
	for range maxTasks {
		m.Add(Task{Class: old})
	}
	for range 3 * maxTasks {
		m.Add(Task{Class: recent})
	}
	if got := m.Targets(); got[0].Class != recent || got[0].Part < .9 {
		t.Errorf("after a change of mix: %+v", got)
	}
	for i := range 3 * maxClasses {
		m.Add(Task{Class: Class{Cores: float64(i + 10)}})
	}
	if n := len(m.Targets()); n > maxClasses {
		t.Errorf("%d classes are kept", n)
	}
	if m.tasks > maxTasks {
		t.Errorf("%g tasks are kept", m.tasks)
	}
}

func TestVocabulary(t *testing.T) {
	var v Vocabulary
	a, b := v.Bit("a"), v.Bit("b")
	if a == b || v.Bit("a") != a || a&b != 0 {
		t.Errorf("bits %b and %b", a, b)
	}
	if !Models(0).Has(b) || a.Has(b) || !(a | b).Has(b) {
		t.Error("any model is not any, or one is another")
	}
	for i := range 100 {
		v.Bit(string(rune('A' + i)))
	}
	if len(v.Names()) != 63 || v.Bit("yet another") != 1<<63 {
		t.Errorf("%d names", len(v.Names()))
	}
}

// The worked examples: a machine with 8 cores, half of one device and all of
// another free.
func TestFragment(t *testing.T) {
	const a100, t4 = 1, 2
	s := State{Cores: 8, Free: []int32{500, 1000}, Models: []Models{a100, a100}}
	for _, c := range []struct {
		name string
		mix  []Target
		want float64
	}{
		{"a half fits on both", targets(Class{1, 1, 500, 0, 0}), 0},
		{"a whole leaves the half over", targets(Class{1, 1, 1000, 0, 0}), .5},
		{"two wholes find one", targets(Class{1, 2, 1000, 0, 0}), 1.5},
		{"too many cores", targets(Class{9, 1, 500, 0, 0}), 1.5},
		{"plain work uses no device", targets(Class{1, 0, 0, 0, 0}), 1.5},
		{"another model", targets(Class{1, 1, 500, t4, 0}), 1.5},
		{"of the model", targets(Class{1, 1, 500, a100 | t4, 0}), 0},
		{"half of the tasks each", targets(Class{1, 1, 500, 0, 0}, Class{1, 1, 1000, 0, 0}), .25},
		{"no mix", nil, 0},
	} {
		if got := Fragment(s, c.mix); !near(got, c.want) {
			t.Errorf("%s: %g, want %g", c.name, got, c.want)
		}
	}
}

// A device that halves alone come to ends full or half free; with a chance of h
// that the first is the last.
func TestUnplanned(t *testing.T) {
	w := Unplanned(targets(Class{4, 1, 500, 0, 0}), nil)
	for _, c := range []struct {
		free int32
		want float64
	}{{0, 0}, {499, .499}, {500, ending * .5}, {1000, ending + (1-ending)*ending*.5}} {
		if got := float64(w.Residual(c.free)); !near(got, c.want) {
			t.Errorf("w(%d) = %g, want %g", c.free, got, c.want)
		}
	}
	for _, c := range []struct {
		free  int32
		cores float64
		want  float64
	}{{1000, 8, 0}, {1000, 9, 0}, {1000, 4, .25}, {2000, 0, 2}, {0, 0, 0}, {2000, -1, 2}} {
		if got := float64(w.Lacking(c.free, c.cores, 0)); !near(got, c.want) {
			t.Errorf("lacking(%d, %g cores) = %g, want %g", c.free, c.cores, got, c.want)
		}
	}
}

var classes = rapid.Custom(func(t *rapid.T) Class {
	c := Class{Cores: float64(rapid.IntRange(1, 12).Draw(t, "cores")), Models: Models(rapid.IntRange(0, 3).Draw(t, "models"))}
	switch c.Devices = int32(rapid.IntRange(0, 3).Draw(t, "devices")); c.Devices {
	case 0:
		c.Models = 0
	case 1:
		c.Share = int32(rapid.IntRange(1, 10).Draw(t, "share")) * 100
	default:
		c.Share = Whole
	}
	return c
})

var fleets = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Machine {
	return Machine{
		Cores: float64(rapid.IntRange(4, 40).Draw(t, "cores")), Memory: 1,
		Devices: rapid.SliceOfN(rapid.SampledFrom([]Models{1, 2}), 1, 4).Draw(t, "devices"),
	}
}), 1, 9)

// The trees of a trial find what a look at every machine finds, and the waste they
// compare is that of the machine after less that before.
func TestTrialAgainstScan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mix := targets(rapid.SliceOfNDistinct(classes, 1, 6, rapid.ID).Draw(t, "mix")...)
		machines := fleets.Draw(t, "machines")
		w := Unplanned(mix, nil)
		trial := newTrial(machines, mix, w, rand.New(rand.NewPCG(1, 1)))
		for range 60 {
			k := rapid.IntRange(0, len(mix)-1).Draw(t, "class")
			c := &mix[k]
			added := make([]float64, len(trial.machines))
			for i := range trial.machines {
				added[i] = leastAdded(w, &trial.machines[i], c)
			}
			best := slices.Min(added)
			before, steps := trial.left(), len(trial.changed)
			trial.place(k)
			if placed := len(trial.changed) > steps; placed == math.IsInf(best, 1) {
				t.Fatalf("%+v: placed %v, adds %g", c, placed, added)
			} else if !placed {
				continue
			}
			if m := trial.changed[steps]; added[m] > best+1e-5 {
				t.Fatalf("%+v: on machine %d, adds %g", c, m, added)
			}
			if !near(before-trial.left(), c.Demand()) {
				t.Fatalf("%+v took %g devices", c, before-trial.left())
			}
		}
		for i := range trial.machines {
			m := &trial.machines[i]
			sum := int32(0)
			for _, r := range m.free {
				if r < 0 || r > Whole {
					t.Fatalf("machine %d has %d free of a device", i, r)
				}
				sum += r
			}
			if sum != m.sum || m.cores < 0 {
				t.Fatalf("machine %d: %d free, summed up %d, %g cores", i, sum, m.sum, m.cores)
			}
		}
	})
}

// waste is the formula of the package comment.
func waste(w *Worth, free []int32, cores, memory float64) float64 {
	sum, all := 0.0, int32(0)
	for _, r := range free {
		sum += float64(w.Residual(r))
		all += r
	}
	return sum + float64(w.Lacking(all, cores, memory))
}

// leastAdded tries every way to put c on m.
func leastAdded(w *Worth, m *trialMachine, c *Target) float64 {
	if m.cores < c.NeedCores {
		return math.Inf(1)
	}
	before := waste(w, m.free, m.cores, m.memory)
	best := math.Inf(1)
	var choose func(from int, left int32, free []int32)
	choose = func(from int, left int32, free []int32) {
		if left == 0 {
			after := waste(w, free, m.cores-c.NeedCores, m.memory)
			if c.Devices == 0 {
				for _, r := range free {
					after += Idle * float64(r) / Whole
				}
			}
			best = min(best, after-before)
			return
		}
		for k := from; k < len(free); k++ {
			if free[k] >= c.Share && c.Models.Has(m.models[k]) {
				next := append([]int32(nil), free...)
				next[k] -= c.Share
				choose(k+1, left-1, next)
			}
		}
	}
	choose(0, c.Devices, m.free)
	return best
}

func TestSolve(t *testing.T) {
	var machines []Machine
	for range 40 {
		machines = append(machines, Machine{Cores: 64, Memory: 1, Devices: []Models{1, 1, 1, 1}})
	}
	p := Problem{
		Machines: append(machines, Machine{Cores: 1000}), // one without devices is of no interest
		Targets:  targets(Class{4, 1, 300, 0, 0}, Class{2, 1, 450, 0, 0}, Class{9, 1, 800, 0, 0}, Class{16, 2, 1000, 0, 0}, Class{1, 0, 0, 0, 0}),
		Rounds:   4, Seed: 7,
	}
	one, err := p.Solve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	two, err := p.Solve(context.Background())
	if err != nil || !reflect.DeepEqual(one, two) {
		t.Errorf("not the same twice: %v", err)
	}
	for r := range one.residual {
		if x := one.residual[r]; !(x >= 0 && x <= float32(r)/Whole+1e-6) {
			t.Fatalf("w(%d) = %g", r, x)
		}
	}
	// What can be filled to the brim is worth more, wasted less, than what cannot.
	if one.Residual(300) >= one.Residual(200) {
		t.Errorf("w(200) = %g, w(300) = %g", one.Residual(200), one.Residual(300))
	}
	if one.residual == Unplanned(p.Targets, nil).residual {
		t.Error("planning changed nothing: the test sees nothing of it")
	}

	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := p.Solve(ended); err == nil {
		t.Error("a cancelled plan was made all the same")
	}
	for _, p := range []Problem{{}, {Machines: machines, Rounds: 3}, {Targets: p.Targets, Rounds: 3}} {
		if _, err := p.Solve(context.Background()); err != nil {
			t.Errorf("%d machines, %d classes: %v", len(p.Machines), len(p.Targets), err)
		}
	}
}

// A fleet with devices is planned for a mix in which next to none needs one, too.
func TestSolveEndsWhereFewNeedDevices(t *testing.T) {
	p := Problem{Rounds: 1, Targets: targets(Class{1, 0, 0, 0, 0}, Class{1, 1, 100, 0, 0})}
	p.Targets[0].Part, p.Targets[1].Part = 1-1e-9, 1e-9
	for range 64 {
		p.Machines = append(p.Machines, Machine{Cores: 96, Memory: 1, Devices: []Models{1, 1, 1, 1}})
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	if _, err := p.Solve(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestSampleKeepsProportions(t *testing.T) {
	var many []Machine
	for i := range 3 * mostMachines {
		m := Machine{Cores: 8, Devices: []Models{1}}
		if i%4 == 0 {
			m.Devices = []Models{2, 2}
		}
		many = append(many, m)
	}
	sample, devices := Problem{Machines: many}.sample()
	double := 0
	for _, m := range sample {
		if len(m.Devices) == 2 {
			double++
		}
	}
	if len(sample) > mostMachines || devices != len(sample)+double || math.Abs(float64(double)/float64(len(sample))-.25) > .01 {
		t.Errorf("%d machines, %d of them double, %d devices", len(sample), double, devices)
	}
	if sample, devices := (Problem{Machines: many[:10]}).sample(); len(sample)%10 != 0 || devices < fewDevices/2 {
		t.Errorf("ten machines are planned as %d with %d devices", len(sample), devices)
	}
}

func BenchmarkSolve(b *testing.B) {
	var machines []Machine
	for range 1000 {
		machines = append(machines, Machine{Cores: 96, Memory: 1, Devices: []Models{1, 1, 1, 1, 1, 1, 1, 1}})
	}
	p := Problem{Machines: machines, Rounds: 1, Seed: 1}
	var mix []Class
	for share := int32(50); share <= Whole; share += 50 {
		mix = append(mix, Class{Cores: float64(share) / 100, Devices: 1, Share: share})
	}
	p.Targets = targets(mix...)
	for b.Loop() {
		w, err := p.Solve(context.Background())
		if err != nil || w.Residual(Whole) == 0 {
			b.Fatal(w, err)
		}
	}
}
