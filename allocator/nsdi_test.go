package allocator_test

import (
	"slices"
	"testing"

	"github.com/auspex-project/auspex/allocator"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// grant is one step of progressive filling.
type grant struct {
	queue        string
	shareOfQueue float64 // dominant share after the grant
}

// fill runs Algorithm 1 of NSDI'11 on top of Next: it serves the first waiting
// task that still fits until none does. Every queue has tasks without end.
func fill(t testing.TB, tree *allocator.Tree, capacity resource.Vector, tasks []allocator.Demand) (*allocator.Usage, []grant) {
	t.Helper()
	used := tree.NewUsage()
	var grants []grant
	for {
		var fitting []allocator.Demand
		for _, d := range tasks {
			if _, ok := used.Total().Add(d.Amounts).Fits(capacity.Scale(1 + 1e-9)); ok {
				fitting = append(fitting, d)
			}
		}
		order := tree.Next(allocator.State{Used: used, Capacity: capacity, Waiting: fitting})
		if len(order) != len(fitting) {
			t.Fatalf("Next returned %d of %d demands", len(order), len(fitting))
		}
		if len(order) == 0 {
			return used, grants
		}
		used.Add(order[0])
		grants = append(grants, grant{order[0].Queue, shareOf(t, tree, used, capacity, order[0].Queue).DominantShare})
		if len(grants) > 1e6 {
			t.Fatal("filling does not end")
		}
	}
}

func shareOf(t testing.TB, tree *allocator.Tree, used *allocator.Usage, capacity resource.Vector, queue string) allocator.Share {
	t.Helper()
	for _, s := range tree.Shares(used, capacity) {
		if s.Queue.Name == queue {
			return s
		}
	}
	t.Fatalf("no share for queue %s", queue)
	return allocator.Share{}
}

func mustTree(t testing.TB, queues ...allocator.Queue) *allocator.Tree {
	t.Helper()
	tree, err := allocator.NewTree(queues)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func task(queue string, cpu, memory float64) allocator.Demand {
	return allocator.Demand{Queue: queue, Tier: workload.Guaranteed, Amounts: resource.Of(cpu, memory)}
}

func counts(grants []grant) map[string]int {
	n := map[string]int{}
	for _, g := range grants {
		n[g.queue]++
	}
	return n
}

// Section 4.1 and Table 1: 9 CPU and 18 GB, tasks of A need <1, 4>, of B <3, 1>.
// The paper gives the first turn to B; queues here tie by name, so B is 1-B.
func TestNSDI11Table1(t *testing.T) {
	const a, b = "2-A", "1-B"
	tree := mustTree(t, allocator.Queue{Name: a}, allocator.Queue{Name: b})
	capacity := resource.Of(9, 18)
	used, grants := fill(t, tree, capacity, []allocator.Demand{task(a, 1, 4), task(b, 3, 1)})

	want := []grant{{b, 3. / 9}, {a, 4. / 18}, {a, 8. / 18}, {b, 6. / 9}, {a, 12. / 18}}
	if !slices.Equal(grants, want) {
		t.Errorf("grants %v, the paper's table has %v", grants, want)
	}
	if got := used.Held(a); !got.Equal(resource.Of(3, 12)) {
		t.Errorf("A holds %v, want <3, 12>", got)
	}
	if got := used.Held(b); !got.Equal(resource.Of(6, 2)) {
		t.Errorf("B holds %v, want <6, 2>", got)
	}
	if s := shareOf(t, tree, used, capacity, a); s.DominantResource != resource.Memory {
		t.Errorf("A's dominant resource is %s, want memory", s.DominantResource)
	}
	if s := shareOf(t, tree, used, capacity, b); s.DominantResource != resource.CPU {
		t.Errorf("B's dominant resource is %s, want cpu", s.DominantResource)
	}
}

// Section 4.3: with weights, dominant shares end in the ratio of the weights.
// 90 CPU and 180 GB of section 4.1's tasks, B of weight 2: x + 3y <= 90,
// 4x + y <= 180 and 2 (4x/180) = 3y/90, so y = 4x/3 and x = 18, y = 24.
func TestNSDI11Weighted(t *testing.T) {
	tree := mustTree(t, allocator.Queue{Name: "a"}, allocator.Queue{Name: "b", Weight: 2})
	capacity := resource.Of(90, 180)
	used, grants := fill(t, tree, capacity, []allocator.Demand{task("a", 1, 4), task("b", 3, 1)})
	if n := counts(grants); n["a"] != 18 || n["b"] != 24 {
		t.Errorf("%d tasks of a and %d of b, want 18 and 24", n["a"], n["b"])
	}
	a, b := shareOf(t, tree, used, capacity, "a"), shareOf(t, tree, used, capacity, "b")
	if a.DominantShare != .4 || b.DominantShare != .8 || a.WeightedShare != b.WeightedShare {
		t.Errorf("dominant shares %g and %g, weighted %g and %g", a.DominantShare, b.DominantShare, a.WeightedShare, b.WeightedShare)
	}
}

// Section 6.1.1: where asset fairness leaves user 2 with 12 of 30 units of
// both resources, DRF keeps the sharing incentive: 15 of 30.
func TestNSDI11AssetFairnessCounterexample(t *testing.T) {
	tree := mustTree(t, allocator.Queue{Name: "1"}, allocator.Queue{Name: "2"})
	_, grants := fill(t, tree, resource.Of(30, 30), []allocator.Demand{task("1", 1, 3), task("2", 1, 1)})
	if n := counts(grants); n["1"] != 5 || n["2"] != 15 {
		t.Errorf("%d tasks of user 1 and %d of user 2, want 5 and 15", n["1"], n["2"])
	}
}

// Section 6.1.2: under CEEI user 2 gains by asking for <3, 2> instead of <1, 2>.
// Under DRF it runs 33 tasks when honest and 16 when it lies.
func TestNSDI11CEEICounterexample(t *testing.T) {
	tree := mustTree(t, allocator.Queue{Name: "1"}, allocator.Queue{Name: "2"})
	capacity := resource.Of(100, 100)
	_, honest := fill(t, tree, capacity, []allocator.Demand{task("1", 16, 1), task("2", 1, 2)})
	_, lying := fill(t, tree, capacity, []allocator.Demand{task("1", 16, 1), task("2", 3, 2)})
	if n := counts(honest)["2"]; n < 33 {
		t.Errorf("honest user 2 runs %d tasks, want at least 33", n)
	}
	if h, l := counts(honest)["2"], counts(lying)["2"]; l >= h {
		t.Errorf("user 2 runs %d tasks by lying, %d honestly", l, h)
	}
}

// Weighted DRF between departments, then between the teams of each.
func TestHierarchy(t *testing.T) {
	tree := mustTree(t,
		allocator.Queue{Name: "research", Weight: 1},
		allocator.Queue{Name: "vision", Parent: "research", Weight: 1},
		allocator.Queue{Name: "speech", Parent: "research", Weight: 3},
		allocator.Queue{Name: "web", Weight: 1},
	)
	capacity := resource.Of(80, 80)
	_, grants := fill(t, tree, capacity, []allocator.Demand{task("vision", 1, 0), task("speech", 0, 1), task("web", 1, 1)})
	// Research as a whole ends with the share of web (40), by two thirds of
	// memory and, for the third of the weight, CPU.
	n := counts(grants)
	if n["web"] < 39 || n["speech"] < 39 || n["speech"] > 41 {
		t.Errorf("grants %v, want about 40 for web and 40 for speech", n)
	}
	// Alone in the fleet, research's teams share by their own weights.
	_, grants = fill(t, tree, capacity, []allocator.Demand{task("vision", 1, 0), task("speech", 1, 0)})
	if n := counts(grants); n["vision"] != 20 || n["speech"] != 60 {
		t.Errorf("grants %v, want 20 for vision and 60 for speech", n)
	}
}
