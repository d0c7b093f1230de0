package rival_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/packing"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/filter"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/rival"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// serve opens a service in which one scorer decides.
func serve(t testing.TB, s placement.Scorer, nodes ...fleet.Node) *ledger.Service {
	t.Helper()
	service, err := ledger.Open(t.Context(), ledger.Options{
		Settings: placement.Settings{HeartbeatTimeout: -1}, Filters: filter.All(), Scorers: []placement.Scorer{s},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		if err := service.RegisterNode(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	return service
}

func node(name string, cores float64, devices int) fleet.Node {
	n := fleet.Node{Name: name, Capacity: resource.Of(cores, 1<<40).With(resource.GPU, float64(devices))}
	for range devices {
		n.Devices = append(n.Devices, fleet.Device{Model: "a100"})
	}
	return n
}

func work(cores float64, devices int, share float64) workload.Workload {
	return workload.Workload{Class: workload.Batch, Requests: resource.Of(cores, 1), Accelerator: workload.Accelerator{Devices: devices, Share: share}}
}

// place puts w somewhere, on the named node unless that is "".
func place(t testing.TB, s *ledger.Service, id string, w workload.Workload, on string) ledger.Decision {
	t.Helper()
	w.ID = id
	if on != "" {
		w.Locality.Required.Nodes = []string{on}
	}
	d, err := s.Place(t.Context(), ledger.Request{ID: id, Workload: &w, Alternatives: 9})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// points returns the points of every node that fits.
func points(d ledger.Decision) map[string]float64 {
	p := map[string]float64{}
	if d.Node != "" {
		p[d.Node] = d.Score
	}
	for _, c := range d.Alternatives {
		p[c.Node] = c.Score
	}
	return p
}

// Worked examples: 8 cores and 2 devices beside 16 cores and 4 devices, half a
// device of the first taken with 2 cores; one more half with 2 cores is asked for.
func TestExamples(t *testing.T) {
	half := work(2, 1, .5)
	for _, c := range []struct {
		scorer placement.Scorer
		want   map[string]float64
		node   string
	}{
		// left: 4 of 16 cores, 1 of 4 devices; 14 of 16, 3.5 of 4
		{rival.BestFit{}, map[string]float64{"small": 75, "large": 12}, "small"},
		// 6/16 x 2/16, 1.5/4 x .5/4; 16/16 x 2/16, 4/4 x .5/4
		{rival.DotProd{}, map[string]float64{"small": 95, "large": 87}, "small"},
		// the shared device has half of it free; a free node of 4 devices
		{rival.GPUPacking{}, map[string]float64{"small": 95, "large": 29}, "small"},
		// halves alone, 1.5 of at most 4 devices free; empty, 4 free
		{rival.GPUClustering{}, map[string]float64{"small": 90, "large": 25}, "small"},
		// left: 4 of 8 cores, all memory, 1 of 2 devices; 14 of 16, all, 3.5 of 4
		{rival.LeastAllocated{}, map[string]float64{"small": 66, "large": 91}, "large"},
		{rival.MostAllocated{}, map[string]float64{"small": 33, "large": 8}, "small"},
	} {
		s := serve(t, c.scorer, node("small", 8, 2), node("large", 16, 4))
		place(t, s, "before", half, "small")
		d := place(t, s, "asked", half, "")
		if got := points(d); d.Node != c.node || fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %s, %v, want %s, %v", c.scorer.Name(), d.Node, got, c.node, c.want)
		}
		if d.Node == "small" && !slices.Equal(d.Devices, []int{0}) {
			t.Errorf("%s: a half beside a half takes device %v", c.scorer.Name(), d.Devices)
		}
	}
}

// A half is asked for; all others are wholes. Beside the half that is taken it
// wastes nothing, and takes what was wasted: half a device less is fragmented. On a
// free device it makes a half that wholes cannot use.
func TestFGDExample(t *testing.T) {
	s := serve(t, rival.FGD{}, node("used", 64, 2), node("free", 64, 2))
	var mix packing.Mix
	mix.Add(packing.Task{Class: packing.Class{Devices: 1, Share: packing.Whole}})
	s.AdoptWorth(packing.Unplanned(mix.Targets(), nil))
	place(t, s, "before", work(1, 1, .5), "used")
	d := place(t, s, "asked", work(1, 1, .5), "")
	want := map[string]float64{"used": math.Floor(100 / (1 + math.Exp(-.5))), "free": math.Floor(100 / (1 + math.Exp(.5)))}
	if got := points(d); d.Node != "used" || !slices.Equal(d.Devices, []int{0}) || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s, devices %v, %v, want %v", d.Node, d.Devices, got, want)
	}
	if raw := d.Scores[0].Raw; raw != -.5 {
		t.Errorf("%g %s, want -0.5", raw, d.Scores[0].Unit)
	}
}

// dumb is FGD from its definition, in milli as its authors have it.
type dumb struct {
	mix []packing.Target
}

type dumbNode struct {
	cores float64
	free  []float64
}

func (d *dumb) fragment(n dumbNode) float64 {
	sum := 0.0
	for _, m := range d.mix {
		fitting, unfit, all := 0, 0.0, 0.0
		for _, r := range n.free {
			all += r
			if r >= float64(m.Share) {
				fitting++
			} else {
				unfit += r
			}
		}
		if m.Devices == 0 || n.cores < m.Cores || fitting < int(m.Devices) {
			unfit = all
		}
		sum += m.Part * unfit
	}
	return sum
}

func (n dumbNode) with(w workload.Workload, devices []int) dumbNode {
	after := dumbNode{n.cores - w.Requests.Get(resource.CPU), slices.Clone(n.free)}
	for _, k := range devices {
		after.free[k] -= 1000 * w.Accelerator.PerDevice()
	}
	return after
}

// best returns the most a node scores before it is cut to a whole number.
func (d *dumb) best(n dumbNode, w workload.Workload) (score float64, ok bool) {
	if n.cores < w.Requests.Get(resource.CPU) {
		return 0, false
	}
	before, ask := d.fragment(n), 1000*w.Accelerator.PerDevice()
	value := func(devices []int) float64 {
		return 100 / (1 + math.Exp(-(before-d.fragment(n.with(w, devices)))/1000))
	}
	if w.Accelerator.Devices == 0 {
		return value(nil), true
	}
	var fitting []int
	for k, r := range n.free {
		if r > ask-1e-6 {
			fitting = append(fitting, k)
		}
	}
	if len(fitting) < w.Accelerator.Devices {
		return 0, false
	}
	if w.Accelerator.PerDevice() == 1 {
		return value(fitting[:w.Accelerator.Devices]), true
	}
	for _, k := range fitting {
		score = max(score, value([]int{k}))
	}
	return score, true
}

func TestFGDAgainstDefinition(t *testing.T) {
	draw := rapid.Custom(func(t *rapid.T) workload.Workload {
		w := work(float64(rapid.IntRange(1, 6).Draw(t, "cores")), rapid.IntRange(0, 2).Draw(t, "devices"), 1)
		if w.Accelerator.Devices == 0 {
			w.Accelerator.Share = 0
		}
		if w.Accelerator.Devices == 1 {
			w.Accelerator.Share = float64(rapid.IntRange(1, 10).Draw(t, "share")) / 10
		}
		return w
	})
	rapid.Check(t, func(t *rapid.T) {
		var mix packing.Mix
		shapes := rapid.SliceOfN(draw, 1, 5).Draw(t, "shapes")
		for _, w := range shapes {
			c := packing.Class{Cores: w.Requests.Get(resource.CPU), Devices: int32(w.Accelerator.Devices)}
			if c.Devices > 0 {
				c.Share = int32(math.Round(packing.Whole * w.Accelerator.PerDevice()))
			}
			mix.Add(packing.Task{Class: c, NeedCores: c.Cores})
		}
		d := &dumb{packing.Commonest(mix.Targets(), .95)}
		s, err := ledger.Open(t.Context(), ledger.Options{
			Settings: placement.Settings{HeartbeatTimeout: -1}, Filters: filter.All(), Scorers: []placement.Scorer{rival.FGD{}},
		})
		if err != nil {
			t.Fatal(err)
		}
		nodes := map[string]dumbNode{}
		for i := range rapid.IntRange(1, 5).Draw(t, "nodes") {
			n := node(fmt.Sprintf("n%d", i), float64(rapid.IntRange(4, 24).Draw(t, "cores")), rapid.IntRange(0, 4).Draw(t, "devices"))
			if err := s.RegisterNode(t.Context(), n); err != nil {
				t.Fatal(err)
			}
			plain := dumbNode{cores: n.Capacity.Get(resource.CPU)}
			for range n.Devices {
				plain.free = append(plain.free, 1000)
			}
			nodes[n.Name] = plain
		}
		s.AdoptWorth(packing.Unplanned(mix.Targets(), []string{"a100"}))
		for i := range 25 {
			w := rapid.SampledFrom(shapes).Draw(t, "asked")
			w.ID = fmt.Sprint(i)
			answer, err := s.Place(t.Context(), ledger.Request{ID: w.ID, Workload: &w, Alternatives: 9})
			if err != nil {
				t.Fatal(err)
			}
			got := points(answer)
			for name, n := range nodes {
				want, ok := d.best(n, w)
				points, scored := got[name]
				// A score that is a whole number but for rounding may be cut to either side.
				if ok != scored || ok && points != math.Floor(want-1e-9) && points != math.Floor(want+1e-9) {
					t.Fatalf("%d: %s scores %g (%v), want %g (%v)", i, name, points, scored, want, ok)
				}
			}
			if answer.Node != "" {
				n := nodes[answer.Node]
				after := n.with(w, answer.Devices)
				reached := math.Floor(100/(1+math.Exp(-(d.fragment(n)-d.fragment(after))/1000)) + 1e-9)
				if best, _ := d.best(n, w); reached < math.Floor(best-1e-9) {
					t.Fatalf("%d: devices %v of %s score %g, the best would %g", i, answer.Devices, answer.Node, reached, best)
				}
				nodes[answer.Node] = after
			}
		}
	})
}

// Random draws anew for another label, and alike for the same.
func TestRandom(t *testing.T) {
	var nodes []fleet.Node
	for i := range 100 {
		nodes = append(nodes, node(fmt.Sprintf("n%02d", i), 64, 1))
	}
	s := serve(t, rival.Random{}, nodes...)
	counts := map[string]int{}
	for i := range 400 {
		w := work(1, 0, 0)
		w.Labels = map[string]string{rival.DrawLabel: fmt.Sprint(i % 200)}
		counts[place(t, s, fmt.Sprint(i), w, "").Node]++
	}
	if len(counts) < 70 || len(counts) > 100 {
		t.Errorf("200 draws fell on %d of 100 nodes", len(counts))
	}
	for name, n := range counts {
		if n%2 != 0 {
			t.Errorf("%s was drawn %d times: each draw was made twice", name, n)
		}
	}
}
