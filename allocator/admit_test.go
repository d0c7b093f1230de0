package allocator_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/auspex-project/auspex/allocator"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

func demand(queue string, tier workload.Tier, amounts string) allocator.Demand {
	v, err := resource.Parse(amounts)
	if err != nil {
		panic(err)
	}
	return allocator.Demand{Queue: queue, Tier: tier, Amounts: v}
}

func guaranteed(queue, amounts string) allocator.Demand {
	return demand(queue, workload.Guaranteed, amounts)
}

func revocable(queue, amounts string) allocator.Demand {
	return demand(queue, workload.Revocable, amounts)
}

func TestAdmit(t *testing.T) {
	tree := mustTree(t,
		allocator.Queue{Name: "org", Guarantee: cpu(40), Limit: cpu(70)},
		allocator.Queue{Name: "org-a", Parent: "org", Guarantee: cpu(10), Limit: cpu(50)},
		allocator.Queue{Name: "org-b", Parent: "org"},
		allocator.Queue{Name: "web", Guarantee: cpu(30)},
		allocator.Queue{Name: "lab", Weight: 2},
	)
	capacity := resource.Of(100, 100)
	type demands = []allocator.Demand
	for _, c := range []struct {
		name    string
		held    demands
		waiting demands
		free    resource.Vector
		ask     allocator.Demand
		want    string // causes and queues, "" admits
	}{
		{name: "empty fleet", ask: guaranteed("lab", "cpu=30")},
		{name: "default queue", ask: guaranteed("", "cpu=30")},
		{name: "unknown queue", ask: guaranteed("nobody", "cpu=1"), want: "unknown_queue:nobody"},
		{name: "inner queue", ask: guaranteed("org", "cpu=1"), want: "inner_queue:org"},

		{name: "own limit", held: demands{guaranteed("org-a", "cpu=45")}, ask: guaranteed("org-a", "cpu=6"), want: "limit:org-a"},
		{name: "at the limit", held: demands{guaranteed("org-a", "cpu=45")}, ask: guaranteed("org-a", "cpu=5")},
		{name: "ancestor's limit", held: demands{guaranteed("org-a", "cpu=45")}, ask: guaranteed("org-b", "cpu=26"), want: "limit:org guarantee:org-b"},
		{name: "revocable counts to the limit", held: demands{revocable("org-a", "cpu=45")}, ask: revocable("org-a", "cpu=6"), want: "limit:org-a"},
		{name: "resource without limit", held: demands{guaranteed("org-a", "cpu=45")}, ask: guaranteed("org-a", "cpu=0,memory=90")},

		{name: "room beside the guarantees", ask: guaranteed("lab", "cpu=30")},
		{name: "room of others' guarantees", ask: guaranteed("lab", "cpu=31"), want: "guarantee:lab"},
		{name: "others' guarantees are filled", held: demands{guaranteed("web", "cpu=30"), guaranteed("org-b", "cpu=40")}, ask: guaranteed("lab", "cpu=20")},
		{name: "the child's part stays kept", held: demands{guaranteed("org-b", "cpu=40")}, ask: guaranteed("lab", "cpu=21"), want: "guarantee:lab"},
		{name: "revocable use fills no guarantee", held: demands{revocable("web", "cpu=30")}, ask: guaranteed("lab", "cpu=31"), want: "guarantee:lab"},
		{name: "revocable demand may use kept room", ask: revocable("lab", "cpu=90")},
		{name: "own guarantee in a full fleet", held: demands{guaranteed("lab", "cpu=95")}, ask: guaranteed("web", "cpu=30")},
		{name: "parent's guarantee in a full fleet", held: demands{guaranteed("lab", "cpu=95")}, ask: guaranteed("org-b", "cpu=30")},
		{name: "beyond the guarantee in a full fleet", held: demands{guaranteed("lab", "cpu=95")}, ask: guaranteed("web", "cpu=31"), want: "guarantee:web"},
		{name: "forecasts free more", free: cpu(200), held: demands{guaranteed("lab", "cpu=95")}, ask: guaranteed("lab", "cpu=100")},
		{name: "other resources are not kept", ask: guaranteed("lab", "memory=90")},

		{
			name: "over its share while another waits",
			held: demands{guaranteed("lab", "memory=60")}, waiting: demands{guaranteed("", "memory=35")},
			ask: guaranteed("lab", "memory=10"), want: "share:default",
		},
		{
			name: "weight keeps it ahead",
			held: demands{guaranteed("lab", "memory=40"), guaranteed("", "memory=30")}, waiting: demands{guaranteed("", "memory=25")},
			ask: guaranteed("lab", "memory=10"),
		},
		{
			name: "room for both",
			held: demands{guaranteed("lab", "memory=60")}, waiting: demands{guaranteed("", "memory=30")},
			ask: guaranteed("lab", "memory=10"),
		},
		{
			name: "the other waits for something else",
			held: demands{guaranteed("lab", "cpu=5,memory=60")}, waiting: demands{guaranteed("", "gpu=1,memory=35")},
			ask: guaranteed("lab", "memory=10"),
		},
		{
			name: "its own queue waits",
			held: demands{guaranteed("lab", "memory=60")}, waiting: demands{guaranteed("lab", "memory=40")},
			ask: guaranteed("lab", "memory=10"),
		},
		{
			name: "guaranteed does not yield to revocable",
			held: demands{guaranteed("lab", "memory=60")}, waiting: demands{revocable("", "memory=35")},
			ask: guaranteed("lab", "memory=10"),
		},
		{
			name: "revocable yields to guaranteed",
			held: demands{revocable("lab", "memory=60"), guaranteed("lab", "memory=60")}, waiting: demands{guaranteed("", "memory=35")},
			ask: revocable("lab", "memory=10"), want: "share:default",
		},
		{
			name: "a waiting guarantee goes first",
			held: demands{guaranteed("lab", "cpu=1"), guaranteed("web", "memory=70")}, waiting: demands{guaranteed("web", "cpu=30")},
			free: cpu(30), ask: revocable("lab", "cpu=10"), want: "share:web",
		},
		{
			name: "siblings compare below their parent",
			held: demands{guaranteed("org-a", "memory=50"), guaranteed("org-b", "memory=20")}, waiting: demands{guaranteed("org-b", "memory=25")},
			ask: guaranteed("org-a", "memory=10"), want: "share:org-b",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			used := tree.NewUsage()
			for _, d := range c.held {
				used.Add(d)
			}
			reasons := tree.Admit(allocator.State{Used: used, Capacity: capacity, Free: c.free, Waiting: c.waiting}, c.ask)
			var got []string
			for _, r := range reasons {
				got = append(got, fmt.Sprintf("%s:%s", r.Cause, r.Queue))
				if r.String() == "" {
					t.Errorf("%v has no text", r)
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("refused by %q, want %q (%v)", s, c.want, reasons)
			}
		})
	}
}

