package placement

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The list gives back what was noted, as long as it promises to and longer only
// in full, and frozen copies stay as they were.
func TestChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keep := rapid.IntRange(1, 10).Draw(t, "keep")
		var live changes
		var all []int32
		type copied struct {
			changes
			count int
		}
		var copies []copied
		check := func(c changes, count int) {
			if c.count() != uint64(count) {
				t.Fatalf("%d changes, want %d", c.count(), count)
			}
			for n := range count + 2 {
				nodes, ok := c.since(uint64(n))
				switch {
				case !ok && n <= count && n >= count-keep:
					t.Fatalf("the changes after %d of %d are forgotten", n, count)
				case ok && (n > count || !slices.Equal(nodes, all[n:count])):
					t.Fatalf("after %d of %d: %v", n, count, nodes)
				}
			}
		}
		for range rapid.IntRange(0, 50).Draw(t, "steps") {
			if rapid.IntRange(0, 4).Draw(t, "freeze") == 0 {
				c := live.frozen()
				copies = append(copies, copied{c, len(all)})
				c.note(-1, keep) // on the copy alone
			}
			node := rapid.IntRange(0, 100).Draw(t, "node")
			live.note(node, keep)
			all = append(all, int32(node))
		}
		check(live, len(all))
		for _, c := range copies {
			check(c.changes, c.count)
		}
	})
}
