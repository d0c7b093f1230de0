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

// count returns how many texts have a number.
func (n *names) count() int {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return len(n.mu.ids)
}

// find returns the number of a text, 0 when no node carries it.
func (n *names) find(key name) uint32 {
	if n.under != nil {
		if id := n.under.find(key); id != 0 {
			return id
		}
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.mu.ids[key]
}

// Compartments returns the numbers nodes carry these compartments by, 0 for one
// that no node has. Labels, DataSet, Models and Tenant do the same.
func (s *State) Compartments(texts []string) []uint32 { return s.finds(compartmentName, texts) }

func (s *State) Models(texts []string) []uint32 { return s.finds(modelName, texts) }

func (s *State) DataSet(text string) uint32 { return s.names.find(name{kind: dataName, text: text}) }

func (s *State) Tenant(text string) uint32 { return s.names.find(name{kind: tenantName, text: text}) }

func (s *State) Labels(pairs map[string]string) []uint32 {
	ids := make([]uint32, 0, len(pairs))
	for _, k := range slices.Sorted(maps.Keys(pairs)) {
		ids = append(ids, s.names.find(name{labelName, k, pairs[k]}))
	}
	return ids
}

func (s *State) finds(kind nameKind, texts []string) []uint32 {
	ids := make([]uint32, len(texts))
	for i, t := range texts {
		ids[i] = s.names.find(name{kind: kind, text: t})
	}
	return ids
}
