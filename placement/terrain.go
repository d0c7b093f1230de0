package placement

import (
	"math/bits"
	"sync"
)

// Gate is the form of a Rule that turns away all nodes of a place alike, by what
// runs in the fleet. It is asked once per decision, after all checks.
type Gate interface {
	// Shut sets shut for the places, by position in State.Places, whose nodes may not
	// run the workload. All are open when it is called.
	Shut(s *State, shut []bool)
}

// Regional is a Measure of which part depends on where a node stands and on what
// runs in the fleet. Its values are the sum of that part and of Score's.
type Regional interface {
	Measure

	// Local reports whether Score has anything to say beside 0.
	Local() bool

	// Survey writes that part for every place, by position in State.Places.
	Survey(s *State, raw, value []float32)
}

// terrain is what the gates and the regional measures of a plan say of places.
type terrain struct {
	open   []bool
	shutBy []int32   // the rule that shut it first
	points []float32 // of the regional measures
	reach  float32   // the most of points

	shut       []bool    // scratch: what one gate says,
	raw, value []float32 // and what one measure
}

var terrains = sync.Pool{New: func() any { return new(terrain) }}

// newTerrain returns one of n places, all open and without points.
func newTerrain(n int) *terrain {
	t := terrains.Get().(*terrain)
	if len(t.open) != n {
		*t = terrain{
			open: make([]bool, n), shutBy: make([]int32, n), points: make([]float32, n),
			shut: make([]bool, n), raw: make([]float32, n), value: make([]float32, n),
		}
	}
	for i := range t.open {
		t.open[i] = true
	}
	clear(t.points)
	t.reach = 0
	return t
}

// done gives t back; nobody may look at it afterwards.
func (t *terrain) done() {
	if t != nil {
		terrains.Put(t)
	}
}

// gated is a rule with a gate.
type gated struct {
	Gate
	rule int
}

// survey asks the gates and the regional measures; nil when there are none.
func (p *Plan) survey(s *State) *terrain {
	if len(p.gates)+len(p.regional) == 0 {
		return nil
	}
	t := newTerrain(len(s.Places))
	for _, g := range p.gates {
		t.ask(s, g)
	}
	for _, m := range p.regional {
		m.Measure.(Regional).Survey(s, t.raw, t.value)
		for i, v := range t.value {
			t.points[i] += m.part * v
		}
	}
	for _, x := range t.points {
		t.reach = max(t.reach, x)
	}
	return t
}

// ask shuts what a gate does.
func (t *terrain) ask(s *State, g gated) {
	clear(t.shut)
	g.Shut(s, t.shut)
	for i, shut := range t.shut {
		if shut && t.open[i] {
			t.open[i], t.shutBy[i] = false, int32(g.rule)
		}
	}
}

// pass returns those of candidates in open places, and counts the others.
func (t *terrain) pass(b *Block, candidates uint64, turnedAway []int) uint64 {
	if t == nil {
		return candidates
	}
	for m := candidates; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m) & (BlockSize - 1)
		if at := b.Place[i]; !t.open[at] {
			turnedAway[t.shutBy[at]]++
			candidates &^= 1 << i
		}
	}
	return candidates
}

// add adds the points of places to total.
func (t *terrain) add(b *Block, candidates uint64, total *Lane) {
	if t == nil || t.reach == 0 {
		return
	}
	for m := candidates; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m) & (BlockSize - 1)
		total[i] += t.points[b.Place[i]]
	}
}

// most returns the largest number of points a place may add.
func (t *terrain) most() float32 {
	if t == nil {
		return 0
	}
	return t.reach
}

// candidate returns node i of a block with the points of its place.
func (t *terrain) candidate(j *judged, b *Block, block, i int) candidate {
	c := j.candidate(b, block, i)
	c.score += t.at(b, i)
	return c
}

// at returns the points of the place of node i of b.
func (t *terrain) at(b *Block, i int) float32 {
	if t == nil || t.reach == 0 {
		return 0
	}
	return t.points[b.Place[i]]
}

// opens reports whether node i of b stands in an open place.
func (t *terrain) opens(b *Block, i int) bool { return t == nil || t.open[b.Place[i]] }
