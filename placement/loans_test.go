package placement

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// A state that is lent, or was given away for good, stays as it was whatever
// happens to the fleet meanwhile.
func TestLentStatesStay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := NewLiving(forecast.DefaultGrid(), Settings{RackCaps: map[string]float64{"k0": 500, "k1": 900}}, forecast.Margins{})
		curve, _ := fleet.NewPowerCurve(50, 150)
		node := func(i, cores int) *fleet.Node {
			n := &fleet.Node{Name: fmt.Sprintf("n%d", i), Capacity: resource.Of(float64(cores), 1<<40), Rack: fmt.Sprintf("k%d", i%3), Power: curve}
			if i%2 == 0 {
				n.Devices = []fleet.Device{{Model: "a100", MaxWatts: 100}, {Model: "t4"}}
				n.Capacity = n.Capacity.With(resource.GPU, 2)
			}
			return n
		}
		const nodes = 3 * BlockSize / 2
		for i := range nodes {
			l.Change().Describe(i, node(i, 8))
		}
		placed := map[int][]string{}
		type reader struct {
			state *State
			seen  string
			lent  bool
		}
		var readers []reader
		next := 0
		t.Repeat(map[string]func(*rapid.T){
			"lend": func(t *rapid.T) {
				s := l.Lend()
				readers = append(readers, reader{s, print(s), true})
			},
			"keep": func(t *rapid.T) {
				s := l.Keep()
				readers = append(readers, reader{s, print(s), false})
			},
			"give back": func(t *rapid.T) {
				if len(readers) == 0 {
					return
				}
				i := rapid.IntRange(0, len(readers)-1).Draw(t, "reader")
				if readers[i].lent {
					readers[i].state.Done()
				}
				readers = slices.Delete(readers, i, i+1)
			},
			"put": func(t *rapid.T) {
				at := rapid.IntRange(0, 4).Draw(t, "node") * 23
				next++
				w := &workload.Workload{ID: fmt.Sprint("w", next), Requests: resource.Of(1, 1<<30)}
				var devices []int
				if at%2 == 0 {
					devices = []int{next % 2}
					w.Accelerator = workload.Accelerator{Devices: 1, Share: .01}
				}
				s := l.Change()
				s.Put(at, s.Member(w, described(w), w.Class, nil, devices))
				placed[at] = append(placed[at], w.ID)
			},
			"take": func(t *rapid.T) {
				at := rapid.IntRange(0, 4).Draw(t, "node") * 23
				if len(placed[at]) > 0 {
					l.Change().Take(at, placed[at][0])
					placed[at] = placed[at][1:]
				}
			},
			"describe": func(t *rapid.T) {
				at := rapid.IntRange(0, nodes).Draw(t, "node")
				l.Change().Describe(at, node(at, rapid.IntRange(1, 9).Draw(t, "cores")))
			},
			"adopt": func(t *rapid.T) {
				l.Change().Adopt(Settings{Seed: rapid.Uint64().Draw(t, "seed")}, forecast.Margins{})
			},
			"": func(t *rapid.T) {
				for _, r := range readers {
					if now := print(r.state); now != r.seen {
						t.Fatalf("a frozen state read\n%s\nand now\n%s", r.seen, now)
					}
				}
			},
		})
	})
}

// print writes down all of a state that changes when something is placed.
func print(s *State) string {
	var text []byte
	for _, b := range s.Blocks {
		text = fmt.Append(text, b.Live, b.Alone, b.Count, b.DeviceWatts, b.Tenant, b.Columns, b.Rank, b.Capacity[0], "\n")
		for i, o := range b.Occupants {
			if b.Live>>i&1 == 1 && len(o.Members) > 0 {
				text = fmt.Append(text, i, o.Members, o.Devices, o.Row, "\n")
			}
		}
	}
	for _, d := range s.Domains {
		text = fmt.Append(text, d.Name, d.Cap, d.Watts, d.tight, len(d.nodes), "\n")
	}
	return string(text)
}

// Readers that never give back what they were lent cost copies, not memory.
func TestLoansAreBounded(t *testing.T) {
	l := NewLiving(forecast.DefaultGrid(), Settings{}, forecast.Margins{})
	for i := range 3 * maxLoans {
		l.Change().Describe(0, &fleet.Node{Name: "n", Capacity: resource.Of(float64(1+i), 1<<30)})
		l.Lend()
	}
	if n := len(l.loans.out); n > maxLoans {
		t.Fatalf("%d loans are remembered", n)
	}
}

// A state nobody reads is changed in place.
func TestAloneCopiesNothing(t *testing.T) {
	l := NewLiving(forecast.DefaultGrid(), Settings{}, forecast.Margins{})
	l.Change().Describe(0, &fleet.Node{Name: "n", Capacity: resource.Of(64, 1<<40)})
	w := &workload.Workload{ID: "w", Requests: resource.Of(1, 1<<30)}
	m := l.state.Member(w, described(w), w.Class, nil, nil)
	block := l.state.Blocks[0]
	round := func() {
		s := l.Lend()
		s.Done()
		l.Change().Put(0, m)
		l.Change().Take(0, "w")
	}
	round()
	if l.state.Blocks[0] != block {
		t.Error("the block was copied")
	}
	s := l.Lend()
	l.Change().Put(0, m)
	if l.state.Blocks[0] == block || s.Blocks[0] != block {
		t.Error("the block was not copied for a reader")
	}
}
