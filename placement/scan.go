package placement

import (
	"math/bits"
	"runtime"
	"sync"
)

// The scan holds nodes against the rules and measures of a plan: all of them, or those
// that bounds leave (see sieve.go). On a large fleet it does not ask to the end what a
// node scores that could not be among the best: as soon as what the measures asked so
// far have left to be had is too little, the node is outranked. Bounds are kept wide
// enough for all rounding, so that the best nodes are those of a scan that asks
// everything of all.

// Findings is what a scan leaves behind. Every node considered is turned away, or
// feasible, or outranked.
type Findings struct {
	best       []candidate // best first, at most as many as asked for
	turnedAway []int       // by rule: nodes it was the first to turn away
	considered int
	feasible   int // passed every rule
	outranked  int // could not win, so not every rule was asked
}

// Counts returns how many nodes were considered, how many of them passed every rule, and
// how many were not asked to the end since they could not win.
func (f *Findings) Counts() (considered, feasible, outranked int) {
	return f.considered, f.feasible, f.outranked
}

// Best returns the position of the best node, false where none would do.
func (f *Findings) Best() (node int, found bool) {
	if len(f.best) == 0 {
		return 0, false
	}
	return f.best[0].node, true
}

// candidate is a node that passed every rule.
type candidate struct {
	node  int
	score float32
	rank  uint64
}

// before orders candidates: the higher score, then the lower rank, then the
// earlier node.
func (c candidate) before(o candidate) bool {
	switch {
	case c.score != o.score:
		return c.score > o.score
	case c.rank != o.rank:
		return c.rank < o.rank
	}
	return c.node < o.node
}

const (
	// smallFleet is the number of blocks up to which every node is asked everything:
	// exact counts cost little there.
	smallFleet = 16

	// samples is how many blocks are looked at first: the best of them is a bar that
	// few nodes of the others reach.
	samples = 16

	// blocksPerPart is how many blocks make a further processor worth its while.
	blocksPerPart = 128
)

// lanes is the scratch space of a scan.
type lanes struct {
	raw, value, total, bound Lane
	touched                  uint64 // see Block.touch
	chosen                   []chosen
}

var scratch = sync.Pool{New: func() any { return new(lanes) }}

// scan returns the most best nodes of s. A thorough one outranks none. Where no node
// is feasible none was outranked either. The number of processors decides which
// nodes are outranked, and nothing else.
func (p *Plan) scan(s *State, most int, thorough bool) Findings {
	whole := p.newScan(s, p.survey(s), most)
	defer whole.end()
	if thorough {
		whole.thorough = true
		for block := range s.Blocks {
			whole.look(block)
		}
		return whole.Findings
	}
	stride := max(1, len(s.Blocks)/samples)
	for block := 0; block < len(s.Blocks); block += stride {
		whole.look(block)
	}
	parts := make([]*scan, min(runtime.GOMAXPROCS(0), 1+len(s.Blocks)/blocksPerPart))
	inParts(len(parts), len(s.Blocks), func(i, from, to int) {
		part := p.newScan(s, whole.terrain, most)
		part.floor = whole.bar(most)
		parts[i] = part
		for block := from; block < to; block++ {
			if block%stride != 0 {
				part.look(block)
			}
		}
	})
	for _, part := range parts {
		whole.add(&part.Findings, most)
		part.end()
	}
	return whole.Findings
}

// scan is a scan under way, of all blocks or a part of them.
type scan struct {
	Findings
	plan     *Plan
	state    *State
	terrain  *terrain
	lanes    *lanes
	most     int
	thorough bool    // ask everything of all
	floor    float32 // what others have found already
}

func (p *Plan) newScan(s *State, t *terrain, most int) *scan {
	return &scan{
		Findings: Findings{turnedAway: make([]int, len(p.rules)), best: make([]candidate, 0, most+1)},
		plan:     p, state: s, terrain: t, lanes: scratch.Get().(*lanes), most: most,
	}
}

func (x *scan) end() { scratch.Put(x.lanes) }

// look holds the nodes of one block against the plan.
func (x *scan) look(block int) {
	live := x.state.Blocks[block].Live
	x.considered += bits.OnesCount64(live)
	x.ask(block, live)
}

