package placement

import (
	"maps"
	"slices"
	"sync"
)

// names gives every text that nodes are compared by a number, so that the scan
// compares numbers. Numbers start at 1 and are never taken back; only what nodes
// and placed workloads carry is added, so that requests cannot make it grow.
type names struct {
	under *names // whose numbers hold here too; nil for none
	mu    struct {
		sync.RWMutex
		ids map[name]uint32
	}
}

type name struct {
	kind       nameKind
	text, more string
}

type nameKind uint8

const (
	compartmentName nameKind = iota
	dataName
	labelName
	modelName
	tenantName
)

func newNames() *names {
	n := new(names)
	n.mu.ids = make(map[name]uint32)
	return n
}

// ownNumbers is where the numbers of an overlay begin, beyond those of any fleet.
const ownNumbers = 1 << 31

// overlay returns names that add to those of n without changing it.
func (n *names) overlay() *names {
	o := newNames()
	o.under = n
	return o
}

// add returns the numbers of texts, new ones where they have none.
func (n *names) add(kind nameKind, texts ...string) []uint32 {
	if len(texts) == 0 {
		return nil
	}
	ids := make([]uint32, len(texts))
	for i, t := range texts {
		ids[i] = n.id(name{kind: kind, text: t})
	}
	return ids
}

func (n *names) addLabels(labels map[string]string) []uint32 {
	if len(labels) == 0 {
		return nil
	}
	ids := make([]uint32, 0, len(labels))
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		ids = append(ids, n.id(name{labelName, k, labels[k]}))
	}
	return ids
}

func (n *names) id(key name) uint32 {
	if id := n.find(key); id != 0 {
		return id
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	id, ok := n.mu.ids[key]
	if !ok {
		id = uint32(len(n.mu.ids) + 1)
		if n.under != nil {
			id += ownNumbers
		}
		n.mu.ids[key] = id
	}
	return id
}

// count returns how many texts have a number, those of an overlay beside those
// under it.
func (n *names) count() int {
	count := 0
	if n.under != nil {
		count = n.under.count()
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	return count + len(n.mu.ids)
}

// find returns the number of a text, 0 when no node carries it. One of an overlay
// comes first, so that it stays the number there once it is.
func (n *names) find(key name) uint32 {
	n.mu.RLock()
	id := n.mu.ids[key]
	n.mu.RUnlock()
	if id == 0 && n.under != nil {
		return n.under.find(key)
	}
	return id
}

// unmet lists names that were looked up in vain. What was worked out without them
// holds until one of them gets a number.
type unmet struct {
	names []name
	count int // how many names there were when none of these was one
}

// met reports whether one of them has a number in n by now.
func (u *unmet) met(n *names) bool {
	count := n.count()
	if len(u.names) == 0 || count == u.count {
		return false
	}
	for _, key := range u.names {
		if n.find(key) != 0 {
			return true
		}
	}
	u.count = count
	return false
}

func (s *State) find(key name) uint32 {
	id := s.names.find(key)
	if id == 0 && s.unmet != nil {
		s.unmet.names = append(s.unmet.names, key)
	}
	return id
}

// Compartments returns the numbers nodes carry these compartments by, 0 for one
// that no node has. Labels, DataSet, Models and Tenant do the same.
func (s *State) Compartments(texts []string) []uint32 { return s.finds(compartmentName, texts) }

func (s *State) Models(texts []string) []uint32 { return s.finds(modelName, texts) }

func (s *State) DataSet(text string) uint32 { return s.find(name{kind: dataName, text: text}) }

func (s *State) Tenant(text string) uint32 { return s.find(name{kind: tenantName, text: text}) }

func (s *State) Labels(pairs map[string]string) []uint32 {
	ids := make([]uint32, 0, len(pairs))
	for _, k := range slices.Sorted(maps.Keys(pairs)) {
		ids = append(ids, s.find(name{labelName, k, pairs[k]}))
	}
	return ids
}

func (s *State) finds(kind nameKind, texts []string) []uint32 {
	ids := make([]uint32, len(texts))
	for i, t := range texts {
		ids[i] = s.find(name{kind: kind, text: t})
	}
	return ids
}
