package placement

import "sync"

// recent keeps the columns of the nodes that changed last, gathered in blocks, and
// the power domains that did. Shapes are many and changes are few and far between in
// the fleet: what a shape holds against its rules is a few full blocks, not a node
// here and there, and each node is looked up once for all shapes.
type recent struct {
	mu struct {
		sync.RWMutex
		upTo      uint64 // how many of the state's changes are worked in
		resources int    // columns
		first     int    // number of the oldest row kept
		rows      int    // number of the next row
		blocks    []*gathered
		newest    []int   // by node: the number of its last row
		drawn     []drawn // every domain once
		drawnAt   []int32 // by domain: its position in drawn, plus one
	}
}

// gathered is a block of rows. Row n stays as it is once it was given out; only later
// ones are added.
type gathered struct {
	Block
	later [BlockSize]int // the number of the node's next row, 0 while there is none
}

// drawn is a power domain and up to how many changes of the state its draw has
// changed.
type drawn struct {
	domain int32
	upTo   uint64
}

// recentRows is how many rows are kept at least. A shape that has not been asked for
// that long finds the nodes one by one.
const recentRows = 16 * BlockSize

func newRecent() *recent {
	r := new(recent)
	r.mu.rows, r.mu.first = BlockSize, BlockSize // 0 is no row
	return r
}

// latest returns the state that latest lends, and up to which row its changes are
// gathered.
func (r *recent) latest(latest func() *State) (*State, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := latest() // under the lock, so that rows are of no later state
	r.catchUp(s)
	return s, r.mu.rows
}

// catchUp gathers what has changed. The caller holds the lock.
func (r *recent) catchUp(s *State) {
	changed, ok := s.changes.since(r.mu.upTo)
	r.mu.upTo = s.changes.count()
	if !ok || len(changed) > recentRows || r.mu.resources != len(s.Resources) {
		r.forget(s)
		return
	}
	if more := len(s.Blocks)*BlockSize - len(r.mu.newest); more > 0 {
		r.mu.newest = append(r.mu.newest, make([]int, more)...)
	}
	from := r.mu.rows
	for _, at := range changed {
		if at < 0 {
			r.note(^at)
		} else if r.mu.newest[at] < from {
			r.gather(s, at)
		}
	}
}

// forget drops all rows.
func (r *recent) forget(s *State) {
	r.mu.resources = len(s.Resources)
	r.mu.rows = (r.mu.rows/BlockSize + 1) * BlockSize
	r.mu.first, r.mu.blocks = r.mu.rows, nil
	clear(r.mu.newest)
}

// note notes that the draw of a domain has changed.
func (r *recent) note(domain int32) {
	for int(domain) >= len(r.mu.drawnAt) {
		r.mu.drawnAt = append(r.mu.drawnAt, 0)
	}
	at := r.mu.drawnAt[domain]
	if at == 0 {
		r.mu.drawn = append(r.mu.drawn, drawn{domain: domain})
		at = int32(len(r.mu.drawn))
		r.mu.drawnAt[domain] = at
	}
	r.mu.drawn[at-1].upTo = r.mu.upTo
}

// gather adds a row for a node.
func (r *recent) gather(s *State, node int32) {
	row := r.mu.rows
	if row%BlockSize == 0 {
		r.mu.blocks = append(r.mu.blocks, r.blank())
	}
	if before := r.mu.newest[node]; before >= r.mu.first {
		r.block(before).later[before%BlockSize] = row
	}
	r.mu.newest[node] = row
	r.mu.rows++
	to := r.block(row)
	from, i := s.Peek(int(node))
	to.gathered[row%BlockSize] = node
	to.Block.set(row%BlockSize, from, i)
}

// blank returns a block for rows: the oldest, once there are enough. Who holds the
// lock is the only one to look at it.
func (r *recent) blank() *gathered {
	if len(r.mu.blocks) <= recentRows/BlockSize {
		g := &gathered{Block: *newBlock(0, r.mu.resources, 0)}
		g.gathered = new([BlockSize]int32)
		return g
	}
	g := r.mu.blocks[0]
	r.mu.blocks = append(r.mu.blocks[:0], r.mu.blocks[1:]...)
	r.mu.first += BlockSize
	g.later = [BlockSize]int{}
	return g
}

func (r *recent) block(row int) *gathered { return r.mu.blocks[(row-r.mu.first)/BlockSize] }

// each calls f with the blocks that hold rows from one up to another, and which of
// their nodes are told there last. ok is false when some rows are no longer kept. The
// caller holds the lock for reading.
func (r *recent) each(from, to int, f func(b *Block, nodes uint64)) (ok bool) {
	if from < r.mu.first {
		return false
	}
	for row := from; row < to; {
		g, nodes := r.block(row), uint64(0)
		for end := min(to, (row/BlockSize+1)*BlockSize); row < end; row++ {
			if later := g.later[row%BlockSize]; later == 0 || later >= to {
				nodes |= 1 << (row % BlockSize)
			}
		}
		f(&g.Block, nodes)
	}
	return true
}

// set makes node k of b what node i of o is.
func (b *Block) set(k int, o *Block, i int) {
	on := func(mask uint64) bool { return mask>>i&1 == 1 }
	b.Live = setBit(b.Live, k, on(o.Live))
	b.Draining = setBit(b.Draining, k, on(o.Draining))
	b.Silent = setBit(b.Silent, k, on(o.Silent))
	b.Alone = setBit(b.Alone, k, on(o.Alone))
	for r := range b.Columns {
		to, from := &b.Columns[r], &o.Columns[r]
		to.Requested[k], to.Limit[k], to.Peak[k], to.Mean[k] = from.Requested[i], from.Limit[i], from.Peak[i], from.Mean[i]
		to.Top[k], to.Low[k], to.Level[k] = from.Top[i], from.Low[i], from.Level[i]
	}
	b.Occupants[k], b.Count[k], b.DeviceWatts[k] = o.Occupants[i], o.Count[i], o.DeviceWatts[i]
	b.Tenant[k], b.Exclusive[k] = o.Tenant[i], o.Exclusive[i]
	b.Described.set(k, o.Described, i)
}

func (d *Described) set(k int, o *Described, i int) {
	on := func(mask uint64) bool { return mask>>i&1 == 1 }
	d.Node[k], d.Place[k], d.Feeds[k], d.Taints[k], d.Curve[k] = o.Node[i], o.Place[i], o.Feeds[i], o.Taints[i], o.Curve[i]
	d.Level[k], d.Compartments[k], d.Labels[k], d.Data[k] = o.Level[i], o.Compartments[i], o.Labels[i], o.Data[i]
	d.Models[k], d.Dedicated[k], d.Rank[k], d.Cost[k], d.CapWatts[k] = o.Models[i], o.Dedicated[i], o.Rank[i], o.Cost[i], o.CapWatts[i]
	d.Attested = setBit(d.Attested, k, on(o.Attested))
	d.Reserved = setBit(d.Reserved, k, on(o.Reserved))
	d.Maintained = setBit(d.Maintained, k, on(o.Maintained))
	d.Tainted = setBit(d.Tainted, k, on(o.Tainted))
	d.Accelerated = setBit(d.Accelerated, k, on(o.Accelerated))
	d.Powered = setBit(d.Powered, k, on(o.Powered))
	d.Capped = setBit(d.Capped, k, on(o.Capped))
	for r := range d.Capacity {
		d.Capacity[r][k], d.Ceiling[r][k] = o.Capacity[r][i], o.Ceiling[r][i]
	}
}
