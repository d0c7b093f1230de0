package placement

import (
	"encoding/binary"
	"math"

	"github.com/auspex-project/auspex/fleet"
)

// builds are the nodes of a fleet as far as rules and measures of OfBuild tell them apart: a
// large fleet has few. One node of each stands for all, copied to blocks of their own
// on which nothing runs, so that a measure is asked once for a build, not once for
// every node of it.
type builds struct {
	blocks []*Block
	known  map[buildKey]int32
	of     []built  // by node
	places []uint32 // by node
}

// built is what a node was found to be when it was last described.
type built struct {
	node  *fleet.Node
	build int32
}

type buildKey struct {
	capacity string
	cost     float32
	curve    uint32
	taints   uint32
	site     string // "" where it is like any other
	devices  string
}

func newBuilds() *builds { return &builds{known: make(map[buildKey]int32)} }

func (bs *builds) count() int { return len(bs.known) }

// grow makes room for n nodes.
func (bs *builds) grow(n int) {
	if more := n - len(bs.of); more > 0 {
		bs.of, bs.places = append(bs.of, make([]built, more)...), append(bs.places, make([]uint32, more)...)
	}
}

// find returns the build of node i of b.
func (bs *builds) find(s *State, b *Block, i int) int32 {
	position := int(b.First) + i
	at := &bs.of[position]
	if at.node != b.Node[i] {
		key := bs.key(s, b, i)
		build, known := bs.known[key]
		if !known {
			build = int32(len(bs.known))
			bs.known[key] = build
			bs.copy(s, b, i, build)
		}
		at.node, at.build, bs.places[position] = b.Node[i], build, b.Place[i]
	}
	return at.build
}

func (bs *builds) key(s *State, b *Block, i int) buildKey {
	k := buildKey{cost: b.Cost[i], curve: b.Curve[i], taints: b.Taints[i]}
	var text []byte
	for r := range b.Capacity {
		text = binary.LittleEndian.AppendUint64(text, math.Float64bits(b.Capacity[r][i]))
		text = binary.LittleEndian.AppendUint32(text, math.Float32bits(b.Ceiling[r][i]))
	}
	k.capacity = string(text)
	text = text[:0]
	for _, d := range b.Node[i].Devices {
		text = binary.LittleEndian.AppendUint64(text, math.Float64bits(d.IdleWatts))
		text = binary.LittleEndian.AppendUint64(text, math.Float64bits(d.MaxWatts))
		text = binary.LittleEndian.AppendUint64(text, math.Float64bits(d.MemoryBytes))
		text = append(append(text, d.Model...), 0)
	}
	k.devices = string(text)
	if at := b.Feeds[i][SiteDomain]; at >= 0 {
		if name := s.Domains[at].Name; s.knowsEnergy(name) {
			k.site = name
		}
	}
	return k
}

func (s *State) knowsEnergy(site string) bool {
	_, known := s.Policy.Energy[site]
	return known
}

// copy makes node i of b stand for a build, the next.
func (bs *builds) copy(s *State, b *Block, i int, build int32) {
	if build%BlockSize == 0 {
		bs.blocks = append(bs.blocks, newBlock(int(build), len(s.Resources), 0))
	}
	c, k := bs.blocks[build/BlockSize], int(build%BlockSize)
	for r := range b.Capacity {
		c.Capacity[r][k], c.Ceiling[r][k] = b.Capacity[r][i], b.Ceiling[r][i]
	}
	c.Node[k], c.Feeds[k], c.Curve[k], c.Taints[k], c.Cost[k], c.Models[k] = b.Node[i], b.Feeds[i], b.Curve[i], b.Taints[i], b.Cost[i], b.Models[i]
	c.Live |= 1 << k
	c.Tainted = setBit(c.Tainted, k, b.Tainted>>i&1 == 1)
	c.Accelerated = setBit(c.Accelerated, k, b.Accelerated>>i&1 == 1)
	c.Powered = setBit(c.Powered, k, b.Powered>>i&1 == 1)
	o := new(Occupants)
	for _, d := range b.Node[i].Devices {
		o.Devices = append(o.Devices, DeviceState{Free: WholeDevice, Memory: int64(d.MemoryBytes)})
		c.DeviceWatts[k] += float32(d.IdleWatts)
	}
	c.Occupants[k] = o
}
