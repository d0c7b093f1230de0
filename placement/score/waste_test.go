package score_test

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
	"github.com/auspex-project/auspex/placement/score"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

const gib = 1 << 30

// machine is what is free of a node, the plain way.
type machine struct {
	cores, memory float64
	free          []int32
	models        []string
}

func (m *machine) waste(w *packing.Worth) float64 {
	sum, all, whole := 0.0, int32(0), 0
	for _, r := range m.free {
		sum += float64(w.Residual(r))
		all += r
		if r == packing.Whole {
			whole++
		}
	}
	return sum + float64(w.Lacking(all, m.cores, m.memory)) - float64(w.Together(whole, m.cores, m.memory))
}

// with returns m with the workload on some devices.
func (m *machine) with(w *workload.Workload, devices []int) *machine {
	n := &machine{m.cores - w.Requests.Get(resource.CPU), m.memory - w.Requests.Get(resource.Memory), slices.Clone(m.free), m.models}
	for _, k := range devices {
		n.free[k] -= int32(math.Round(w.Accelerator.PerDevice() * packing.Whole))
	}
	return n
}

// ways returns every choice of devices for w.
func (m *machine) ways(w *workload.Workload) [][]int {
	if m.cores < w.Requests.Get(resource.CPU) || m.memory < w.Requests.Get(resource.Memory) {
		return nil
	}
	var all [][]int
	var choose func(from int, chosen []int)
	choose = func(from int, chosen []int) {
		if len(chosen) == w.Accelerator.Devices {
			all = append(all, slices.Clone(chosen))
			return
		}
		for k := from; k < len(m.free); k++ {
			fits := m.free[k] >= int32(math.Round(w.Accelerator.PerDevice()*packing.Whole))
			if models := w.Accelerator.Models; fits && (len(models) == 0 || slices.Contains(models, m.models[k])) {
				choose(k+1, append(chosen, k))
			}
		}
	}
	choose(0, nil)
	return all
}

// added returns what a way adds, with the charge for plain work beside free devices.
func (m *machine) added(worth *packing.Worth, w *workload.Workload, devices []int) float64 {
	added := m.with(w, devices).waste(worth) - m.waste(worth)
	if w.Accelerator.Devices == 0 {
		for _, r := range m.free {
			added += packing.Idle * float64(r) / packing.Whole
		}
	}
	return added
}

var requests = rapid.Custom(func(t *rapid.T) *workload.Workload {
	w := &workload.Workload{
		Class:    workload.Batch,
		Requests: resource.Of(float64(rapid.IntRange(1, 8).Draw(t, "cores")), float64(rapid.IntRange(1, 8).Draw(t, "memory"))*gib),
	}
	switch a := &w.Accelerator; rapid.IntRange(0, 3).Draw(t, "kind") {
	case 1:
		a.Devices, a.Share = 1, float64(rapid.IntRange(1, 9).Draw(t, "share"))/10
	case 2:
		a.Devices = rapid.IntRange(1, 3).Draw(t, "devices")
	case 3:
		a.Devices, a.Models = 1, []string{rapid.SampledFrom([]string{"a100", "t4", "unheard of"}).Draw(t, "model")}
	}
	return w
})

