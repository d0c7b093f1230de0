package allocator

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/auspex-project/auspex/resource"
)

// Default is the queue of workloads that name none. Every tree has it.
const Default = "default"

// Queue is what the operator has decided about one queue.
type Queue struct {
	Name   string
	Parent string  // "" is the top of the tree
	Weight float64 // relative to its siblings; 0 counts as 1

	// Guarantee is what the queue can always have, in base units. A parent's may
	// not be less than the sum of its children's; absent, it is that sum.
	Guarantee resource.Vector

	// Limit is what the queue may hold at most, revocable use included. A resource
	// that is absent is not limited.
	Limit resource.Vector
}

// Tree is a validated, immutable set of queues, safe for concurrent use.
type Tree struct {
	nodes []node // the root first, every parent before its children, siblings by name
	index map[string]int
}

// node is a queue in place. Nodes refer to each other by position in Tree.nodes.
type node struct {
	Queue
	parent   int // -1 for the root
	children []int
	path     []int // from the child of the root down to the node itself
}

const root = 0

// NewTree builds the tree of queues and adds Default where it is not among
// them. It reports everything that is wrong: a name that is empty or given
// twice, an unknown parent, a cycle, a weight or amount that is negative or not
// finite, guarantees of children over their parent's, a guarantee over a limit.
func NewTree(queues []Queue) (*Tree, error) {
	byName := make(map[string]Queue, len(queues)+1)
	var errs []error
	for _, q := range queues {
		if _, twice := byName[q.Name]; twice {
			errs = append(errs, fmt.Errorf("queue %s: given twice", q.Name))
		}
		if err := q.validate(); err != nil {
			errs = append(errs, err)
		}
		if q.Weight == 0 {
			q.Weight = 1
		}
		byName[q.Name] = q
	}
	if _, ok := byName[Default]; !ok {
		byName[Default] = Queue{Name: Default, Weight: 1}
	}
	errs = append(errs, checkParents(byName)...)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}

	t := &Tree{nodes: []node{{parent: -1}}, index: make(map[string]int, len(byName))}
	t.grow(root, childrenOf(byName))
	if err := t.settleGuarantees(); err != nil {
		return nil, err
	}
	return t, nil
}

func (q Queue) validate() error {
	switch {
	case q.Name == "":
		return fmt.Errorf("queue: name is empty")
	case !(q.Weight >= 0) || math.IsInf(q.Weight, 0):
		return fmt.Errorf("queue %s: weight %g is not positive", q.Name, q.Weight)
	}
	if err := q.Guarantee.Validate(); err != nil {
		return fmt.Errorf("queue %s: guarantee: %w", q.Name, err)
	}
	if err := q.Limit.Validate(); err != nil {
		return fmt.Errorf("queue %s: limit: %w", q.Name, err)
	}
	return nil
}

// checkParents reports parents that do not exist and queues that are their own
// ancestors.
func checkParents(byName map[string]Queue) []error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if parent := byName[name].Parent; parent != "" {
			if _, ok := byName[parent]; !ok {
				errs = append(errs, fmt.Errorf("queue %s: parent %s does not exist", name, parent))
			}
		}
		at := byName[name].Parent
		for step := 0; at != "" && step <= len(byName); step++ {
			if at == name {
				errs = append(errs, fmt.Errorf("queue %s: is its own ancestor", name))
				break
			}
			at = byName[at].Parent
		}
	}
	return errs
}

func childrenOf(byName map[string]Queue) map[string][]Queue {
	children := make(map[string][]Queue, len(byName))
	for _, q := range byName {
		children[q.Parent] = append(children[q.Parent], q)
	}
	for _, siblings := range children {
		slices.SortFunc(siblings, func(a, b Queue) int { return cmp.Compare(a.Name, b.Name) })
	}
	return children
}

func (t *Tree) grow(at int, children map[string][]Queue) {
	for _, q := range children[t.nodes[at].Name] {
		i := len(t.nodes)
		path := append(slices.Clone(t.nodes[at].path), i)
		t.nodes = append(t.nodes, node{Queue: q, parent: at, path: path})
		t.nodes[at].children = append(t.nodes[at].children, i)
		t.index[q.Name] = i
		t.grow(i, children)
	}
}

// settleGuarantees fills in the guarantees that parents inherit from their
// children and checks the sums and limits, leaves first.
func (t *Tree) settleGuarantees() error {
	var errs []error
	for i, n := range slices.Backward(t.nodes) {
		var sum resource.Vector
		for _, c := range n.children {
			sum = sum.Add(t.nodes[c].Guarantee)
		}
		for r, below := range sum.All() {
			switch {
			case !n.Guarantee.Has(r):
				n.Guarantee = n.Guarantee.With(r, below)
			case i != root && exceeds(below, n.Guarantee.Get(r)):
				errs = append(errs, fmt.Errorf("queue %s: its children are guaranteed %s %s, itself only %s", n.Name,
					resource.FormatAmount(r, below), r, resource.FormatAmount(r, n.Guarantee.Get(r))))
			}
		}
		for r, g := range n.Guarantee.All() {
			if n.Limit.Has(r) && exceeds(g, n.Limit.Get(r)) {
				errs = append(errs, fmt.Errorf("queue %s: guarantee of %s %s is over its limit %s", n.Name,
					resource.FormatAmount(r, g), r, resource.FormatAmount(r, n.Limit.Get(r))))
			}
		}
		t.nodes[i].Guarantee = n.Guarantee
	}
	slices.Reverse(errs)
	return errors.Join(errs...)
}

// Queues returns the queues, parents before children and siblings by name, with
// weights and guarantees as they count.
func (t *Tree) Queues() []Queue {
	queues := make([]Queue, 0, len(t.nodes)-1)
	for _, n := range t.nodes[1:] {
		queues = append(queues, n.Queue)
	}
	return queues
}

// Has reports whether name is a queue of t.
func (t *Tree) Has(name string) bool {
	_, ok := t.lookup(name)
	return ok
}

// lookup returns the position of a queue; "" is Default.
func (t *Tree) lookup(name string) (int, bool) {
	if name == "" {
		name = Default
	}
	i, ok := t.index[name]
	return i, ok
}

// tolerance forgives the rounding of sums of amounts.
const tolerance = 1e-9

// exceeds reports whether x is more than bound by more than rounding explains.
func exceeds(x, bound float64) bool { return x > bound+tolerance*max(1, math.Abs(bound)) }