func TestNextServesGuaranteesFirst(t *testing.T) {
	tree := mustTree(t, allocator.Queue{Name: "web", Guarantee: cpu(30)}, allocator.Queue{Name: "lab"})
	used := tree.NewUsage()
	used.Add(guaranteed("web", "cpu=20,memory=50"))
	next := tree.Next(allocator.State{Used: used, Capacity: resource.Of(100, 100), Waiting: []allocator.Demand{
		guaranteed("nobody", "cpu=1"), guaranteed("lab", "cpu=5"), guaranteed("web", "cpu=15"), guaranteed("web", "cpu=5"),
	}})
	var got []string
	for _, d := range next {
		got = append(got, d.Queue+" "+d.Amounts.String())
	}
	if want := "web cpu=5, lab cpu=5, web cpu=15"; strings.Join(got, ", ") != want {
		t.Errorf("order %q, want %q", strings.Join(got, ", "), want)
	}
}

func TestUsage(t *testing.T) {
	tree := mustTree(t, allocator.Queue{Name: "org", Weight: 2}, allocator.Queue{Name: "a", Parent: "org"})
	used := tree.NewUsage()
	used.Add(guaranteed("a", "cpu=0.1,memory=4"))
	used.Add(revocable("a", "cpu=0.2,licenses=3"))
	used.Add(guaranteed("gone", "cpu=1"))
	before := used.Clone()

	capacity := resource.Of(10, 100) // the fleet holds no licenses
	s := shareOf(t, tree, used, capacity, "org")
	if s.Workloads != 2 || s.Used.Get("licenses") != 3 || s.Revocable.Get(resource.CPU) != .2 {
		t.Errorf("org has %+v", s)
	}
	if s.DominantResource != resource.Memory || s.DominantShare != .04 || s.WeightedShare != .02 {
		t.Errorf("org's dominant share is %g of %s, weighted %g", s.DominantShare, s.DominantResource, s.WeightedShare)
	}
	if total := used.Total(); exceedsCPU(total, 1.3) {
		t.Errorf("total %v, want the orphan's core in it", total)
	}

	used.Remove(guaranteed("a", "cpu=0.1,memory=4"))
	used.Remove(revocable("a", "cpu=0.2,licenses=3"))
	if held := used.Held("org"); held.Len() != 0 {
		t.Errorf("org holds %v after the last has gone", held)
	}
	if held := before.Held("a"); held.Get(resource.Memory) != 4 {
		t.Errorf("the clone changed: %v", held)
	}
}

func exceedsCPU(v resource.Vector, cores float64) bool {
	d := v.Get(resource.CPU) - cores
	return d > 1e-9 || d < -1e-9
}

func BenchmarkAdmit(b *testing.B) {
	var queues []allocator.Queue
	for i := range 50 {
		queues = append(queues, allocator.Queue{Name: fmt.Sprintf("q%02d", i), Guarantee: resource.Of(10, 100)})
	}
	tree := mustTree(b, queues...)
	used := tree.NewUsage()
	for _, q := range queues {
		used.Add(guaranteed(q.Name, "cpu=8,memory=200"))
	}
	s := allocator.State{Used: used, Capacity: resource.Of(1000, 100000), Waiting: []allocator.Demand{guaranteed("q01", "cpu=400")}}
	d := guaranteed("q07", "cpu=4,memory=8")
	if reasons := tree.Admit(s, d); len(reasons) > 0 {
		b.Fatalf("refused: %v", reasons)
	}
	b.ReportAllocs()
	for b.Loop() {
		tree.Admit(s, d)
	}
}
