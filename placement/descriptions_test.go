package placement

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// Those alike share one description, those that differ in anything do not, and
// what nobody holds is forgotten.
func TestDescriptionsAreShared(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := NewDescriptions()
		var held []*Description
		var of []*workload.Workload
		for n := range rapid.IntRange(1, 60).Draw(t, "steps") {
			if len(held) > 0 && rapid.Bool().Draw(t, "drop") {
				at := rapid.IntRange(0, len(held)-1).Draw(t, "which")
				d.Drop(held[at])
				held, of = append(held[:at], held[at+1:]...), append(of[:at], of[at+1:]...)
			} else {
				w := &workload.Workload{
					ID: fmt.Sprint("w", n), App: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "app"),
					Requests: resource.Of(float64(rapid.IntRange(1, 2).Draw(t, "cores")), 1),
					Runtime:  time.Duration(rapid.IntRange(0, 1).Draw(t, "runtime")),
				}
				held, of = append(held, d.share(w)), append(of, w)
			}
			kinds := make(map[*Description]int)
			for i, x := range held {
				if w := x.Of(of[i].ID); !w.Equal(of[i]) {
					t.Fatalf("%+v stands for %+v", w, of[i])
				}
				for k, y := range held {
					if (x == y) != of[i].Alike(of[k]) {
						t.Fatalf("%+v and %+v share: %v", of[i], of[k], x == y)
					}
				}
				kinds[x]++
			}
			for x, n := range kinds {
				if x.holds != n {
					t.Fatalf("%d holds, want %d", x.holds, n)
				}
			}
			if len(d.byHash) != len(kinds) {
				t.Fatalf("%d are kept, want %d", len(d.byHash), len(kinds))
			}
		}
	})
}

// Descriptions of one hash are told apart, in whatever order they go.
func TestDescriptionsOfOneHash(t *testing.T) {
	for first := range 3 {
		d := NewDescriptions()
		var chain []*Description
		for k := range 3 {
			w := &workload.Workload{App: fmt.Sprint(k)}
			x := &Description{packed: w.Pack(), hash: 7, holds: 1, next: d.byHash[7]}
			d.byHash[7] = x
			chain = append(chain, x)
		}
		d.Drop(chain[first])
		left := make(map[string]bool)
		for x := d.byHash[7]; x != nil; x = x.next {
			left[x.Of("").App] = true
		}
		want := map[string]bool{"0": true, "1": true, "2": true}
		delete(want, fmt.Sprint(first))
		if !maps.Equal(left, want) {
			t.Errorf("without %d: %v", first, left)
		}
		for k, x := range chain {
			if k != first {
				d.Drop(x)
			}
		}
		if len(d.byHash) != 0 {
			t.Errorf("%d are kept", len(d.byHash))
		}
	}
}
