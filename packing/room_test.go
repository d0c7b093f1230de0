package packing

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func plain(cores, memory, part float64) Target {
	return Target{Class: Class{Cores: cores, Memory: memory}, Part: part, NeedCores: cores, NeedMemory: memory}
}

// What is lost is the difference of the room by the formula, counted one task after
// the other, but for what decides among equals.
func TestRoomAgainstCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := func(name string, most int) float64 { return float64(rapid.IntRange(0, most).Draw(t, name)) }
		var mix []Target
		for range rapid.IntRange(1, 4).Draw(t, "classes") {
			mix = append(mix, plain(amount("cores", 8), amount("memory", 8), rapid.Float64Range(.001, 1).Draw(t, "part")))
		}
		sizes := []Size{{16, 32, 3}, {amount("other cores", 64), amount("other memory", 64), 2}}
		r := NewRoom(mix, sizes, nil)
		cores, memory := amount("free cores", 64), amount("free memory", 64)
		coresAfter, memoryAfter := amount("cores after", int(cores)), amount("memory after", int(memory))

		fit := func(k Target, cores, memory float64) (n float64) {
			for cores -= k.Cores; cores >= 0; cores -= k.Cores {
				if memory -= k.Memory; memory < 0 {
					break
				}
				n++
			}
			return n
		}
		want, before := 0.0, 0.0
		for _, k := range mix {
			if k.Cores == 0 && k.Memory == 0 {
				continue
			}
			all := 0.0
			for _, s := range sizes {
				all += float64(s.Machines) * fit(k, s.Cores, s.Memory)
			}
			if all > 0 {
				before += 5 * k.Part * fit(k, cores, memory) / all
				want += 5 * k.Part * (fit(k, cores, memory) - fit(k, coresAfter, memoryAfter)) / all
			}
		}
		if r == nil {
			if want != 0 {
				t.Fatalf("no room, want %g lost", want)
			}
			return
		}
		if got := float64(r.Lost(cores, memory, coresAfter, memoryAfter)); math.Abs(got-want) > evenly*before+1e-5*(1+want) {
			t.Errorf("lost %g, want %g", got, want)
		}
	})
}

// One core is taken where it spoils the least: where memory beside it is gone; of
// those that lose alike, where a common task no longer fits, the fullest first; else
// from the roomiest.
func TestRoomDecides(t *testing.T) {
	r := NewRoom([]Target{plain(1, 2, .7), plain(8, 16, .3)}, []Size{{64, 128, 10}}, nil)
	type node struct{ cores, memory float64 }
	for _, c := range []struct {
		name          string
		worse, better node
	}{
		{"cores without memory", node{20, 40}, node{20, 1}},
		{"a second large task is kept", node{16, 32}, node{17, 34}},
		{"a rest before a large task", node{8, 16}, node{7, 14}},
		{"the smaller rest", node{7, 14}, node{3, 6}},
		{"the roomiest", node{15, 30}, node{63, 126}},
	} {
		lost := func(n node) float32 { return r.Lost(n.cores, n.memory, n.cores-1, n.memory-min(2, n.memory)) }
		if lost(c.better) >= lost(c.worse) {
			t.Errorf("%s: %v loses %g, %v %g", c.name, c.better, lost(c.better), c.worse, lost(c.worse))
		}
	}
}

// What fits nowhere has no say, nor has what needs nothing; a machine whose end is
// not known is no hole in the arithmetic.
func TestRoomOfOddMixes(t *testing.T) {
	if r := NewRoom([]Target{plain(0, 0, .5), plain(100, 1, .5)}, []Size{{64, 128, 10}}, nil); r != nil {
		t.Errorf("room %+v", r)
	}
	if r := NewRoom(nil, nil, nil); r != nil {
		t.Errorf("room %+v", r)
	}
	r := NewRoom([]Target{plain(0, 2, 1)}, []Size{{64, 128, 10}}, nil)
	if lost := r.Lost(64, math.Inf(1), 64, math.Inf(1)); !(lost <= 0) || math.IsInf(float64(lost), 0) {
		t.Errorf("lost %g", lost)
	}
}

// Where small work is refused room for what is larger counts for less, in the end
// against the machine; what is refused of the larger does not matter, nor of the same.
func TestRoomOfWhatIsShut(t *testing.T) {
	mix, sizes := []Target{plain(1, 2, .5), plain(8, 16, .5)}, []Size{{64, 128, 10}}
	for _, c := range []struct {
		refused ShutClass
		want    float64
	}{
		{ShutClass{Cores: 8, Memory: 16, Count: 1000}, .5/64 + .5/8},
		{ShutClass{Cores: 1, Memory: 2, Count: shutForOne / 2}, .5/64 + .25/8},
		{ShutClass{Cores: 1, Memory: 2, Count: 1000}, .5/64 - .5/8},
	} {
		lost := float64(NewRoom(mix, sizes, Shut{c.refused}).Lost(8, 16, 7, 14))
		if math.Abs(lost-c.want) > 2*evenly {
			t.Errorf("%+v: lost %g, want %g", c.refused, lost, c.want)
		}
	}
}

func TestShut(t *testing.T) {
	var s Shut
	for range 3 {
		s.Add(1, 2)
	}
	s.Add(4, 2)
	if got := s.Fade(.5); got != 2 || len(s) != 2 || s[0].Count != 1.5 {
		t.Errorf("sum %g of %+v", got, s)
	}
	if got := s.Fade(1e-6); got != 0 || len(s) != 0 {
		t.Errorf("all forgotten: sum %g of %+v", got, s)
	}
	for i := range 2 * mostShut {
		s.Add(float64(i), 1)
	}
	if len(s) != mostShut {
		t.Errorf("%d classes", len(s))
	}
	if Level(0) != 0 || Level(shutForOne) != 4 || Level(1e9) != 8 {
		t.Errorf("levels %d, %d, %d", Level(0), Level(shutForOne), Level(1e9))
	}
}
