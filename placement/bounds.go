package placement

import (
	"math"
	"math/bits"
	"runtime"
	"slices"
	"sync"
)

// bounds says of every node of a state what it can score at most.
type bounds struct {
	of    []float32 // by node
	top   []float32 // by block, the highest
	above census    // about how many nodes have at least so many steps
}

// census counts nodes by bound, in steps.
type census [128 * steps]int32

const (
	steps     = 8 // in a point
	countedOf = 8 // one block of so many is counted
)

var boundsPool = sync.Pool{New: func() any { return new(bounds) }}

// fill works out the bounds of all nodes of s: the base of each, plus the rise of its
// kind, plus what its place adds, less setBack where it has no room.
func (u *bounds) fill(x *sieve, rise []float32, s *State, rooms []rooming, places *placing) {
	n := len(s.Blocks)
	if cap(u.of) < n*BlockSize {
		u.of, u.top = make([]float32, n*BlockSize), make([]float32, n)
	}
	u.of, u.top = u.of[:n*BlockSize], u.top[:n]
	parts := make([]census, min(runtime.GOMAXPROCS(0), 1+n/blocksPerPart))
	inParts(len(parts), n, func(part, from, to int) {
		for block := from; block < to; block++ {
			at := block * BlockSize
			of, base, kind := u.of[at:at+BlockSize], x.base[at:at+BlockSize], x.kind[at:at+BlockSize]
			for i := range of {
				of[i] = base[i] + rise[kind[i]]
			}
			for k := range rooms {
				rooms[k].add(of, at)
			}
			if places != nil {
				places.add(of, at)
			}
			top := float32(noNode)
			for _, x := range of {
				if x > top {
					top = x
				}
			}
			u.top[block] = top
			if block%countedOf == 0 {
				parts[part].count(of)
			}
		}
	})
	sum := int32(0)
	for k := len(u.above) - 1; k >= 0; k-- {
		for i := range parts {
			sum += parts[i][k] * countedOf
		}
		u.above[k] = sum
	}
}

// count counts the nodes of a block.
func (c *census) count(of []float32) {
	for _, x := range of {
		if x >= 0 {
			c[min(int(x*steps), len(c)-1)]++
		}
	}
}

// reached returns the highest bound, in whole steps, that about n nodes reach; where
// there are fewer, 0, which all nodes reach that are not set back.
func (u *bounds) reached(n int) float32 {
	for k := len(u.above) - 1; k > 0; k-- {
		if int(u.above[k]) >= n {
			return float32(k) / steps
		}
	}
	return 0
}

// inParts calls work for parts of n, at once, and returns when all are done.
func inParts(parts, n int, work func(part, from, to int)) {
	var running sync.WaitGroup
	for part := range parts - 1 {
		running.Go(func() { work(part, part*n/parts, (part+1)*n/parts) })
	}
	work(parts-1, (parts-1)*n/parts, n)
	running.Wait()
}

// firstAsked is how many nodes are asked in full at first, and asMany how many times
// more in each round after that, while these could be among the best.
const (
	firstAsked = 64
	asMany     = 4
)

// ask returns the most best nodes of s: it asks those of the highest bounds, then
// those that could still be better than the best of these. Nodes that have been set
// back are as little among the best as those of too low a bound, and count with them.
func (p *Plan) ask(s *State, t *terrain, u *bounds, most int) Findings {
	whole := p.newScan(s, t, most)
	defer whole.end()
	below := float32(math.Inf(1))
	for n := firstAsked; ; n *= asMany {
		from := max(u.reached(n), whole.bar(most))
		whole.round(u, from, below)
		below = from
		if from == 0 || whole.bar(most) >= from {
			break
		}
	}
	f := &whole.Findings
	if f.feasible == 0 {
		return p.scan(s, most, true) // of all nodes it is to be said what turns them away
	}
	for _, b := range s.Blocks {
		f.considered += bits.OnesCount64(b.Live)
	}
	f.outranked = f.considered - f.feasible
	for _, n := range f.turnedAway {
		f.outranked -= n
	}
	return whole.Findings
}

