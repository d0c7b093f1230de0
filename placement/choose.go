package placement

import (
	"math/bits"
	"slices"
)

// choose returns what is known of s, with the most best nodes. Open nodes that could
// be among them are asked first; all are where nothing else passed, and where the
// answer has to be thorough. What is known of the nodes leaves out what t says of their
// places.
func (sh *shape) choose(t *terrain, s *State, most int) Findings {
	f := Findings{best: make([]candidate, 0, most+1)}
	if sh.mu.thorough {
		sh.askAll(s)
	}
	sh.offerPassed(t, s, &f, most)
	if len(f.best) < most {
		// The cell of the greatest hopes sets a bar that few nodes of others reach.
		sh.offerOpen(t, s, sh.mostHopeful(t), &f, most)
	}
	bar, reach := f.bar(most), t.most()
	for c, hope := range sh.mu.hopes {
		if hope >= 0 && hope+reach >= bar && t.reaches(sh.mu.cells.at(c), hope, bar) {
			sh.offerOpen(t, s, c, &f, most)
			bar = f.bar(most)
		}
	}
	if len(f.best) == 0 {
		sh.askAll(s) // in places that are shut
	}
	sh.mu.bar = max(0, f.bar(most)-t.most())
	known := &sh.mu.Findings
	f.considered, f.feasible, f.outranked = known.considered, known.feasible, known.outranked
	f.turnedAway = slices.Clone(known.turnedAway)
	if t != nil {
		for place, nodes := range sh.mu.passedAt {
			if !t.open[place] {
				f.turnedAway[t.shutBy[place]] += int(nodes)
				f.feasible -= int(nodes)
			}
		}
	}
	return f
}

// mostHopeful returns the cell of the greatest hopes, of those in open places.
func (sh *shape) mostHopeful(t *terrain) (most int) {
	highest := float32(0)
	for c, hope := range sh.mu.hopes {
		if hope > highest && t.reaches(sh.mu.cells.at(c), hope, 0) {
			most, highest = c, hope
		}
	}
	return most
}

// askAll asks all open nodes.
func (sh *shape) askAll(s *State) {
	for block := range sh.mu.judged {
		if open := sh.mu.judged[block].open; open != 0 {
			sh.askOpen(s, block, open)
		}
	}
	for c := range sh.mu.hopes {
		sh.mu.hopes[c] = hopeless
	}
}

// offerOpen asks the open nodes of a cell that could be among the best.
func (sh *shape) offerOpen(t *terrain, s *State, c int, f *Findings, most int) {
	in := sh.mu.cells.at(c)
	block := int(in.block)
	bar, reach, b, j := f.bar(most), t.most(), s.Blocks[block], &sh.mu.judged[block]
	hopeful, rest := uint64(0), float32(hopeless)
	for m := j.open & in.nodes; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m) & (BlockSize - 1)
		score := j.nodes[i].score
		if score+reach >= bar && t.opens(b, i) && score+t.at(b, i) >= bar {
			hopeful |= 1 << i
		} else if score > rest {
			rest = score
		}
	}
	sh.mu.hopes[c] = rest
	if hopeful == 0 {
		return
	}
	for m := sh.askOpen(s, block, hopeful); m != 0; m &= m - 1 {
		f.offer(t.candidate(j, b, block, bits.TrailingZeros64(m)&(BlockSize-1)), most)
	}
}

// offerPassed offers the nodes that have passed.
func (sh *shape) offerPassed(t *terrain, s *State, f *Findings, most int) {
	// The leaders in open places say what it takes at least to be among the best.
	first, reach := Findings{best: sh.mu.first[:0]}, t.most()
	bar := first.bar(most)
	for c, peak := range sh.mu.peaks {
		if peak+reach < bar || !t.reaches(sh.mu.cells.at(c), peak, bar) {
			continue
		}
		leader := *sh.leader(s, c)
		if leader.node < 0 || leader.score+reach < bar {
			continue
		}
		if b, i := s.Peek(leader.node); t.opens(b, i) {
			leader.score += t.at(b, i)
			first.offer(leader, most)
			bar = first.bar(most)
		}
	}
	sh.mu.first = first.best
	for c, peak := range sh.mu.peaks {
		in := sh.mu.cells.at(c)
		if peak+reach < bar || !t.reaches(in, peak, bar) {
			continue
		}
		block := int(in.block)
		b, j := s.Blocks[block], &sh.mu.judged[block]
		for m := j.passed & in.nodes; m != 0; m &= m - 1 {
			i := bits.TrailingZeros64(m) & (BlockSize - 1)
			if j.nodes[i].score+reach >= bar && t.opens(b, i) {
				f.offer(t.candidate(j, b, block, i), most)
			}
		}
	}
}

// leader returns the best node of a cell that passed.
func (sh *shape) leader(s *State, c int) *candidate {
	leader := &sh.mu.leaders[c]
	if leader.node != unknown {
		return leader
	}
	leader.node, sh.mu.peaks[c] = none, hopeless
	in := sh.mu.cells.at(c)
	block := int(in.block)
	b, j := s.Blocks[block], &sh.mu.judged[block]
	for m := j.passed & in.nodes; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m) & (BlockSize - 1)
		if leader.node != none && j.nodes[i].score < leader.score {
			continue // whatever its rank
		}
		if x := j.candidate(b, block, i); leader.node == none || x.before(*leader) {
			*leader, sh.mu.peaks[c] = x, x.score
		}
	}
	return leader
}

func (j *judged) candidate(b *Block, block, i int) candidate {
	return candidate{block*BlockSize + i, j.nodes[i].score, b.Rank[i]}
}
