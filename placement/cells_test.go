package placement

import (
	"math/bits"
	"math/rand/v2"
	"testing"
)

// Cells divide every block, and the nodes of each stand at one place.
func TestCells(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, blocks := range []int{1, 3, 200} {
		s := &State{}
		for block := range blocks {
			b := newBlock(block*BlockSize, 2, 0)
			b.Live = ^uint64(0)
			if block%3 == 1 {
				b.Live = random.Uint64()
			}
			for i := range b.Place {
				b.Place[i] = uint32((block*BlockSize + i) / 40)
			}
			s.Blocks = append(s.Blocks, b)
		}
		c := newCells(s)
		if n := c.count(blocks); n < blocks+blocks/3 || n > maxCells*blocks {
			t.Errorf("%d cells of %d blocks", n, blocks)
		}
		for position := range blocks * BlockSize {
			b, i := s.Peek(position)
			in := c.at(c.of(position))
			if int(in.block) != position/BlockSize || in.nodes>>i&1 == 0 {
				t.Fatalf("node %d is in %+v", position, in)
			}
			if live := b.Live>>i&1 == 1; live != (in.place == int32(b.Place[i])) {
				t.Errorf("node %d, there: %t, at place %d, is in %+v", position, live, b.Place[i], in)
			}
		}
		for block := range blocks {
			all, sum := uint64(0), 0
			for i := range c.count(blocks) {
				if in := c.at(i); int(in.block) == block {
					all, sum = all|in.nodes, sum+bits.OnesCount64(in.nodes)
				}
			}
			if all != ^uint64(0) || sum != BlockSize {
				t.Errorf("the cells of block %d have %d positions, some of them twice: %b", block, sum, all)
			}
		}
		for _, b := range s.Blocks {
			for i := range b.Place {
				b.Place[i] = uint32(i)
			}
		}
		if c := newCells(s); blocks > BlockSize && c.list != nil {
			t.Errorf("nodes in disorder: %d cells of %d blocks", c.count(blocks), blocks)
		}
	}
}

// A node is passed over only where its place is shut or leaves it under the bar.
func TestTerrainReaches(t *testing.T) {
	hills := &terrain{open: []bool{true, false, true}, points: []float32{5, 9, 0}, reach: 9}
	flat := &terrain{open: []bool{true, false, true}, points: make([]float32, 3)}
	for _, c := range []struct {
		t     *terrain
		place int32
		score float32
		want  bool
	}{
		{nil, anywhere, 50, true}, {nil, anywhere, 49, false},
		{hills, anywhere, 41, true}, {hills, anywhere, 40, false},
		{hills, 0, 45, true}, {hills, 0, 44, false},
		{hills, 1, 99, false},
		{hills, 2, 50, true}, {hills, 2, 49, false},
		{flat, 0, 50, true}, {flat, 0, 49, false}, {flat, 1, 99, false},
	} {
		if got := c.t.reaches(cell{place: c.place}, c.score, 50); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
}
