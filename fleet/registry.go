package fleet

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
)

// Registry is what the operator vouches for about nodes, by name or by pattern
// (path.Match). What a node says of itself in these matters does not count.
type Registry map[string]Entry

// Entry is what is vouched for about a node.
type Entry struct {
	Level        int
	Compartments []string
	Attested     bool
	Dedicated    Dedication
}

// Validate reports the first entry that cannot be.
func (r Registry) Validate() error {
	for _, pattern := range slices.Sorted(maps.Keys(r)) {
		if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
			return fmt.Errorf("registry: %q is neither a name nor a pattern", pattern)
		}
		if r[pattern].Level < 0 {
			return fmt.Errorf("registry: %s: security level %d is negative", pattern, r[pattern].Level)
		}
	}
	return nil
}

// Find returns the entry of a node: that of its name, else that of the longest
// pattern it matches, of equally long ones the first by name; else one that
// vouches for nothing.
func (r Registry) Find(name string) Entry {
	if e, ok := r[name]; ok {
		return e
	}
	best := ""
	for pattern := range r {
		if ok, err := path.Match(pattern, name); err != nil || !ok {
			continue
		}
		if best == "" || cmp.Or(cmp.Compare(len(best), len(pattern)), cmp.Compare(pattern, best)) < 0 {
			best = pattern
		}
	}
	return r[best]
}

// Entry returns what n says of itself in the matters of a Registry.
func (n *Node) Entry() Entry { return Entry{n.Level, n.Compartments, n.Attested, n.Dedicated} }

// With returns n with what e vouches for in place of its own word.
func (n *Node) With(e Entry) *Node {
	c := *n
	c.Level, c.Compartments, c.Attested, c.Dedicated = e.Level, e.Compartments, e.Attested, e.Dedicated
	return &c
}
