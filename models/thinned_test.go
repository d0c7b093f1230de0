package models

import "testing"

// However many values come, few are kept, evenly spread over all of them.
func TestThinned(t *testing.T) {
	for _, n := range []int{0, 1, mostThinned, mostThinned + 1, 3 * mostThinned, 1_000_003} {
		var kept thinned
		for i := range n {
			kept.add(float32(i))
		}
		if len(kept.values) > mostThinned || n >= mostThinned && len(kept.values) < mostThinned/2 || n < mostThinned && len(kept.values) != n {
			t.Errorf("%d of %d values are kept", len(kept.values), n)
		}
		for i, v := range kept.values {
			if v != float32(i*kept.every) {
				t.Fatalf("of %d values the %d. kept is %v, one in %d being kept", n, i, v, kept.every)
			}
		}
		if missed := n - len(kept.values)*kept.every; missed > 0 {
			t.Errorf("the last %d of %d values are not represented", missed, n)
		}
	}
}
