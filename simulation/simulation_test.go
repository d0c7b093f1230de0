package simulation_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/datasets"
	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/internal/sharedtest"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/simulation"
	"github.com/auspex-project/auspex/simulation/plot"
	"github.com/auspex-project/auspex/workload"
)

var update = flag.Bool("update", false, "write the golden files of testdata anew")

// read reads files of openb.
func read(t testing.TB, name, nodes, pods string) *simulation.Trace {
	t.Helper()
	open := func(path string) *datasets.Fleet {
		f, err := datasets.OpenFleet(datasets.Ref{Format: "openb", Path: path}, datasets.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	trace, err := simulation.ReadTrace(context.Background(), name, open(nodes), open(pods))
	if err != nil {
		t.Fatal(err)
	}
	return trace
}

func small(t testing.TB) *simulation.Trace {
	return read(t, "openb:pods.csv", "testdata/nodes.csv", "testdata/pods.csv")
}

// openb is a pod list of openb with its nodes that have devices.
func openb(t testing.TB, list string) *simulation.Trace {
	t.Helper()
	return read(t, list, sharedtest.Data(t, "alibaba-gpu-2023/openb_node_list_gpu_node.csv"), sharedtest.Data(t, "alibaba-gpu-2023/openb_pod_list_"+list+".csv"))
}

func compare(t testing.TB, trace *simulation.Trace, o simulation.Options) []simulation.Summary {
	t.Helper()
	s, err := simulation.Compare(context.Background(), trace, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func options(arrive float64, policies ...string) simulation.Options {
	return simulation.Options{Protocol: simulation.Protocol{Arrive: arrive, Seeds: []uint64{42, 43, 44}}, Policies: policies}
}

// timeless strikes out what differs from run to run.
func timeless(summaries []simulation.Summary) []simulation.Summary {
	for i := range summaries {
		summaries[i].DecisionsPerSecond, summaries[i].PlanningSeconds = 0, 0
	}
	return summaries
}

// Every policy on the small fleet, with and without departures, is as it was.
func TestGolden(t *testing.T) {
	for _, departures := range []bool{false, true} {
		o := options(1.5, simulation.Policies()...)
		o.Departures = departures
		summaries := timeless(compare(t, small(t), o))
		for i := range summaries {
			summaries[i].Curve = summaries[i].Curve[len(summaries[i].Curve)-1:] // for short
		}
		got, err := json.MarshalIndent(summaries, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", summaries[0].Protocol+".golden.json")
		if *update {
			if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(string(want)) != string(got) {
			t.Errorf("%s differs (look at the change after: go test ./simulation -run Golden -update); got\n%s", file, got)
		}
	}
}

// The same seeds give the same answers, plans made beside included.
func TestReplaysAreReproducible(t *testing.T) {
	o := options(30, "auspex") // enough for refined plans
	o.Seeds = o.Seeds[:2]
	one, two := timeless(compare(t, small(t), o)), timeless(compare(t, small(t), o))
	if !reflect.DeepEqual(one, two) {
		t.Errorf("%+v, then %+v", one, two)
	}
	if n := one[0].Placed + one[0].Failed; n < 2*300 {
		t.Fatalf("%d arrivals: too few to plan by", n)
	}
}

// Whatever the fleet and the pods, every arrival is placed or has failed, no share is
// over 1, and demand stops at what was asked for.
func TestCountsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var nodes []fleet.Node
		for i := range rapid.IntRange(1, 5).Draw(t, "nodes") {
			n := fleet.Node{Name: fmt.Sprint("n", i), Capacity: resource.Of(float64(rapid.IntRange(1, 32).Draw(t, "cores")), float64(rapid.IntRange(1, 32).Draw(t, "memory")))}
			for range rapid.IntRange(0, 3).Draw(t, "devices") {
				n.Devices = append(n.Devices, fleet.Device{Model: "m"})
			}
			n.Capacity = n.Capacity.With(resource.GPU, float64(len(n.Devices)))
			nodes = append(nodes, n)
		}
		var pods []datasets.Arrival
		for i := range rapid.IntRange(1, 6).Draw(t, "pods") {
			a := datasets.Arrival{Workload: workload.Workload{ID: fmt.Sprint("p", i), Requests: resource.Of(float64(rapid.IntRange(4, 40).Draw(t, "cores")), 1)}}
			if rapid.Bool().Draw(t, "accelerated") {
				a.Workload.Accelerator = workload.Accelerator{Devices: 1, Share: float64(rapid.IntRange(2, 10).Draw(t, "share")) / 10}
			}
			a.Arrive = datasets.Epoch().Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "arrive")) * time.Second)
			if i == 0 || rapid.Bool().Draw(t, "leaves") {
				a.Depart = a.Arrive.Add(time.Duration(rapid.IntRange(50, 100).Draw(t, "stays")) * time.Second)
			}
			pods = append(pods, a)
		}
		trace, err := simulation.NewTrace("drawn", nodes, pods)
		if err != nil {
			t.Fatal(err)
		}
		o := options(rapid.Float64Range(.1, 2).Draw(t, "arrive"), simulation.Policies()...)
		o.Seeds = o.Seeds[:1]
		o.Departures = rapid.Bool().Draw(t, "departures")
		summaries, err := simulation.Compare(context.Background(), trace, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range summaries {
			failed := 0
			for _, n := range s.FailedPerSeed {
				failed += n
			}
			if s.Placed+s.Failed != summaries[0].Placed+summaries[0].Failed || s.Failed != failed || s.Arrived != summaries[0].Arrived {
				t.Fatalf("%+v does not add up with %+v", s, summaries[0])
			}
			if !o.Departures && s.Arrived < o.Arrive-1e-9 {
				t.Fatalf("%g arrived of %g", s.Arrived, o.Arrive)
			}
			for _, x := range append([]float64{s.GPU.Mean, s.CPU, s.Memory, s.Fragmented}, s.GPU.PerSeed...) {
				if !(x >= 0 && x <= 1+1e-4) {
					t.Fatalf("a share of %g: %+v", x, s)
				}
			}
		}
	})
}

func TestBadInputIsRefused(t *testing.T) {
	node := fleet.Node{Name: "n", Capacity: resource.Of(1, 1)}
	empty := fleet.Node{Name: "n"}
	pod := datasets.Arrival{Workload: workload.Workload{ID: "p", Requests: resource.Of(1, 1)}}
	arriving := pod
	arriving.Arrive = datasets.Epoch()
	passing := arriving
	passing.Depart = arriving.Arrive
	idle := datasets.Arrival{Workload: workload.Workload{ID: "q"}}
	for _, c := range []struct {
		name   string
		nodes  []fleet.Node
		pods   []datasets.Arrival
		change func(*simulation.Options)
		want   string
	}{
		{"no nodes", nil, []datasets.Arrival{pod}, nil, "no nodes"},
		{"no pods", []fleet.Node{node}, nil, nil, "no pods"},
		{"a node twice", []fleet.Node{node, node}, []datasets.Arrival{pod}, nil, "node n is listed twice"},
		{"a pod twice", []fleet.Node{node}, []datasets.Arrival{pod, pod}, nil, "pod p is listed twice"},
		{"no capacity", []fleet.Node{empty}, []datasets.Arrival{pod}, nil, "node n: capacity is empty"},
		{"pods that ask for nothing", []fleet.Node{node}, []datasets.Arrival{pod, idle}, nil, "pod q asks for nothing"},
		{"nothing arrives", []fleet.Node{node}, []datasets.Arrival{pod}, func(o *simulation.Options) { o.Arrive = 0 }, "arrivals of 0 x"},
		{"NaN arrives", []fleet.Node{node}, []datasets.Arrival{pod}, func(o *simulation.Options) { o.Arrive = math.NaN() }, "arrivals of NaN x"},
		{"all arrive", []fleet.Node{node}, []datasets.Arrival{pod}, func(o *simulation.Options) { o.Arrive = math.Inf(1) }, "arrivals of +Inf x"},
		{"too many arrive", []fleet.Node{node}, []datasets.Arrival{pod}, func(o *simulation.Options) { o.Arrive, o.Departures = 1e9, true }, "no pod says when it arrives"},
		{"none departs", []fleet.Node{node}, []datasets.Arrival{arriving}, func(o *simulation.Options) { o.Departures = true }, "no pod says when it departs"},
		{"none stays", []fleet.Node{node}, []datasets.Arrival{passing}, func(o *simulation.Options) { o.Departures = true }, "all pods depart as they arrive"},
		{"no seeds", []fleet.Node{node}, []datasets.Arrival{pod}, func(o *simulation.Options) { o.Seeds = nil }, "no seeds"},
		{"no policies", []fleet.Node{node}, []datasets.Arrival{pod}, func(o *simulation.Options) { o.Policies = nil }, "no policies"},
		{"a policy unheard of", []fleet.Node{node}, []datasets.Arrival{pod}, func(o *simulation.Options) { o.Policies = []string{"worstfit"} }, `unknown policy "worstfit" (want some of auspex, fgd,`},
	} {
		o := options(1.3, "bestfit")
		if c.change != nil {
			c.change(&o)
		}
		trace, err := simulation.NewTrace("t", c.nodes, c.pods)
		if err == nil {
			_, err = simulation.Compare(context.Background(), trace, o)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := simulation.Compare(ended, small(t), options(1.3, "auspex")); err == nil {
		t.Error("a replay that was cancelled goes on")
	}
}

// On openb ours fills more than FGD, and FGD more than best fit; each near what is
// known of it (Weng et al., ATC'23; ours by docs/packing.md).
func TestOpenb(t *testing.T) {
	trace := openb(t, "default")
	o := options(1.3, "auspex", "fgd", "bestfit")
	o.Seeds = []uint64{1001}
	got := compare(t, trace, o)
	for i, want := range []float64{.9625, .9539, .9308} {
		if s := got[i]; math.Abs(s.GPU.Mean-want) > .006 {
			t.Errorf("%s: %.4f of the devices are allocated, want %.4f", s.Policy, s.GPU.Mean, want)
		}
	}
	if !slices.IsSortedFunc(got, func(a, b simulation.Summary) int { return int(1e6 * (b.GPU.Mean - a.GPU.Mean)) }) {
		t.Errorf("allocated: %g, %g, %g", got[0].GPU.Mean, got[1].GPU.Mean, got[2].GPU.Mean)
	}
}

func TestPlot(t *testing.T) {
	dir := t.TempDir()
	files, err := plot.Write(dir, compare(t, small(t), options(1.3, simulation.Policies()...)))
	if err != nil || len(files) != 5 {
		t.Fatalf("%v: %v", files, err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil || len(data) < 5000 || string(data[1:4]) != "PNG" {
			t.Errorf("%s: %d bytes, %v", f, len(data), err)
		}
	}
	nodes := []fleet.Node{{Name: "a", Capacity: resource.Of(64, 1<<40)}}
	pods := []datasets.Arrival{{Workload: workload.Workload{ID: "p", Requests: resource.Of(1, 1<<30)}}}
	plain, err := simulation.NewTrace("plain", nodes, pods)
	if err != nil {
		t.Fatal(err)
	}
	if files, err := plot.Write(t.TempDir(), compare(t, plain, options(1, "auspex"))); err != nil || len(files) != 3 {
		t.Errorf("of a fleet without devices: %v, %v", files, err)
	}
	if files, err := plot.Write(dir, nil); len(files) != 0 || err != nil {
		t.Errorf("of nothing: %v, %v", files, err)
	}
	if _, err := plot.Write(filepath.Join(dir, "missing"), compare(t, small(t), options(1, "auspex"))); err == nil {
		t.Error("drew into a folder that is not there")
	}
}

// Limits of instances a node are kept, and what no node lists is left out rather
// than asked of every node in vain.
func TestLimitsAndUnlistedResources(t *testing.T) {
	nodes := []fleet.Node{{Name: "a", Capacity: resource.Of(64, 1<<40)}, {Name: "b", Capacity: resource.Of(64, 1<<40)}}
	var pods []datasets.Arrival
	for i := range 8 {
		w := workload.Workload{ID: fmt.Sprint("i-", i), App: "app", MaxPerNode: 3}
		w.Requests = resource.Of(8, 1<<30).With("rdma", 25)
		w.Limits = w.Requests
		pods = append(pods, datasets.Arrival{Workload: w})
	}
	trace, err := simulation.NewTrace("limits", nodes, pods)
	if err != nil {
		t.Fatal(err)
	}
	if want := []resource.Name{"rdma"}; !slices.Equal(trace.LeftOut, want) {
		t.Errorf("left out %v, not %v", trace.LeftOut, want)
	}
	if !pods[0].Workload.Requests.Has("rdma") {
		t.Error("the caller's pods were changed")
	}
	for _, s := range compare(t, trace, options(.5, "auspex", "bestfit")) {
		if s.Placed != 3*6 || s.Failed != 3*2 || !slices.Equal(s.LeftOut, trace.LeftOut) {
			t.Errorf("%s: %d placed, %d failed, left out %v; want 6 and 2 with each of 3 seeds", s.Policy, s.Placed, s.Failed, s.LeftOut)
		}
	}
}

// A pod that asks for millions of times the fleet does not make as many points.
func TestCurvesAreBounded(t *testing.T) {
	nodes := []fleet.Node{{Name: "n", Capacity: resource.Of(1, 0)}}
	pods := []datasets.Arrival{{Workload: workload.Workload{ID: "p", Requests: resource.Of(1e7, 0)}}}
	trace, err := simulation.NewTrace("huge", nodes, pods)
	if err != nil {
		t.Fatal(err)
	}
	for _, arrive := range []float64{1.5, 1e6} {
		if n := len(compare(t, trace, options(arrive, "bestfit"))[0].Curve); n < 50 || n > 10_000 {
			t.Errorf("arrivals of %g x the fleet: %d points", arrive, n)
		}
	}
}
