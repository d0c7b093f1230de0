package ledger

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// What is pushed and not removed comes out in order of its end, and nothing else
// is kept.
func TestDeadlinesAgainstAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d deadlines
		var kept, gone []*hold
		start := time.Unix(1_700_000_000, 0)
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				h := &hold{expires: start.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, "ends")) * time.Second)}
				d.push(h)
				kept = append(kept, h)
			},
			"remove": func(t *rapid.T) {
				if len(kept) == 0 {
					t.Skip("nothing to remove")
				}
				i := rapid.IntRange(0, len(kept)-1).Draw(t, "which")
				d.remove(kept[i])
				gone = append(gone, kept[i])
				kept = slices.Delete(kept, i, i+1)
			},
			"remove again": func(t *rapid.T) {
				for _, h := range gone {
					d.remove(h)
				}
			},
			"due": func(t *rapid.T) {
				now := start.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, "now")) * time.Second)
				for h := d.due(now); h != nil; h = d.due(now) {
					i := slices.Index(kept, h)
					if i < 0 || h.expires.After(now) {
						t.Fatalf("a hold until %v came out at %v; known: %v", h.expires, now, i >= 0)
					}
					gone = append(gone, h)
					kept = slices.Delete(kept, i, i+1)
				}
				for _, h := range kept {
					if !h.expires.After(now) {
						t.Fatalf("a hold until %v stayed at %v", h.expires, now)
					}
				}
			},
			"": func(t *rapid.T) {
				if len(d.holds) != len(kept) {
					t.Fatalf("%d holds kept, want %d", len(d.holds), len(kept))
				}
			},
		})
	})
}