// The engine with the accelerator's wish alone takes the node and the devices that
// add the least waste, by the formula of package packing computed anew from what was
// placed where, and says so.
func TestWasteAgainstFormula(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, err := ledger.Open(t.Context(), ledger.Options{
			Settings: placement.Settings{HeartbeatTimeout: -1}, Filters: filter.All(), Scorers: []placement.Scorer{score.Accelerator{}},
		})
		if err != nil {
			t.Fatal(err)
		}
		machines := map[string]*machine{}
		for i := range rapid.IntRange(1, 6).Draw(t, "nodes") {
			n := fleet.Node{Name: fmt.Sprintf("n%d", i), Capacity: resource.Of(float64(rapid.IntRange(4, 32).Draw(t, "cores")), float64(rapid.IntRange(4, 32).Draw(t, "memory"))*gib)}
			const slack = 1 + 1e-5 // of a node's ceiling: where nearly nothing is free it counts
			m := &machine{cores: n.Capacity.Get(resource.CPU) * slack, memory: n.Capacity.Get(resource.Memory) * slack}
			for range rapid.IntRange(0, 4).Draw(t, "devices") {
				model := rapid.SampledFrom([]string{"a100", "t4"}).Draw(t, "model")
				n.Devices = append(n.Devices, fleet.Device{Model: model})
				m.free, m.models = append(m.free, packing.Whole), append(m.models, model)
			}
			n.Capacity = n.Capacity.With(resource.GPU, float64(len(n.Devices)))
			if err := s.RegisterNode(t.Context(), n); err != nil {
				t.Fatal(err)
			}
			machines[n.Name] = m
		}
		var mix packing.Mix
		for range rapid.IntRange(1, 5).Draw(t, "classes") {
			share := int32(rapid.IntRange(1, 10).Draw(t, "share")) * 100
			cores := float64(rapid.IntRange(1, 8).Draw(t, "cores"))
			devices := int32(rapid.IntRange(1, 3).Draw(t, "devices"))
			if devices > 1 {
				share = packing.Whole
			}
			mix.Add(packing.Task{Class: packing.Class{Cores: cores, Devices: devices, Share: share}, NeedCores: cores, NeedMemory: cores * gib})
		}
		problem := packing.Problem{Targets: mix.Targets(), Leaving: rapid.SampledFrom([]float64{0, 1}).Draw(t, "leaving")}
		for range rapid.IntRange(0, 3).Draw(t, "refused") {
			problem.Refused.Add(packing.Class{Devices: 1, Share: packing.Whole})
		}
		worth, err := problem.Solve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.AdoptWorth(worth)

		shapes := rapid.SliceOfN(requests, 1, 4).Draw(t, "shapes")
		for i := range 25 {
			w := *rapid.SampledFrom(shapes).Draw(t, "request")
			w.ID = fmt.Sprint(i)
			least := math.Inf(1)
			for _, m := range machines {
				for _, way := range m.ways(&w) {
					least = min(least, m.added(worth, &w, way))
				}
			}
			d, err := s.Place(t.Context(), ledger.Request{ID: w.ID, Workload: &w})
			if err != nil {
				t.Fatal(err)
			}
			if d.Node == "" {
				if !math.IsInf(least, 1) {
					t.Fatalf("%d: %s, and yet there is a way that adds %g", i, d.Reason, least)
				}
				continue
			}
			const rounding = 1e-3 // single precision
			m := machines[d.Node]
			added := m.added(worth, &w, d.Devices)
			if raw := d.Scores[0].Raw; math.Abs(raw-added) > rounding || added > least+rounding {
				t.Fatalf("%d: on %s devices %v: says %g, adds %g, the least is %g", i, d.Node, d.Devices, raw, added, least)
			}
			machines[d.Node] = m.with(&w, d.Devices)
		}
	})
}

// Where jobs of eight devices are part of the mix small ones leave them whole nodes,
// also if the small ones need more cores than their devices have beside them, for
// which alone they would be spread.
func TestSmallJobsLeaveNodesWhole(t *testing.T) {
	const nodes, small, large = 4, 12, 2
	s, err := ledger.Open(t.Context(), ledger.Options{
		Settings: placement.Settings{HeartbeatTimeout: -1}, Filters: filter.All(), Scorers: []placement.Scorer{score.Accelerator{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range nodes {
		n := fleet.Node{Name: fmt.Sprintf("n%d", i), Capacity: resource.Of(64, 64*gib).With(resource.GPU, 8), Devices: make([]fleet.Device, 8)}
		for k := range n.Devices {
			n.Devices[k].Model = "a100"
		}
		if err := s.RegisterNode(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	var mix packing.Mix
	for i := range small + large {
		c := packing.Class{Cores: 9, Devices: 1, Share: packing.Whole}
		if i < large {
			c.Cores, c.Devices = 64, 8
		}
		mix.Add(packing.Task{Class: c, NeedCores: c.Cores, NeedMemory: gib})
	}
	s.AdoptWorth(packing.Unplanned(mix.Targets(), nil))
	for i := range small + large {
		w := workload.Workload{ID: fmt.Sprint(i), Class: workload.Batch, Requests: resource.Of(9, gib), Accelerator: workload.Accelerator{Devices: 1}}
		if i >= small {
			w.Requests, w.Accelerator.Devices = resource.Of(64, gib), 8
		}
		d, err := s.Place(t.Context(), ledger.Request{ID: w.ID, Workload: &w})
		if err != nil {
			t.Fatal(err)
		}
		if d.Node == "" {
			t.Fatalf("the job of %d devices that came as number %d: %s", w.Accelerator.Devices, i, d.Reason)
		}
	}
}
