package placement

import "math/bits"

// cells divide the nodes of a fleet by block and, for a shape to which places matter, by
// place: what the best of a cell scores, or could, is held against the bar with the
// points of its place, and not at all while that is shut.
type cells struct {
	list  []cell  // nil: one for each block
	first []int32 // by block: position of its first
}

// cell is the positions of one block whose nodes stand at one place, or those without
// nodes.
type cell struct {
	nodes uint64
	block int32
	place int32 // or anywhere
}

const (
	anywhere = -1

	// maxCells is how many cells there may be for each block. Where places lie in greater
	// disorder blocks are not divided.
	maxCells = 4
)

// newCells divides the nodes of s.
func newCells(s *State) cells {
	c := cells{list: make([]cell, 0, 2*len(s.Blocks)), first: make([]int32, len(s.Blocks))}
	for block, b := range s.Blocks {
		if len(c.list) > maxCells*(block+BlockSize) {
			return cells{}
		}
		c.first[block] = int32(len(c.list))
		for left := b.Live; left != 0; {
			next := cell{block: int32(block), place: int32(b.Place[bits.TrailingZeros64(left)&(BlockSize-1)])}
			for m := left; m != 0; m &= m - 1 {
				if i := bits.TrailingZeros64(m) & (BlockSize - 1); int32(b.Place[i]) == next.place {
					next.nodes |= 1 << i
				}
			}
			left &^= next.nodes
			c.list = append(c.list, next)
		}
		if b.Live != ^uint64(0) {
			c.list = append(c.list, cell{^b.Live, int32(block), anywhere})
		}
	}
	return c
}

// count returns how many there are in a fleet of so many blocks.
func (c *cells) count(blocks int) int {
	if c.list == nil {
		return blocks
	}
	return len(c.list)
}

// of returns the cell of the node at a position.
func (c *cells) of(position int) int {
	block := position / BlockSize
	if c.list == nil {
		return block
	}
	at := int(c.first[block])
	for c.list[at].nodes>>(position%BlockSize)&1 == 0 {
		at++
	}
	return at
}

func (c *cells) at(i int) cell {
	if c.list == nil {
		return cell{^uint64(0), int32(i), anywhere}
	}
	return c.list[i]
}

// reaches reports whether a node of c that scores so much without its place could be over
// the bar.
func (t *terrain) reaches(c cell, score, bar float32) bool {
	switch {
	case t == nil || c.place == anywhere:
		return score+t.most() >= bar
	case !t.open[c.place]:
		return false
	case t.reach == 0:
		return score >= bar
	}
	return score+t.points[c.place] >= bar
}
