package placement

import (
	"container/list"
	"hash/maphash"
	"slices"
	"sync"
	"unsafe"
)

// shapes keeps the shapes that came more than once. It is bounded by count and
// bytes; the one not asked for the longest goes.
type shapes struct {
	engine     *Engine
	recent     *recent
	sieves     *sieves // for those that come for the first time
	seed       maphash.Seed
	smallFleet int

	mu struct {
		sync.Mutex
		byHash map[uint64]*list.Element // of two shapes with one hash the later is kept
		recent list.List                // of *shape, the last one asked for in front
		once   [1 << 10][4]uint64       // hashes that came once, by their low bits, the latest first
	}
}

const (
	maxShapes     = 512
	maxShapeBytes = 64 << 20 // of what they all know about nodes
	bytesPerBlock = int(unsafe.Sizeof(judged{}) + unsafe.Sizeof(candidate{}) + 2*unsafe.Sizeof(float32(0)))
)

func newShapes(e *Engine) *shapes {
	c := &shapes{engine: e, recent: newRecent(), sieves: newSieves(e), seed: maphash.MakeSeed(), smallFleet: smallFleet}
	c.mu.byHash = make(map[uint64]*list.Element)
	return c
}

// search is Engine.Search.
func (c *shapes) search(q *Query, latest func() *State, most int, thorough bool) (*Plan, *State, Findings) {
	thorough = thorough || len(q.State.Blocks) <= c.smallFleet
	if sh := c.find(q); sh != nil {
		q.shape = sh
		if p, s, f, ok := sh.search(c, q, latest, most, thorough); ok {
			q.State.Done()
			return p, s, f
		}
	}
	p := c.engine.Prepare(q)
	if thorough {
		return p, q.State, p.scan(q.State, most, true)
	}
	return c.sieves.search(p, latest, most)
}

// find returns the shape of q, nil when it comes for the first time.
func (c *shapes) find(q *Query) *shape {
	hash := c.hash(q)
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.mu.byHash[hash]; at != nil {
		if sh := at.Value.(*shape); sh.is(q) {
			c.mu.recent.MoveToFront(at)
			return sh
		}
		c.drop(at)
	}
	// Shapes that take turns must not make each other forgotten for ever.
	if once := &c.mu.once[hash%uint64(len(c.mu.once))]; !slices.Contains(once[:], hash) {
		copy(once[1:], once[:])
		once[0] = hash
		return nil
	}
	sh := &shape{hash: hash, workload: q.Workload, class: q.Policy.Class, forecast: q.Forecast}
	c.mu.byHash[hash] = c.mu.recent.PushFront(sh)
	room := maxShapeBytes / (bytesPerBlock * max(1, len(q.State.Blocks)))
	for c.mu.recent.Len() > max(1, min(room, maxShapes)) {
		c.drop(c.mu.recent.Back())
	}
	return sh
}

// drop forgets a shape. The caller holds the lock.
func (c *shapes) drop(at *list.Element) {
	delete(c.mu.byHash, c.mu.recent.Remove(at).(*shape).hash)
}
