package gbdt

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// missingBin holds the missing values of a column. It lies above every bin of values, so that adding 1 (mod 256) moves
// it below them: see node.
const missingBin = 255

// sampleRows is how many rows the bins of a larger dataset are computed from.
const sampleRows = 200_000

// cuts are the upper bounds of a column's bins but the last, ascending: x falls in the bin of the first cut >= x.
type cuts []float32

// bins is the number of bins, missing values aside.
func (c cuts) bins() int { return len(c) + 1 }

// sketch chooses the cuts of every column so that its bins hold about the same number of rows.
func sketch(columns [][]float32, maxBins int, seed uint64, c crew) []cuts {
	sample := sampledRows(len(columns[0]), seed)
	all := make([]cuts, len(columns))
	c.do(len(columns), func(_, f int) {
		values := make([]float32, 0, len(sample))
		for _, i := range sample {
			if x := columns[f][i]; x == x {
				values = append(values, x)
			}
		}
		slices.Sort(values)
		all[f] = cutsOf(values, maxBins)
	})
	return all
}

func sampledRows(n int, seed uint64) []uint32 {
	rows := make([]uint32, min(n, sampleRows))
	rng := rand.New(rand.NewPCG(seed, 0))
	for i := range rows {
		if n <= sampleRows {
			rows[i] = uint32(i)
		} else {
			rows[i] = rng.Uint32N(uint32(n))
		}
	}
	return rows
}

// cutsOf cuts ascending values into at most maxBins bins. A bin is closed once it holds its share of what is left, so
// a value that fills many shares costs one bin, and the others spread over the rest.
func cutsOf(sorted []float32, maxBins int) cuts {
	distinct := 0
	for i, x := range sorted {
		if i == 0 || x != sorted[i-1] {
			distinct++
		}
	}
	var c cuts
	start := 0
	for i := 1; i < len(sorted) && len(c) < maxBins-1; i++ {
		if sorted[i] == sorted[i-1] {
			continue
		}
		left := maxBins - len(c)
		if distinct <= maxBins || (i-start)*left >= len(sorted)-start {
			c = append(c, between(sorted[i-1], sorted[i]))
			start = i
		}
	}
	return c
}

// between returns a threshold t with lo <= t < hi, half-way where that is finite.
func between(lo, hi float32) float32 {
	mid := float32((float64(lo) + float64(hi)) / 2)
	if mid >= lo && mid < hi {
		return mid
	}
	return lo
}

// blockLanes is how many bins share a word of the binned matrix.
const blockLanes = 8

// binned is a matrix of bins, kept twice. By column, to tell the rows of a leaf apart by one feature. By row, eight
// bins to a word, to add rows to a histogram: the rows of a deep leaf lie far apart, and all bins of one then cost a
// cache line, where they would cost one each by column.
type binned struct {
	rows    int
	columns [][]uint8
	words   []uint64 // byte f%8 of words[row*stride+f/8] is feature f
	stride  int
	blocks  int // words in use per row
}

// discretize sorts the columns into their bins.
func discretize(columns [][]float32, all []cuts, c crew) *binned {
	b := &binned{rows: len(columns[0]), blocks: (len(columns) + blockLanes - 1) / blockLanes}
	b.stride = b.blocks
	if b.blocks <= cacheLine/8 {
		b.stride = 1 << bits.Len(uint(b.blocks-1)) // no row straddles a line
	}
	b.words = make([]uint64, b.rows*b.stride)
	keys := make([]cutKeys, len(all))
	for f := range all {
		keys[f] = all[f].keys()
		b.columns = append(b.columns, make([]uint8, b.rows))
	}
	c.do(chunks(b.rows), func(_, task int) {
		lo, hi := chunk(task, b.rows)
		for f, column := range columns {
			bins, words, shift := b.columns[f][lo:hi], b.words[lo*b.stride+f/blockLanes:], f%blockLanes*8
			for i, x := range column[lo:hi] {
				bins[i] = keys[f].bin(x)
				words[i*b.stride] |= uint64(bins[i]) << (shift & 63)
			}
		}
	})
	return b
}

const cacheLine = 64

// gather copies the words of some rows to blocks: those of rows[i] to blocks[0][i], blocks[1][i], ...
func (b *binned) gather(blocks [][]uint64, rows []uint32) {
	for k, block := range blocks {
		block, words := block[:len(rows)], b.words[k:]
		for i, row := range rows {
			block[i] = words[int(row)*b.stride]
		}
	}
}

// cutKeys are the keys of a column's cuts, then a key no value is above.
type cutKeys [256]int32

func (c cuts) keys() (k cutKeys) {
	for i := range k {
		k[i] = math.MaxInt32
		if i < len(c) {
			k[i] = keyOf(c[i])
		}
	}
	return k
}

// bin counts the cuts below x, by a binary search without branches.
func (k *cutKeys) bin(x float32) uint8 {
	if x != x {
		return missingBin
	}
	key, n := int64(keyOf(x)), 0
	for step := 128; step > 0; step /= 2 {
		below := (int64(k[(n+step-1)&255]) - key) >> 63 // -1 or 0
		n += step & int(below)
	}
	return uint8(n)
}
