package gbdt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"
)

// An encoded model is, all numbers little-endian:
//
//	"gbdtq", version
//	number of features; for each its name (length, bytes) and gain
//	number of ensembles; for each: quantile (0 for the mean), base, number of trees, nodes of each tree, all nodes, all values
//	CRC-32C of everything before it
//
// with counts and lengths in 4 bytes. What follows from the rest, like the depth of a tree, is not stored.
const (
	magic         = "gbdtq"
	formatVersion = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Encode writes the model in a form Decode reads, the same bytes for the same model.
func (m *Model) Encode(w io.Writer) error {
	le := binary.LittleEndian
	b := append([]byte(magic), formatVersion)
	b = le.AppendUint32(b, uint32(len(m.features)))
	for f, name := range m.features {
		b = le.AppendUint32(b, uint32(len(name)))
		b = append(b, name...)
		b = le.AppendUint64(b, math.Float64bits(m.gains[f]))
	}
	b = le.AppendUint32(b, uint32(len(m.ensembles)))
	for _, e := range m.ensembles {
		b = le.AppendUint64(b, math.Float64bits(e.quantile))
		b = le.AppendUint32(b, math.Float32bits(e.base))
		b = le.AppendUint32(b, uint32(len(e.trees)))
		for _, t := range e.trees {
			b = le.AppendUint32(b, uint32(t.end-t.start))
		}
		for _, n := range e.nodes {
			b = le.AppendUint64(b, uint64(n))
		}
		for _, v := range e.values {
			b = le.AppendUint32(b, math.Float32bits(v))
		}
	}
	b = le.AppendUint32(b, crc32.Checksum(b, castagnoli))
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("gbdt encode: %w", err)
	}
	return nil
}

// Decode reads to the end of r what Encode wrote. Whatever the bytes, it returns a model that is safe to use or an
// error, and allocates no more than a small multiple of what it read; limit r if its source is not trusted.
func Decode(r io.Reader) (*Model, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("gbdt decode: %w", err)
	}
	m, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("gbdt decode: %w", err)
	}
	return m, nil
}

func decode(data []byte) (*Model, error) {
	const header, trailer = len(magic) + 1, 4
	if len(data) < header+trailer || string(data[:len(magic)]) != magic {
		return nil, errors.New("not an encoded model")
	}
	if version := data[len(magic)]; version != formatVersion {
		return nil, fmt.Errorf("format version %d is not known, want %d: fit the model again or use a newer program",
			version, formatVersion)
	}
	body, stored := data[:len(data)-trailer], binary.LittleEndian.Uint32(data[len(data)-trailer:])
	if sum := crc32.Checksum(body, castagnoli); sum != stored {
		return nil, fmt.Errorf("checksum is %08x, want %08x: the bytes are damaged", sum, stored)
	}
	return decodeBody(body[header:])
}

func decodeBody(body []byte) (*Model, error) {
	d := decoder{rest: body}
	m := &Model{}
	for range d.count(12, maxFeatures) {
		m.features = append(m.features, string(d.bytes(d.count(1, math.MaxInt32))))
		m.gains = append(m.gains, d.float64())
	}
	for range d.count(16, math.MaxInt32) {
		m.ensembles = append(m.ensembles, d.ensemble(len(m.features)))
	}
	switch {
	case d.err != nil:
		return nil, d.err
	case len(d.rest) > 0:
		return nil, fmt.Errorf("%d bytes too many", len(d.rest))
	case len(m.features) == 0:
		return nil, errors.New("no features")
	}
	if err := checkLevels(m.levels()); err != nil {
		return nil, err
	}
	m.sliced = slice(m.ensembles)
	return m, nil
}

// decoder takes values off the front of rest. After the first error it yields zeros.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
	d.rest = nil
}

func (d *decoder) bytes(n int) []byte {
	if n > len(d.rest) {
		d.fail("cut short: %d bytes left of %d", len(d.rest), n)
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) uint32() uint32 {
	if b := d.bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (d *decoder) uint64() uint64 {
	if b := d.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) float32() float32 {
	x := math.Float32frombits(d.uint32())
	if x-x != 0 {
		d.fail("%v where a finite number is wanted", x)
	}
	return x
}

func (d *decoder) float64() float64 {
	x := math.Float64frombits(d.uint64())
	if x-x != 0 {
		d.fail("%v where a finite number is wanted", x)
	}
	return x
}

// count reads how many items of at least size bytes each follow.
func (d *decoder) count(size, most int) int {
	n := int64(d.uint32())
	if n > int64(most) || n*int64(size) > int64(len(d.rest)) {
		d.fail("%d items in %d bytes", n, len(d.rest))
		return 0
	}
	return int(n)
}

func (d *decoder) ensemble(features int) ensemble {
	e := ensemble{quantile: d.float64(), base: d.float32()}
	total := 0
	for range d.count(4, math.MaxInt32) {
		n := d.count(12, 2*maxLeaves)
		e.trees = append(e.trees, treeSpan{start: total, end: total + n})
		total += n
	}
	if total > len(d.rest)/12 {
		d.fail("%d nodes in %d bytes", total, len(d.rest))
		return e
	}
	for range total {
		e.nodes = append(e.nodes, node(d.uint64()))
	}
	for range total {
		e.values = append(e.values, d.float32())
	}
	for i := range e.trees {
		t := &e.trees[i]
		depth, err := treeDepth(e.nodes[t.start:t.end], features)
		if err != nil {
			d.fail("tree %d: %w", i, err)
			return e
		}
		t.depth = depth
	}
	return e
}

// treeDepth is how many steps a walk takes to the deepest leaf. It reports nodes that would lead a walk astray.
func treeDepth(nodes []node, features int) (int, error) {
	if len(nodes) == 0 {
		return 0, errors.New("no nodes")
	}
	inf := float32(math.Inf(1))
	depths := make([]int, len(nodes))
	inner := 0
	for i, n := range nodes {
		switch left := n.left(); {
		case left == i && n.threshold() == math.MaxInt32 && n.slot() == 0:
		case left <= i || left+1 >= len(nodes) || depths[left] > 0 || depths[left+1] > 0:
			return 0, fmt.Errorf("node %d of %d has children at %d", i, len(nodes), left)
		case n.slot() >= 2*features:
			return 0, fmt.Errorf("node %d tests slot %d of %d", i, n.slot(), 2*features)
		case n.threshold() > keyOf(inf) || n.threshold() < keyOf(-inf):
			return 0, fmt.Errorf("node %d compares with what is not a number", i)
		case depths[i] >= maxDepth:
			return 0, fmt.Errorf("node %d is deeper than %d", i, maxDepth)
		default:
			depths[left], depths[left+1] = depths[i]+1, depths[i]+1
			inner++
		}
	}
	if len(nodes) != 2*inner+1 {
		return 0, fmt.Errorf("%d nodes for %d splits", len(nodes), inner)
	}
	return slices.Max(depths), nil
}