// ask holds some nodes of a block against the plan.
func (x *scan) ask(block int, candidates uint64) {
	p, s, t, l := x.plan, x.state, x.terrain, x.lanes
	b, bar := s.Blocks[block], float32(0)
	if !x.thorough {
		bar = max(x.floor, x.bar(x.most))
	}
	candidates = p.filter(s, b, candidates, 0, p.costly, x.turnedAway)
	if candidates == 0 {
		return
	}
	p.outlast(s, b, candidates, l)
	hopeful := p.score(s, b, candidates, l, bar-t.most())
	x.outranked += bits.OnesCount64(candidates &^ hopeful)
	passed := t.pass(b, p.filter(s, b, hopeful, p.costly, len(p.rules), x.turnedAway), x.turnedAway)
	if passed == 0 {
		return
	}
	x.feasible += bits.OnesCount64(passed)
	p.finish(s, b, passed, l)
	t.add(b, passed, &l.total)
	for m := passed; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m) & (BlockSize - 1)
		x.offer(candidate{block*BlockSize + i, l.total[i], b.Rank[i]}, x.most)
	}
}

// filter returns those of candidates that pass the rules from one up to another. It
// counts the others by the first rule that turned them away.
func (p *Plan) filter(s *State, b *Block, candidates uint64, from, to int, turnedAway []int) uint64 {
	for i := from; i < to && candidates != 0; i++ {
		check := p.rules[i].Check
		if check == nil {
			continue
		}
		if passed := check.Pass(s, b, candidates); passed != candidates {
			turnedAway[i] += bits.OnesCount64(candidates &^ passed)
			candidates = passed
		}
	}
	return candidates
}

// outlast writes to l.total the points of candidates that last.
func (p *Plan) outlast(s *State, b *Block, candidates uint64, l *lanes) {
	l.total.clear(candidates)
	for i := range p.lasting {
		p.lasting[i].Score(s, b, candidates, &l.raw, &l.value)
		l.total.add(candidates, &l.value, p.lasting[i].part)
	}
}

// score adds to l.total, which holds what lasts, the points of the measures without
// bounds, of those of candidates that could reach the bar, and returns these.
func (p *Plan) score(s *State, b *Block, candidates uint64, l *lanes, bar float32) uint64 {
	candidates = l.total.reach(candidates, bar-p.rest[0])
	for i := range p.plain {
		p.plain[i].Score(s, b, candidates, &l.raw, &l.value)
		l.total.add(candidates, &l.value, p.plain[i].part)
		candidates = l.total.reach(candidates, bar-p.rest[i+1])
	}
	if bar <= 0 || len(p.bounded) == 0 || candidates == 0 {
		return candidates
	}
	l.bound = l.total
	for i := range p.bounded {
		p.bounded[i].Measure.(Bounded).Bound(s, b, candidates, &l.value)
		l.bound.add(candidates, &l.value, p.bounded[i].part)
	}
	return l.bound.reach(candidates, bar-rounding)
}

// finish adds to l.total the points of the measures with bounds.
func (p *Plan) finish(s *State, b *Block, candidates uint64, l *lanes) {
	for i := range p.bounded {
		p.bounded[i].Score(s, b, candidates, &l.raw, &l.value)
		l.total.add(candidates, &l.value, p.bounded[i].part)
	}
}

func (l *Lane) clear(nodes uint64) {
	for m := nodes; m != 0; m &= m - 1 {
		l[bits.TrailingZeros64(m)&(BlockSize-1)] = 0
	}
}

func (l *Lane) add(nodes uint64, values *Lane, part float32) {
	for m := nodes; m != 0; m &= m - 1 {
		k := bits.TrailingZeros64(m) & (BlockSize - 1)
		l[k] += part * values[k]
	}
}

// reach returns those of nodes that are not under the bar.
func (l *Lane) reach(nodes uint64, bar float32) uint64 {
	if bar <= 0 {
		return nodes
	}
	for m := nodes; m != 0; m &= m - 1 {
		if k := bits.TrailingZeros64(m) & (BlockSize - 1); l[k] < bar {
			nodes &^= 1 << k
		}
	}
	return nodes
}

// add adds what was found on other nodes.
func (f *Findings) add(o *Findings, most int) {
	for i, n := range o.turnedAway {
		f.turnedAway[i] += n
	}
	f.considered += o.considered
	f.feasible += o.feasible
	f.outranked += o.outranked
	for _, c := range o.best {
		f.offer(c, most)
	}
}

// bar returns the score a candidate needs to be among the most best, 0 while any
// will do.
func (f *Findings) bar(most int) float32 {
	if len(f.best) < most {
		return 0
	}
	return f.best[most-1].score
}

// offer keeps c if it is among the most best so far.
func (f *Findings) offer(c candidate, most int) {
	if len(f.best) == most && !c.before(f.best[most-1]) {
		return
	}
	if len(f.best) < most {
		f.best = append(f.best, c)
	} else {
		f.best[most-1] = c
	}
	for i := len(f.best) - 1; i > 0 && f.best[i].before(f.best[i-1]); i-- {
		f.best[i], f.best[i-1] = f.best[i-1], f.best[i]
	}
}
