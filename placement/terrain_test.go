package placement_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/workload"
)

// Where wishes and rules about company count, a decision that looks at little, the
// scan that looks at all and what is known of shapes agree on fleets of many
// blocks, and pruning leaves nothing out.
func TestCompanyAgreesOnLargeFleet(t *testing.T) {
	s, ids := openBench(t, 700, 1)
	r := rand.New(rand.NewPCG(7, 8))
	levels := []workload.Level{workload.AtNode, workload.AtRack, workload.AtZone, workload.AtRegion, workload.AtProvider}
	shapes := make([]*workload.Workload, 12)
	for i := range shapes {
		w := benchWorkload(i, r)
		w.App = fmt.Sprintf("team%d", i%5)
		w.Spread = []workload.Spread{{Over: levels[i%5], MaxSkew: 1 + i%3, Preferred: i%2 != 0}}
		w.Affinity = []workload.Affinity{
			{Within: levels[(i+2)%5], Peers: workload.Peers{App: fmt.Sprintf("team%d", (i+1)%5)}, Preferred: true, Apart: i%2 == 0},
			{Within: levels[i%2], Apart: true, Preferred: i%3 != 0},
		}
		shapes[i] = w
	}
	ask := func(id string, w *workload.Workload, alternatives int, dry bool) ledger.Decision {
		c := *w
		c.ID = id
		d, err := s.Place(context.Background(), ledger.Request{ID: id, Workload: &c, Alternatives: alternatives, DryRun: dry})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	placed := 0
	for i := range 400 {
		w := shapes[r.IntN(len(shapes))]
		if r.IntN(3) == 0 { // one that comes once is scanned for
			c := *w
			c.Priority += int32(24 * (1 + i))
			w = &c
		}
		whole := ask(fmt.Sprintf("dry%d", i), w, 100, true)
		d := ask(fmt.Sprintf("w%d", i), w, 3, false)
		if pruned, all := ranking(d), ranking(whole); d.Node != "" && !slices.Equal(pruned, all[:len(pruned)]) {
			t.Fatalf("%d: %v, without pruning %v", i, pruned, all)
		}
		if d.Node != "" {
			placed++
		}
		if ids = append(ids, d.ID); i%3 == 0 {
			if _, err := s.Release(context.Background(), ids[r.IntN(len(ids))]); err != nil {
				t.Fatal(err)
			}
		}
		if i%20 == 0 {
			for _, w := range shapes {
				if _, err := compareShape(s, w, 1+r.IntN(4)); err != nil {
					t.Fatalf("%d: %v", i, err)
				}
			}
			if err := checkGroups(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	if placed < 300 {
		t.Fatalf("%d of 400 found a node", placed)
	}
}

// Groups that constraints no longer ask for go, and those that stay are right.
func TestGroupsAreBounded(t *testing.T) {
	s, _ := openBench(t, 70, 1)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 6000 {
		w := benchWorkload(i, r)
		w.App, w.MaxPerNode = fmt.Sprintf("job%d", i), 1
		w.Affinity = []workload.Affinity{{Within: workload.AtNode, Apart: true}}
		d, err := s.Place(context.Background(), ledger.Request{ID: w.ID, Workload: w})
		if err != nil {
			t.Fatal(err)
		}
		if i%10 != 0 {
			if _, err := s.Release(context.Background(), d.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := checkGroups(s); err != nil {
		t.Fatal(err)
	}
	if n := groups(s); n > 6000 {
		t.Fatalf("%d groups are followed", n)
	}
}

// BenchmarkPlaceWithCompany measures decisions of 50 shapes that would rather
// spread over zones and keep apart from another app; for each that comes one goes.
func BenchmarkPlaceWithCompany(b *testing.B) {
	s, ids := openBench(b, 10_000, 10)
	r := rand.New(rand.NewPCG(3, 4))
	b.ReportAllocs()
	b.ResetTimer()
	before := processSeconds(b)
	for i := range b.N {
		w := benchWorkload(i, r)
		w.Spread = []workload.Spread{{Over: workload.AtZone, MaxSkew: 5, Preferred: true}}
		w.Affinity = []workload.Affinity{{Within: workload.AtRack, Peers: workload.Peers{App: "app7"}, Apart: true, Preferred: true}}
		d, err := s.Place(context.Background(), ledger.Request{ID: w.ID, Workload: w})
		if err != nil || d.Considered != 10_000 {
			b.Fatal(d.Considered, err)
		}
		ids = append(ids, d.ID)
		if _, err := s.Release(context.Background(), ids[i]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/(processSeconds(b)-before), "decisions/cpu-s")
}
