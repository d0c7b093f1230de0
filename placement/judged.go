package placement

import "math/bits"

// judged is what is known of the nodes of one block. A live node has passed, or a rule
// has turned it away, or it is open: it has not been asked everything, since what it
// could score at most was too little.
type judged struct {
	live   uint64
	passed uint64
	open   uint64
	late   uint64    // turned away by a rule that is asked only of those with hopes
	able   uint64    // pass all lasting rules
	_      [3]uint64 // whole cache lines: what is above lies in one
	nodes  [BlockSize]judgedNode
}

// judgedNode is what is known of one node, all of it in one place: it is
// brought up to date by itself.
type judgedNode struct {
	score  float32 // where it passed; what it could be at most where it is open or was turned away late
	points float32 // of the lasting measures, where it is able
	rule   uint8   // that turned it away, where it is live and neither passed nor open
	barred uint8   // the first lasting rule it breaks, where it is live but not able
}

// Nodes of leaders that are none.
const (
	none    = -1 // no node of the cell passed
	unknown = -2 // the one that led has changed
)

// hopeless is less than any score.
const hopeless = -1

// judge holds some nodes of b, which may be gathered, against the plan, in place of
// what was known of them: against what is asked of every node, and beyond that only
// where they could be among the best.
func (sh *shape) judge(s *State, b *Block, nodes uint64) {
	l := scratch.Get().(*lanes)
	defer scratch.Put(l)
	// What is known of gathered nodes lies far apart: a loop that does little else
	// waits for all of it at once.
	able, barred, last := uint64(0), uint64(0), uint8(0)
	for m := nodes; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m) & (BlockSize - 1)
		j, k := sh.at(b, i)
		able |= j.able >> k & 1 << i
		if j.live&^j.able>>k&1 == 1 && j.nodes[k].rule == j.nodes[k].barred {
			barred |= 1 << i
			last = max(last, j.nodes[k].barred)
		}
		l.total[i] = j.nodes[k].points
	}
	nodes &^= sh.stillBarred(s, b, barred&b.Live, int(last))
	for m := nodes; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m) & (BlockSize - 1)
		sh.forget(b, i)
		if b.Live>>i&1 == 1 {
			j, k := sh.at(b, i)
			sh.mu.considered++
			j.live |= 1 << k
		}
	}
	candidates := able & nodes & b.Live
	sh.turnAwayBarred(s, b, nodes&b.Live&^candidates)
	candidates = sh.filter(s, b, candidates, 0, sh.mu.plan.costly)
	if candidates == 0 {
		return
	}
	sh.measure(s, b, candidates, l)
	hopeful := l.bound.reach(candidates, sh.mu.bar)
	for m := candidates; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m) & (BlockSize - 1)
		j, k := sh.at(b, i)
		j.nodes[k].score = l.bound[i] + rounding
		if hopeful>>i&1 == 0 {
			sh.reopen(b, i)
		}
	}
	if hopeful != 0 {
		sh.ask(s, b, hopeful, l)
	}
}

// stillBarred returns those of nodes, each turned away by the lasting rule it breaks,
// none later than the last, to which nothing else is to be said now either: no rule
// before the last turns them away.
func (sh *shape) stillBarred(s *State, b *Block, nodes uint64, last int) uint64 {
	for _, r := range sh.mu.plan.changing {
		if r >= last || nodes == 0 {
			break
		}
		nodes = sh.mu.plan.rules[r].Check.Pass(s, b, nodes)
	}
	return nodes
}

// at returns where what is known of node i of b is.
func (sh *shape) at(b *Block, i int) (*judged, int) {
	position := b.Position(i)
	return &sh.mu.judged[position/BlockSize], position % BlockSize
}

// forget takes node i of b out of all counts.
func (sh *shape) forget(b *Block, i int) {
	j, k := sh.at(b, i)
	bit := uint64(1) << k
	switch {
	case j.live&bit == 0:
		return
	case j.passed&bit != 0:
		sh.mu.feasible--
		if sh.mu.passedAt != nil {
			sh.mu.passedAt[b.Place[i]]--
		}
		position := b.Position(i)
		if leader := &sh.mu.leaders[sh.mu.cells.of(position)]; leader.node == position {
			leader.node = unknown
		}
	case j.open&bit != 0:
		sh.mu.outranked--
	default:
		sh.mu.turnedAway[j.nodes[k].rule]--
	}
	sh.mu.considered--
	j.live, j.passed, j.open, j.late = j.live&^bit, j.passed&^bit, j.open&^bit, j.late&^bit
}

// reopen notes that node i of b, which is in no count but that of the considered,
// scores what is noted at most.
func (sh *shape) reopen(b *Block, i int) {
	j, k := sh.at(b, i)
	j.open |= 1 << k
	sh.mu.outranked++
	hope := &sh.mu.hopes[sh.mu.cells.of(b.Position(i))]
	*hope = max(*hope, j.nodes[k].score)
}

// turnAway counts node i of b for a rule.
func (sh *shape) turnAway(b *Block, i, rule int) {
	j, k := sh.at(b, i)
	j.nodes[k].rule = uint8(rule)
	sh.mu.turnedAway[rule]++
	if rule >= sh.mu.plan.costly {
		j.late |= 1 << k
	}
}

