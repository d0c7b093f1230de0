package placement

import "slices"

// changes lists the nodes of a State that changed, and the power domains whose draw
// did, in the order in which they did, so that what was worked out about the fleet earlier can be brought up to
// date node by node. It forgets the oldest.
type changes struct {
	forgotten uint64
	nodes     []int32 // positions, those of domains in ones' complement; one may be listed often
}

// count returns how many changes there have been.
func (c *changes) count() uint64 { return c.forgotten + uint64(len(c.nodes)) }

// since returns the nodes that changed after the first n changes; ok is false
// when these are forgotten in part.
func (c *changes) since(n uint64) (nodes []int32, ok bool) {
	if n < c.forgotten || n > c.count() {
		return nil, false
	}
	return c.nodes[n-c.forgotten:], true
}

// note adds a node to the list, which keeps at least the last keep changes.
func (c *changes) note(node, keep int) {
	if drop := len(c.nodes) - keep; drop >= keep {
		// Frozen states go on reading the old array.
		c.nodes = append(make([]int32, 0, 2*keep+1), c.nodes[drop:]...)
		c.forgotten += uint64(drop)
	}
	c.nodes = append(c.nodes, int32(node))
}

// frozen returns c as it is now, to which both sides may add.
func (c *changes) frozen() changes { return changes{c.forgotten, slices.Clip(c.nodes)} }

// minChangesKept is what makes bringing up to date worth its while on small fleets.
const minChangesKept = 4096

// note tells that a node has changed.
func (s *State) note(node int) { s.changes.note(node, max(minChangesKept, len(s.Blocks)*BlockSize)) }

// noteDraw tells that the draw of a power domain, by position, has changed.
func (s *State) noteDraw(domain int32) { s.note(^int(domain)) }
