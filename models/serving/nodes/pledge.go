package nodes

import (
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// Fleet is what is promised with: what is known of workloads, and what is forecast of
// them.
type Fleet struct {
	Set       *models.Set
	Margins   forecast.Margins // in service
	Histories map[string]*models.History

	// Forecast returns what serves of a workload, ok false where nothing does.
	Forecast func(id string) (f *forecast.Forecast, class workload.Class, ok bool)
}

// pledges are what was promised of nodes from one moment on.
type pledges struct {
	Start   time.Time     `json:"start"`
	Horizon time.Duration `json:"horizon,omitempty"` // for so long, 0 for the span of the grid
	Of      []pledge      `json:"of"`
}

// pledge is what was promised of one node and resource.
type pledge struct {
	Node      string         `json:"node"`
	Class     workload.Class `json:"class"` // of all members, else mixedClass
	Resource  resource.Name  `json:"resource"`
	Size      int            `json:"size"` // most members of the margins' band
	Members   []string       `json:"members"`
	Limits    []float32      `json:"limits"` // beside members
	Low       float32        `json:"low"`    // largest slot of the summed profiles
	High      float32        `json:"high"`   // sum of peaks
	Promised  []float32      `json:"promised"`
	PartsSlot int            `json:"parts_slot"` // of a slot, in which sums are taken
	Profiler  string         `json:"profiler,omitempty"`
	Rival     *rival         `json:"rival,omitempty"` // nil where no profiler is in shadow

	seats []*seat // beside members
}

// rival is what would be promised if the profiler in shadow served.
type rival struct {
	Profiler string    `json:"profiler"`
	Promised []float32 `json:"promised"`
}

const (
	// mixedClass is that of a node whose workloads are of several.
	mixedClass workload.Class = "mixed"

	// maxNodes and maxSeats bound the nodes watched in one span and their members, each
	// resource apart; of a larger fleet others are watched the next span. fewestOnNode
	// are the workloads that make a machine.
	maxNodes     = 2_000
	maxSeats     = 20_000
	fewestOnNode = 2

	// maxRivals bounds the members and resources that a profiler in shadow is asked
	// about in one span, some 300 µs each.
	maxRivals = 5_000

	// mostParts of a slot tell when members peaked together: five minutes of an hour.
	mostParts = 12
)

// levels are the probabilities that nodes are promised at: 1 less the risk.
var levels = [...]float64{.95, .98, .99}

// Pledge notes what f promises of nodes from the next slot on, if nothing is noted for
// it yet: for the span where one begins, and for each shorter horizon of the margins of
// the nodes whose turn it is, once in a span at a slot drawn for each.
func (w *Watch) Pledge(f Fleet, now time.Time) (noted bool) {
	start := now.Truncate(w.grid.Slot).Add(w.grid.Slot)
	ahead := func(p pledges) bool { return p.Start.After(start) } // by a clock that was ahead
	w.kept.Pending = slices.DeleteFunc(w.kept.Pending, ahead)
	if w.kept.Asked.Equal(start) {
		return false
	}
	w.kept.Asked = start
	watched := w.choose(f, start, now)
	for _, horizon := range horizonsOf(f.Margins) {
		p, slots := pledges{Start: start, Horizon: horizon}, w.slotsOf(horizon)
		within := Fleet{Set: f.Set, Margins: f.Margins.Ahead(horizon), Histories: f.Histories, Forecast: f.Forecast}
		if horizon == 0 {
			within.Margins = f.Margins
		}
		for _, of := range watched {
			if w.turn(of.node, slots, start) == w.grid.Index(start) {
				p.Of = append(p.Of, w.promises(within, of, start, slots)...)
			}
		}
		if horizon == 0 {
			w.addRivals(f, p.Of, now)
		}
		if len(p.Of) > 0 {
			w.kept.Pending = append(w.kept.Pending, p)
			noted = true
		}
	}
	w.seat()
	return noted
}

// horizonsOf returns the horizons there are margins for, 0 for the span of the grid.
func horizonsOf(m forecast.Margins) []time.Duration {
	all := map[time.Duration]bool{}
	for _, b := range m.Bands {
		all[b.Horizon] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// slotsOf returns how many slots a horizon has.
func (w *Watch) slotsOf(horizon time.Duration) int {
	if horizon == 0 {
		return w.grid.Slots
	}
	return min(max(int(horizon/w.grid.Slot), 1), w.grid.Slots)
}

// turn returns the slot of the grid that a node's promise over so many slots begins
// with, in the span that start is in.
func (w *Watch) turn(node string, slots int, start time.Time) int {
	if slots >= w.grid.Slots {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte(node))
	h.Write([]byte{byte(slots)})
	day := uint64(start.Unix() / int64(w.grid.Span()/time.Second))
	mixed := (h.Sum64() ^ day) * 0x9e3779b97f4a7c15
	return int((mixed >> 32) % uint64(w.grid.Slots-slots+1))
}

// machine is a node, and those of its workloads that are there.
type machine struct {
	node    string
	members []string
}

// choose returns the nodes that are watched in the span start is in, of a fleet over
// maxNodes or maxSeats some, others every span.
func (w *Watch) choose(f Fleet, start, now time.Time) (watched []machine) {
	byNode, seats := map[string][]string{}, 0
	for id, h := range f.Histories {
		if h.Key.Node == "" || now.Sub(h.Last()) > w.grid.Slot {
			continue
		}
		if _, _, ok := f.Forecast(id); ok {
			byNode[h.Key.Node] = append(byNode[h.Key.Node], id)
			seats += len(h.Resources())
		}
	}
	maps.DeleteFunc(byNode, func(_ string, members []string) bool { return len(members) < fewestOnNode })
	names := slices.Sorted(maps.Keys(byNode))
	every := max(1, (len(names)+maxNodes-1)/maxNodes, (seats+maxSeats-1)/maxSeats)
	left := maxSeats
	for i := int(start.Unix()/int64(w.grid.Span()/time.Second)) % every; i < len(names); i += every {
		members := byNode[names[i]]
		slices.Sort(members)
		if left -= len(members) * len(f.Histories[members[0]].Resources()); left < 0 {
			break
		}
		watched = append(watched, machine{names[i], members})
	}
	return watched
}

// promises are what f promises of a machine over so many slots, by resource.
func (w *Watch) promises(f Fleet, m machine, start time.Time, slots int) (of []pledge) {
	for _, n := range f.Histories[m.members[0]].Resources() {
		if p, ok := w.promise(f, m, n, w.grid.Index(start), slots); ok {
			of = append(of, p)
		}
	}
	return of
}

// promise is what f promises of n over the slots from first on, not ok where a member
// has no forecast or limit, or no margin is calibrated.
func (w *Watch) promise(f Fleet, m machine, n resource.Name, first, slots int) (of pledge, ok bool) {
	of = pledge{Node: m.node, Resource: n, Size: f.Margins.Size(n, len(m.members)), Members: m.members, PartsSlot: mostParts, Profiler: f.Set.ProfilerIDs[n]}
	if of.Size == 0 {
		return of, false
	}
	sums, limits, sampled := newSums(w.grid), float32(0), false
	for i, id := range m.members {
		forecast, class, known := f.Forecast(id)
		u := f.Histories[id].Usage(n)
		if !known || u == nil {
			return of, false
		}
		d, known := forecast.Demand(n)
		if !known || d.Limit <= 0 || !sums.add(d) {
			return of, false
		}
		limits += d.Limit
		of.Limits = append(of.Limits, d.Limit)
		if n := w.samplesASlot(u); n > 0 {
			of.PartsSlot = min(of.PartsSlot, n)
			sampled = true
		}
		if i == 0 {
			of.Class = class
		} else if class != of.Class {
			of.Class = mixedClass
		}
	}
	if !sampled {
		of.PartsSlot = 1
	}
	of.Low, of.High = sums.most(first, slots), sums.peaks
	of.Promised = promised(f.Margins, n, len(m.members), of.Low, of.High, limits)
	return of, true
}

// sums are those of the members' profiles, by slot of the grid, and of their peaks.
type sums struct {
	slots []float32
	peaks float32
}

func newSums(g forecast.Grid) *sums { return &sums{slots: make([]float32, g.Slots)} }

func (s *sums) add(d *forecast.Demand) (ok bool) {
	if len(d.Profile) != len(s.slots) {
		return false
	}
	for k, v := range d.Profile {
		s.slots[k] += v
	}
	s.peaks += d.Peak
	return true
}

// most returns the largest of so many slots from first on.
func (s *sums) most(first, slots int) (most float32) {
	for k := range slots {
		most = max(most, s.slots[(first+k)%len(s.slots)])
	}
	return most
}

// promised returns the peaks promised at levels.
func promised(m forecast.Margins, n resource.Name, members int, low, high, limits float32) (all []float32) {
	for _, level := range levels {
		all = append(all, forecast.Peak(low, high, limits, m.At(n, members, 1-level)))
	}
	return all
}

// addRivals adds to promises over the span what they would be with the profiler in
// shadow, of a fleet over maxRivals to some of them.
func (w *Watch) addRivals(f Fleet, of []pledge, now time.Time) {
	left := maxRivals
	for n, challenger := range f.Set.ProfilerChallengers {
		margins := challenger.Margins
		if margins.Size(n, fewestOnNode) == 0 {
			continue // not calibrated yet: nothing would be promised by it
		}
		chain := f.Set.WithProfiler(n, challenger).Chain()
		for i := range of {
			p := &of[i]
			if p.Resource != n || left < len(p.Members) {
				continue
			}
			left -= len(p.Members)
			sums, limits := newSums(w.grid), float32(0)
			for _, id := range p.Members {
				s := models.Observed(f.Histories[id])
				_, s.Class, _ = f.Forecast(id)
				if made, known := chain.Forecast(&s, now); known {
					if d, known := made.Demand(n); known && sums.add(d) {
						limits += d.Limit
						continue
					}
				}
				sums = nil
				break
			}
			if sums != nil {
				p.Rival = &rival{challenger.ID, promised(margins, n, len(p.Members), sums.most(0, w.grid.Slots), sums.peaks, limits)}
			}
		}
	}
}

// samplesASlot returns how many samples of u fall into a slot: the most of its last
// three slots, or a gap would make the whole node coarse; 0 for a workload that has not
// had a whole slot.
func (w *Watch) samplesASlot(u *models.Usage) (n int) {
	if u.Last().Sub(u.First()) < 2*w.grid.Slot {
		return 0
	}
	for k := range 3 {
		n = max(n, u.SamplesIn(u.Last().Add(-time.Duration(k+1)*w.grid.Slot)))
	}
	return n
}
