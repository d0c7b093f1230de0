package allocator_test

import (
	"math"
	"strings"
	"testing"

	"github.com/auspex-project/auspex/allocator"
)

func TestNewTreeRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		queues []allocator.Queue
		want   string
	}{
		{"no name", []allocator.Queue{{}}, "queue: name is empty"},
		{"twice", []allocator.Queue{{Name: "a"}, {Name: "a"}}, "queue a: given twice"},
		{"unknown parent", []allocator.Queue{{Name: "a", Parent: "b"}}, "queue a: parent b does not exist"},
		{"own parent", []allocator.Queue{{Name: "a", Parent: "a"}}, "queue a: is its own ancestor"},
		{"cycle", []allocator.Queue{{Name: "a", Parent: "b"}, {Name: "b", Parent: "c"}, {Name: "c", Parent: "a"}}, "queue b: is its own ancestor"},
		{"below a cycle", []allocator.Queue{{Name: "x", Parent: "a"}, {Name: "a", Parent: "a"}}, "queue a: is its own ancestor"},
		{"negative weight", []allocator.Queue{{Name: "a", Weight: -1}}, "queue a: weight -1 is not positive"},
		{"weight NaN", []allocator.Queue{{Name: "a", Weight: math.NaN()}}, "queue a: weight NaN is not positive"},
		{"weight infinite", []allocator.Queue{{Name: "a", Weight: math.Inf(1)}}, "queue a: weight +Inf is not positive"},
		{"negative guarantee", []allocator.Queue{{Name: "a", Guarantee: cpu(-1)}}, "queue a: guarantee: cpu is negative"},
		{"limit NaN", []allocator.Queue{{Name: "a", Limit: cpu(math.NaN())}}, "queue a: limit: cpu is NaN"},
		{"children over parent", []allocator.Queue{
			{Name: "p", Guarantee: cpu(10)}, {Name: "a", Parent: "p", Guarantee: cpu(6)}, {Name: "b", Parent: "p", Guarantee: cpu(5)},
		}, "queue p: its children are guaranteed 11 cpu, itself only 10"},
		{"guarantee over limit", []allocator.Queue{{Name: "a", Guarantee: cpu(6), Limit: cpu(5)}}, "queue a: guarantee of 6 cpu is over its limit 5"},
		{"inherited guarantee over limit", []allocator.Queue{{Name: "p", Limit: cpu(5)}, {Name: "a", Parent: "p", Guarantee: cpu(6)}}, "queue p: guarantee of 6 cpu is over its limit 5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := allocator.NewTree(c.queues)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestNewTreeReportsEverything(t *testing.T) {
	_, err := allocator.NewTree([]allocator.Queue{{Name: "a", Weight: -1}, {Name: "b", Parent: "nobody"}})
	if err == nil || !strings.Contains(err.Error(), "queue a") || !strings.Contains(err.Error(), "queue b") {
		t.Errorf("error %v, want both faults", err)
	}
}

func TestTreeOrderAndInheritance(t *testing.T) {
	tree := mustTree(t,
		allocator.Queue{Name: "z", Parent: "org", Guarantee: cpu(2)},
		allocator.Queue{Name: "a", Parent: "org", Guarantee: cpu(3)},
		allocator.Queue{Name: "org", Weight: 2},
	)
	var names []string
	for _, q := range tree.Queues() {
		names = append(names, q.Name)
	}
	if got := strings.Join(names, " "); got != "default org a z" {
		t.Errorf("queues %q, want parents first, siblings by name, default added", got)
	}
	if g := tree.Queues()[1].Guarantee; !g.Equal(cpu(5)) {
		t.Errorf("org inherits %v, want cpu=5", g)
	}
	if !tree.Has("") || !tree.Has("z") || tree.Has("nobody") {
		t.Error(`Has: "" is the default queue, z exists, nobody does not`)
	}
}
