package backtest

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// Every span has one slot, none overlaps another there, and there are as many
// slots as spans ever overlap.
func TestSlots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var spans []Span
		for range rapid.IntRange(0, 40).Draw(t, "spans") {
			from := rapid.Int64Range(0, 50).Draw(t, "from")
			spans = append(spans, Span{from, from + rapid.Int64Range(1, 20).Draw(t, "length")})
		}
		most := 0
		for at := range int64(80) {
			n := 0
			for _, s := range spans {
				if s.From <= at && at < s.To {
					n++
				}
			}
			most = max(most, n)
		}
		slots := Slots(spans, rand.New(rand.NewPCG(1, 2)))
		if len(slots) != most {
			t.Fatalf("%d slots for spans that overlap at most %d times", len(slots), most)
		}
		var all []int
		for _, slot := range slots {
			all = append(all, slot...)
			for i := 1; i < len(slot); i++ {
				if spans[slot[i]].From < spans[slot[i-1]].To {
					t.Fatalf("%v and %v share a slot", spans[slot[i-1]], spans[slot[i]])
				}
			}
		}
		slices.Sort(all)
		for i, k := range all {
			if i != k {
				t.Fatalf("spans %v in slots", all)
			}
		}
		if len(all) != len(spans) {
			t.Fatalf("%d of %d spans in slots", len(all), len(spans))
		}
	})
}

// A workload that moves is on one node at a time.
func TestOwnMachinesFollowMoves(t *testing.T) {
	p := NewPanel(resource.CPU, timeseries.Window{From: start, To: start.Add(40 * step)}, step)
	for k, nodes := range [][]string{{"a", "b"}, {"b", "b"}, {"", "a"}} {
		track := p.NewTrack(string(rune('x'+k)), "")
		for i := range 20 {
			p.Add(track, &timeseries.Sample{
				Key:  timeseries.Key{Workload: track.Workload, Node: nodes[i/10]},
				Time: p.Time(i), Usage: resource.Of(1, 0), Limit: resource.Of(2, 0),
			})
		}
		p.Tracks = append(p.Tracks, track)
	}
	machines := OwnMachines(p)
	if len(machines) != 2 || machines[0].Node != "a" || machines[1].Node != "b" {
		t.Fatalf("machines %+v", machines)
	}
	for _, c := range []struct {
		at   int
		a, b []int
	}{{0, nil, nil}, {5, []int{0}, []int{1}}, {10, []int{0}, []int{1}}, {11, []int{2}, []int{0, 1}}, {20, []int{2}, []int{0, 1}}, {24, nil, nil}} {
		if a, b := machines[0].At(c.at).Present, machines[1].At(c.at).Present; !slices.Equal(a, c.a) || !slices.Equal(b, c.b) {
			t.Errorf("before step %d: %v on a and %v on b, want %v and %v", c.at, a, b, c.a, c.b)
		}
	}
}

// Of few workloads every replicate deals the same machines: they count once.
func TestMachinesAreDealtOnce(t *testing.T) {
	p := NewPanel(resource.CPU, timeseries.Window{From: start, To: start.Add(40 * step)}, step)
	for k := range 3 {
		track := p.NewTrack(string(rune('x'+k)), "")
		for i := range 20 {
			p.Add(track, &timeseries.Sample{Time: p.Time(i), Usage: resource.Of(1, 0), Limit: resource.Of(2, 0)})
		}
		p.Tracks = append(p.Tracks, track)
	}
	for size, want := range map[int]int{1: 3, 2: 3, 3: 1, 4: 0} {
		if n := len(RandomMachines(p, size, 50, 1)); n != want {
			t.Errorf("%d machines of %d among 3 workloads, want %d", n, size, want)
		}
		if n := len(dailyMachines(p, []Day{{0, 20}}, []int{0, 1, 2}, size, 50, 1)); n != want {
			t.Errorf("%d machines of %d of a day, want %d", n, size, want)
		}
	}
}
