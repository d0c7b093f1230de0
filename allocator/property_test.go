package allocator_test

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/allocator"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// instance is a fleet of two or three resources, each of size 1, and users that
// ask without end for tasks of a fixed shape.
type instance struct {
	resources []resource.Name
	weights   []float64
	tasks     [][]float64 // by user and resource, the largest about 1/400
}

func instances() *rapid.Generator[instance] {
	return rapid.Custom(func(t *rapid.T) instance {
		in := instance{resources: []resource.Name{resource.CPU, resource.Memory, "licenses"}[:rapid.IntRange(2, 3).Draw(t, "resources")]}
		for range rapid.IntRange(2, 4).Draw(t, "users") {
			in.weights = append(in.weights, rapid.Float64Range(.5, 3).Draw(t, "weight"))
			in.tasks = append(in.tasks, drawTask(t, len(in.resources)))
		}
		return in
	})
}

func drawTask(t *rapid.T, resources int) []float64 {
	shape := make([]float64, resources)
	largest := 0.0
	for r := range shape {
		shape[r] = rapid.SampledFrom([]float64{0, .1, .25, .5, .7, .9, 1}).Draw(t, "demand")
		largest = max(largest, shape[r])
	}
	if largest == 0 {
		shape[0], largest = 1, 1
	}
	for r := range shape {
		shape[r] /= largest * 400
	}
	return shape
}

func (in instance) queue(i int) string { return fmt.Sprintf("user-%d", i) }

func (in instance) demand(i int) allocator.Demand {
	d := allocator.Demand{Queue: in.queue(i), Tier: workload.Guaranteed}
	for r, n := range in.resources {
		d.Amounts = d.Amounts.With(n, in.tasks[i][r])
	}
	return d
}

// allocate fills the fleet through the allocator and returns the number of
// tasks of each user.
func (in instance) allocate(t testing.TB) []float64 {
	var queues []allocator.Queue
	var demands []allocator.Demand
	var capacity resource.Vector
	for i := range in.tasks {
		queues = append(queues, allocator.Queue{Name: in.queue(i), Weight: in.weights[i]})
		demands = append(demands, in.demand(i))
	}
	for _, n := range in.resources {
		capacity = capacity.With(n, 1)
	}
	_, grants := fill(t, mustTree(t, queues...), capacity, demands)
	n := counts(grants)
	tasks := make([]float64, len(in.tasks))
	for i := range tasks {
		tasks[i] = float64(n[in.queue(i)])
	}
	return tasks
}

// oracle is progressive filling of divisible tasks from its definition: raise
// all weighted dominant shares together; who asks for a full resource stops.
func (in instance) oracle() []float64 {
	tasks := make([]float64, len(in.tasks))
	stopped := make([]bool, len(in.tasks))
	left := make([]float64, len(in.resources))
	for r := range left {
		left[r] = 1
	}
	for {
		// speed[r] is the use of r when each running user's weighted dominant
		// share grows by one.
		speed := make([]float64, len(in.resources))
		running := false
		for i := range in.tasks {
			if !stopped[i] {
				running = true
				for r := range speed {
					speed[r] += in.tasks[i][r] * in.tasksPerShare(i)
				}
			}
		}
		if !running {
			return tasks
		}
		step := math.Inf(1)
		for r := range speed {
			if speed[r] > 0 {
				step = min(step, left[r]/speed[r])
			}
		}
		for r := range left {
			left[r] -= step * speed[r]
		}
		for i := range tasks {
			if stopped[i] {
				continue
			}
			tasks[i] += step * in.tasksPerShare(i)
			for r := range left {
				stopped[i] = stopped[i] || left[r] < 1e-12 && in.tasks[i][r] > 0
			}
		}
	}
}

// tasksPerShare is how many tasks raise user i's weighted dominant share by 1.
func (in instance) tasksPerShare(i int) float64 { return in.weights[i] / in.largest(i) }

func (in instance) largest(i int) float64 {
	l := 0.0
	for _, x := range in.tasks[i] {
		l = max(l, x)
	}
	return l
}

// runs returns how many tasks of shape can run in what n tasks of user j hold.
func (in instance) runs(shape []float64, n float64, j int) float64 {
	fit := math.Inf(1)
	for r, x := range shape {
		if x > 0 {
			fit = min(fit, n*in.tasks[j][r]/x)
		}
	}
	return fit
}

// slack is the rounding of whole tasks: one each way for every user, times the
// largest ratio of weights.
func (in instance) slack() float64 { return 6 * float64(2+len(in.tasks)) }

func TestFillingAgreesWithOracle(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		in := instances().Draw(rt, "instance")
		got, want := in.allocate(t), in.oracle()
		for i := range got {
			if math.Abs(got[i]-want[i]) > in.slack() {
				rt.Fatalf("user %d runs %g tasks, the oracle %.1f (all: %v, %v)", i, got[i], want[i], got, want)
			}
		}
	})
}

func TestFairnessProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		in := instances().Draw(rt, "instance")
		tasks := in.allocate(t)

		weights := 0.0
		for _, w := range in.weights {
			weights += w
		}
		for i := range tasks {
			// Sharing incentive: nobody does worse than in its own slice of the fleet.
			own := in.weights[i] / weights / in.largest(i)
			if tasks[i] < own-in.slack() {
				rt.Fatalf("user %d runs %g tasks, %g in a fleet of its own", i, tasks[i], own)
			}
			// Pareto efficiency: some resource that user i needs is used up.
			if !in.saturated(tasks, i) {
				rt.Fatalf("user %d could run more: %v", i, tasks)
			}
			// Envy-freeness, by weight.
			for j := range tasks {
				if theirs := in.runs(in.tasks[i], tasks[j]*in.weights[i]/in.weights[j], j); theirs > tasks[i]+in.slack() {
					rt.Fatalf("user %d runs %g tasks and would run %g with what %d has", i, tasks[i], theirs, j)
				}
			}
		}
	})
}

func (in instance) saturated(tasks []float64, i int) bool {
	for r := range in.resources {
		used := 0.0
		for j := range tasks {
			used += tasks[j] * in.tasks[j][r]
		}
		if in.tasks[i][r] > 0 && used+in.tasks[i][r] > 1 {
			return true
		}
	}
	return false
}

func TestLyingDoesNotPay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		in := instances().Draw(rt, "instance")
		liar := rapid.IntRange(0, len(in.tasks)-1).Draw(rt, "liar")
		truth, honest := in.tasks[liar], in.allocate(t)[liar]
		in.tasks[liar] = drawTask(rt, len(in.resources))
		if gained := in.runs(truth, in.allocate(t)[liar], liar); gained > honest+in.slack() {
			rt.Fatalf("user %d runs %g tasks when honest, %g when it asks for %v", liar, honest, gained, in.tasks[liar])
		}
	})
}

// An online run of admissions and departures never passes a limit and never
// promises the same room twice, so demand within a guarantee always finds it.
func TestAdmissionKeepsGuarantees(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const capacity = 100.0
		tree := mustTree(t,
			allocator.Queue{Name: "org", Guarantee: cpu(50), Limit: cpu(80)},
			allocator.Queue{Name: "org-a", Parent: "org", Guarantee: cpu(20)},
			allocator.Queue{Name: "org-b", Parent: "org", Guarantee: cpu(10), Limit: cpu(60)},
			allocator.Queue{Name: "solo", Guarantee: cpu(30)},
			allocator.Queue{Name: "free"},
		)
		used := tree.NewUsage()
		held := map[string]float64{} // guaranteed use by leaf
		var live []allocator.Demand
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			if len(live) > 0 && rapid.IntRange(0, 3).Draw(rt, "leave") == 0 {
				i := rapid.IntRange(0, len(live)-1).Draw(rt, "who")
				used.Remove(live[i])
				held[live[i].Queue] -= guaranteedCPU(live[i])
				live = append(live[:i], live[i+1:]...)
				continue
			}
			d := allocator.Demand{
				Queue:   rapid.SampledFrom([]string{"org-a", "org-b", "solo", "free"}).Draw(rt, "queue"),
				Tier:    rapid.SampledFrom([]workload.Tier{workload.Guaranteed, workload.Guaranteed, workload.Revocable}).Draw(rt, "tier"),
				Amounts: cpu(float64(rapid.IntRange(1, 30).Draw(rt, "cpu"))),
			}
			reasons := tree.Admit(allocator.State{Used: used, Capacity: cpu(capacity)}, d)
			guarantee := map[string]float64{"org-a": 20, "org-b": 10, "solo": 30}[d.Queue]
			if g := guaranteedCPU(d); g > 0 && held[d.Queue]+g <= guarantee && refusedBut(reasons, allocator.OverLimit) {
				rt.Fatalf("%v refused within the guarantee: %v", d, reasons)
			}
			if len(reasons) > 0 {
				continue
			}
			used.Add(d)
			held[d.Queue] += guaranteedCPU(d)
			live = append(live, d)

			a, b, solo, free := held["org-a"], held["org-b"], held["solo"], held["free"]
			committed := max(50, max(20, a)+max(10, b)) + max(30, solo) + free
			if committed > capacity {
				rt.Fatalf("%g cores committed of %g: %v", committed, capacity, held)
			}
			org, orgB := used.Held("org"), used.Held("org-b")
			if org.Get(resource.CPU) > 80 || orgB.Get(resource.CPU) > 60 {
				rt.Fatalf("over a limit: org %v, org-b %v", org, orgB)
			}
		}
	})
}

func cpu(cores float64) resource.Vector { return resource.Vector{}.With(resource.CPU, cores) }

func guaranteedCPU(d allocator.Demand) float64 {
	if d.Tier == workload.Revocable {
		return 0
	}
	return d.Amounts.Get(resource.CPU)
}

// refusedBut reports whether any reason has another cause than the given one.
func refusedBut(reasons []allocator.Reason, cause allocator.Cause) bool {
	for _, r := range reasons {
		if r.Cause != cause {
			return true
		}
	}
	return false
}
