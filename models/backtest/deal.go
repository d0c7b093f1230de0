package backtest

import (
	"cmp"
	"container/heap"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
)

// Span is a half-open stretch of time, in any unit.
type Span struct{ From, To int64 }

// Slots arranges spans that do not overlap behind each other, as workloads that
// take the places of those that have ended: each span goes to a random slot that
// is free when it begins, or opens one. It returns the indices of the spans in
// each slot, by rising time; there are as many slots as spans ever overlap.
func Slots(spans []Span, rng *rand.Rand) [][]int {
	order := rng.Perm(len(spans))
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(spans[a].From, spans[b].From) })
	var slots [][]int
	var busy taken
	var free []int
	for _, i := range order {
		for len(busy) > 0 && busy[0].until <= spans[i].From {
			free = append(free, heap.Pop(&busy).(occupant).slot)
		}
		slot := len(slots)
		if len(free) == 0 {
			slots = append(slots, nil)
		} else {
			k := rng.IntN(len(free))
			slot = free[k]
			free = slices.Delete(free, k, k+1)
		}
		slots[slot] = append(slots[slot], i)
		heap.Push(&busy, occupant{spans[i].To, slot})
	}
	return slots
}

type occupant struct {
	until int64
	slot  int
}

// taken are the occupied slots, the next to be free on top.
type taken []occupant

func (t taken) Len() int { return len(t) }
func (t taken) Less(i, j int) bool {
	return t[i].until < t[j].until || t[i].until == t[j].until && t[i].slot < t[j].slot
}
func (t taken) Swap(i, j int) { t[i], t[j] = t[j], t[i] }
func (t *taken) Push(x any)   { *t = append(*t, x.(occupant)) }
func (t *taken) Pop() any {
	last := (*t)[len(*t)-1]
	*t = (*t)[:len(*t)-1]
	return last
}

// RandomMachines deals the tracks of p to machines with size places each,
// replicates times over; the place of a track that ends is taken by one that
// starts later. Within one replicate no track is on two machines; places left
// over sit it out. A machine that comes out as an earlier one did is left out. The same
// seed deals the same hands.
func RandomMachines(p *Panel, size, replicates int, seed uint64) []*Machine {
	spans := make([]Span, len(p.Tracks))
	for k, t := range p.Tracks {
		spans[k] = Span{int64(t.First()), int64(t.End())}
	}
	var machines []*Machine
	for replicate := range replicates {
		rng := rand.New(rand.NewPCG(seed, uint64(replicate)))
		slots := Slots(spans, rng)
		for hand := range slices.Chunk(rng.Perm(len(slots)), size) {
			if len(hand) < size {
				continue
			}
			m := &Machine{panel: p}
			for _, slot := range hand {
				for _, k := range slots[slot] {
					m.Members = append(m.Members, Member{k, -1, p.Steps})
				}
			}
			machines = append(machines, m)
		}
	}
	return distinct(machines)
}

// distinct leaves out machines with the members of an earlier one: of few workloads
// every replicate deals the same machines, and the same days of the same machine would
// count as new evidence each time.
func distinct(machines []*Machine) []*Machine {
	seen := make(map[string]bool, len(machines))
	return slices.DeleteFunc(machines, func(m *Machine) bool {
		members := slices.Clone(m.Members)
		slices.SortFunc(members, func(a, b Member) int {
			return cmp.Or(cmp.Compare(a.Track, b.Track), cmp.Compare(a.From, b.From))
		})
		key := fmt.Sprint(members)
		known := seen[key]
		seen[key] = true
		return known
	})
}

// OwnMachines returns the nodes the tracks of p were on, by name. What was on an
// unknown node is on none of them.
func OwnMachines(p *Panel) []*Machine {
	nodes := map[string]*Machine{}
	for k, t := range p.Tracks {
		for i, s := range t.stays {
			to := t.End() + presence
			if i+1 < len(t.stays) {
				to = t.stays[i+1].from
			}
			if s.node == "" {
				continue
			}
			if nodes[s.node] == nil {
				nodes[s.node] = &Machine{panel: p, Node: s.node}
			}
			nodes[s.node].Members = append(nodes[s.node].Members, Member{k, s.from, to})
		}
	}
	var machines []*Machine
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		machines = append(machines, nodes[name])
	}
	return machines
}