// turnAwayBarred counts nodes that break a lasting rule: of the others the rules that
// come before it are asked, since one of these may be the first.
func (sh *shape) turnAwayBarred(s *State, b *Block, nodes uint64) {
	for _, r := range sh.mu.plan.changing {
		if nodes == 0 {
			return
		}
		for m := nodes; m != 0; m &= m - 1 {
			i := bits.TrailingZeros64(m) & (BlockSize - 1)
			if j, k := sh.at(b, i); int(j.nodes[k].barred) < r {
				sh.turnAway(b, i, int(j.nodes[k].barred))
				nodes &^= 1 << i
			}
		}
		if nodes == 0 {
			return
		}
		passed := sh.mu.plan.rules[r].Check.Pass(s, b, nodes)
		for m := nodes &^ passed; m != 0; m &= m - 1 {
			sh.turnAway(b, bits.TrailingZeros64(m)&(BlockSize-1), r)
		}
		nodes = passed
	}
	for m := nodes; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m) & (BlockSize - 1)
		j, k := sh.at(b, i)
		sh.turnAway(b, i, int(j.nodes[k].barred))
	}
}

// filter asks the changing rules from one up to another, and returns those of
// candidates that pass.
func (sh *shape) filter(s *State, b *Block, candidates uint64, from, to int) uint64 {
	for _, r := range sh.mu.plan.changing {
		if r < from || r >= to || candidates == 0 {
			continue
		}
		passed := sh.mu.plan.rules[r].Check.Pass(s, b, candidates)
		for m := candidates &^ passed; m != 0; m &= m - 1 {
			sh.turnAway(b, bits.TrailingZeros64(m)&(BlockSize-1), r)
		}
		candidates = passed
	}
	return candidates
}

// measure adds to l.total, which holds what lasts, the points of the measures without
// bounds, and writes to l.bound what there is to be had at most with the others.
func (sh *shape) measure(s *State, b *Block, candidates uint64, l *lanes) {
	p := sh.mu.plan
	for i := range p.plain {
		p.plain[i].Score(s, b, candidates, &l.raw, &l.value)
		l.total.add(candidates, &l.value, p.plain[i].part)
	}
	l.bound = l.total
	for i := range p.bounded {
		p.bounded[i].Measure.(Bounded).Bound(s, b, candidates, &l.value)
		l.bound.add(candidates, &l.value, p.bounded[i].part)
	}
}

// ask asks nodes of b, which are in no count but that of the considered, the rest, l.total
// holding what measure left there. It returns those that pass.
func (sh *shape) ask(s *State, b *Block, nodes uint64, l *lanes) uint64 {
	p := sh.mu.plan
	passed := sh.filter(s, b, nodes, p.costly, len(p.rules))
	if passed == 0 {
		return 0
	}
	p.finish(s, b, passed, l)
	sh.mu.feasible += bits.OnesCount64(passed)
	for m := passed; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m) & (BlockSize - 1)
		j, k := sh.at(b, i)
		j.passed |= 1 << k
		j.nodes[k].score = l.total[i]
		if sh.mu.passedAt != nil {
			sh.mu.passedAt[b.Place[i]]++
		}
		position := b.Position(i)
		at := sh.mu.cells.of(position)
		leader, peak := &sh.mu.leaders[at], &sh.mu.peaks[at]
		if c := (candidate{position, l.total[i], b.Rank[i]}); leader.node == none || leader.node >= 0 && c.before(*leader) {
			*leader = c
		}
		*peak = max(*peak, l.total[i])
	}
	return passed
}

// askOpen asks open nodes of a block everything and returns those that pass.
func (sh *shape) askOpen(s *State, block int, nodes uint64) uint64 {
	b, j := s.Blocks[block], &sh.mu.judged[block]
	l := scratch.Get().(*lanes)
	defer scratch.Put(l)
	for m := nodes; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m) & (BlockSize - 1)
		l.total[i] = j.nodes[i].points
	}
	j.open &^= nodes
	sh.mu.outranked -= bits.OnesCount64(nodes)
	for i := range sh.mu.plan.plain {
		measure := &sh.mu.plan.plain[i]
		measure.Score(s, b, nodes, &l.raw, &l.value)
		l.total.add(nodes, &l.value, measure.part)
	}
	return sh.ask(s, b, nodes, l)
}

// sway reopens the nodes whose answer may be another since the draw of a domain is:
// those that passed, and those turned away by a rule that goes by it or comes after
// one. What they score does not depend on it.
func (sh *shape) sway(s *State, domain int32) {
	p := sh.mu.plan
	for _, listed := range s.Domains[domain].nodes {
		if int(listed.block) >= len(sh.mu.judged) {
			continue
		}
		b, j := s.Blocks[listed.block], &sh.mu.judged[listed.block]
		swayed := listed.nodes & j.passed
		if swayed != 0 && sh.mu.thorough {
			// They would all be asked everything: less is enough.
			still := swayed
			for _, r := range p.shared {
				if still != 0 {
					still = p.rules[r].Check.Pass(s, b, still)
				}
			}
			swayed &^= still
		}
		for m := listed.nodes & j.late; m != 0; m &= m - 1 {
			if i := bits.TrailingZeros64(m) & (BlockSize - 1); int(j.nodes[i].rule) >= p.shared[0] {
				swayed |= 1 << i
			}
		}
		if unable := swayed &^ j.able; unable != 0 {
			sh.judge(s, b, unable)
			swayed &^= unable
		}
		for m := swayed; m != 0; m &= m - 1 {
			i := bits.TrailingZeros64(m) & (BlockSize - 1)
			sh.forget(b, i)
			sh.mu.considered++
			j.live |= 1 << i
			sh.reopen(b, i)
		}
	}
}