// round asks in full the nodes whose bounds lie in [from, below).
func (x *scan) round(u *bounds, from, below float32) {
	n := len(x.state.Blocks)
	parts := make([]*scan, min(runtime.GOMAXPROCS(0), 1+n/blocksPerPart))
	inParts(len(parts), n, func(i, first, last int) {
		part := x.plan.newScan(x.state, x.terrain, x.most)
		part.floor = x.bar(x.most)
		parts[i] = part
		picked := part.lanes.chosen[:0]
		for block := first; block < last; block++ {
			if u.top[block] < from {
				continue
			}
			candidates := uint64(0)
			for i, bound := range u.of[block*BlockSize:][:BlockSize] {
				if bound >= from && bound < below {
					candidates |= 1 << i
				}
			}
			if candidates != 0 {
				picked = append(picked, chosen{block, candidates})
			}
		}
		part.lanes.chosen = picked
		part.touch(picked)
		for _, c := range picked {
			part.ask(c.block, c.nodes)
		}
	})
	for _, part := range parts {
		x.add(&part.Findings, x.most)
		part.end()
	}
}

// chosen is some nodes of a block.
type chosen struct {
	block int
	nodes uint64
}

// touch reads what is asked first about the chosen nodes. They lie far apart in memory: a
// loop that does nothing else waits for many of them at once.
func (x *scan) touch(nodes []chosen) {
	for _, c := range nodes {
		x.lanes.touched ^= x.state.Blocks[c.block].touch(bits.TrailingZeros64(c.nodes))
	}
}

// rooming sets back nodes that have less left of a resource than a request needs.
type rooming struct {
	left []float32 // by node
	need float32
}

// rooms returns the roomings that the rules of p call for.
func (p *Plan) rooms(x *sieve) []rooming {
	var rooms []rooming
	for k := range p.rules {
		if r := p.rules[k].Room; r.Amount > 0 && x.left[r.Resource] != nil {
			rooms = append(rooms, rooming{x.left[r.Resource], float32(r.Amount)})
		}
	}
	return rooms
}

// add sets nodes back in of, the bounds of a block that begins at node at. It does
// without a branch, which on a full fleet would go either way.
func (r *rooming) add(of []float32, at int) {
	penalty := math.Float32bits(setBack)
	for i, left := range r.left[at:][:len(of)] {
		short := uint32(int32(math.Float32bits(left-r.need)) >> 31) // all ones where it is
		of[i] -= math.Float32frombits(short & penalty)
	}
}

// placing is what places add to the bounds of a request.
type placing struct {
	at     []uint32  // place by node
	points []float32 // by place
	apart  []int32   // nodes that may get more, sorted
	more   float32   // at most
}

// lay works out what places add to the bounds of a request, closed places setBack less;
// nil where places make no difference.
func (p *Plan) lay(s *State, t *terrain, bs *builds) *placing {
	pl, says := &placing{at: bs.places, points: make([]float32, len(s.Places))}, false
	var value []float32
	for k := range p.measures {
		m := &p.measures[k]
		measure, located := m.measure.(Located)
		if !located || m.part == 0 {
			continue
		}
		if value == nil {
			value = make([]float32, len(s.Places))
		}
		measure.Locate(s, value)
		for place, v := range value {
			pl.points[place] += m.part * v
		}
		pl.apart = append(pl.apart, measure.Apart(s)...)
		pl.more += 100 * m.part
		says = true
	}
	if t.most() > 0 {
		says = true
		for place, v := range t.points {
			pl.points[place] += v
		}
	}
	for k := range p.rules {
		for place, open := range p.rules[k].Open {
			if says = true; !open {
				pl.points[place] = -setBack
			}
		}
	}
	if !says {
		return nil
	}
	slices.Sort(pl.apart)
	pl.apart = slices.Compact(pl.apart)
	return pl
}

// add adds the points of places to of, the bounds of a block that begins at node at.
func (pl *placing) add(of []float32, at int) {
	for i, place := range pl.at[at:][:len(of)] {
		of[i] += pl.points[place]
	}
	from, _ := slices.BinarySearch(pl.apart, int32(at))
	for _, node := range pl.apart[from:] {
		if int(node) >= at+len(of) {
			break
		}
		of[int(node)-at] += pl.more
	}
}
