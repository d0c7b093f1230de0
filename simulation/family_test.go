package simulation_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/auspex-project/auspex/datasets"
	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/simulation"
	"github.com/auspex-project/auspex/workload"
)

// variant is a kind of list of pods.
type variant struct {
	name     string
	fraction float64 // of the demand for devices, by pods that share one
	several  float64 // of the demand, by pods of 2, 4 and 8 devices
	plain    float64 // of the pods, without devices
	named    float64 // of the pods with devices, naming models

	ahead float64 // of FGD in the end, at least, in shares of the fleet
}

// Whatever the kind of list, ours is not behind FGD on the way to a full fleet, and has
// more of it in use in the end.
func TestFamilyOfLists(t *testing.T) {
	const behind = .005 // of the fleet, on the way: some jobs of a fleet this small
	for _, v := range []variant{
		{name: "common", fraction: .3, several: .08, plain: .13, ahead: .003},
		{name: "no plain work", fraction: .3, several: .08, ahead: .002},
		{name: "cores run out", fraction: .3, several: .08, plain: .4, ahead: .01},
		{name: "mostly fractions", fraction: .6, several: .04, plain: .13, ahead: .003},
		{name: "fractions alone", fraction: 1, plain: .13, ahead: .008},
		{name: "no fractions", several: .1, plain: .13, ahead: .002},
		{name: "several devices each", fraction: .15, several: .5, plain: .12},
		{name: "some name models", fraction: .3, several: .08, plain: .13, named: .1},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			trace, err := simulation.NewTrace(v.name, familyNodes(), v.pods(1500))
			if err != nil {
				t.Fatal(err)
			}
			o := options(1.3, "auspex", "fgd")
			o.Seeds = []uint64{2}
			notBehind(t, compare(t, trace, o), behind, v.ahead)
		})
	}
}

// notBehind checks ours, the first, against another on the way to a full fleet and in
// the end, in shares of the fleet.
func notBehind(t *testing.T, s []simulation.Summary, behind, ahead float64) {
	t.Helper()
	ours, other := s[0], s[1]
	perFleet := float64(len(ours.Curve)) / ours.Arrived
	for _, arrived := range []float64{.9, .95, 1} {
		k := int(math.Round(arrived*perFleet)) - 1
		got, theirs := ours.Curve[k], other.Curve[k]
		if math.Abs(got.Arrived-arrived) > .02 {
			t.Fatalf("point %d of the curve is at %g arrived, not %g", k, got.Arrived, arrived)
		}
		if got.GPU < theirs.GPU-behind {
			t.Errorf("with %g arrived %.4f of the devices are allocated, %.4f by %s", arrived, got.GPU, theirs.GPU, other.Policy)
		}
	}
	if ours.GPU.Mean < other.GPU.Mean+ahead {
		t.Errorf("in the end %.4f of the devices are allocated, %.4f by %s: want %g more", ours.GPU.Mean, other.GPU.Mean, other.Policy, ahead)
	}
}

// familyNodes returns nodes of five kinds, some with many cores beside a device and
// some with few.
func familyNodes() []fleet.Node {
	var nodes []fleet.Node
	for _, kind := range []struct {
		model         string
		n, devices    int
		cores, memory float64
	}{
		{"big", 54, 8, 96, 384}, {"roomy", 40, 2, 104, 512}, {"poor", 12, 2, 16, 120}, {"four", 6, 4, 40, 180}, {"new", 4, 8, 128, 768},
	} {
		for i := range kind.n {
			n := fleet.Node{Name: fmt.Sprint(kind.model, i), Capacity: resource.Of(kind.cores, kind.memory*(1<<30)).With(resource.GPU, float64(kind.devices))}
			for range kind.devices {
				n.Devices = append(n.Devices, fleet.Device{Model: kind.model})
			}
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// pods draws a list of n, always the same.
func (v variant) pods(n int) []datasets.Arrival {
	rng := rand.New(rand.NewPCG(7, 7))
	shares := []float64{.05, .1, .2, .25, .3, .4, .46, .5, .5, .55, .6, .7, .8, .9, .9}
	cores := []float64{4, 6, 8, 8, 10, 12, 16} // beside a device
	pick := func(from []float64) float64 { return from[rng.IntN(len(from))] }
	const meanShare, meanSeveral = .47, 5.5
	fraction, several, whole := v.fraction/meanShare, v.several/meanSeveral, 1-v.fraction-v.several
	pods := make([]datasets.Arrival, n)
	for i := range pods {
		w := workload.Workload{ID: fmt.Sprint("p", i)}
		c, gib := 0.0, 0.0
		switch x := rng.Float64() * (fraction + several + whole); {
		case rng.Float64() < v.plain:
			c = pick([]float64{8, 12, 12, 15, 16, 32})
			gib = 2 * c
		case x < fraction:
			w.Accelerator = workload.Accelerator{Devices: 1, Share: pick(shares)}
			c = max(1, math.Round(w.Accelerator.Share*pick(cores)*1.3))
			gib = 4 * c
		case x < fraction+several:
			w.Accelerator.Devices = []int{2, 4, 8, 8}[rng.IntN(4)]
			c = pick(cores[:6]) * float64(w.Accelerator.Devices)
			gib = 3 * c
		default:
			w.Accelerator.Devices = 1
			c = pick(cores)
			gib = 4 * c
		}
		if w.Accelerator.Devices > 0 && rng.Float64() < v.named {
			switch {
			case w.Accelerator.Devices > 4:
				w.Accelerator.Models = []string{"big", "new"}
			case rng.IntN(2) == 0 && w.Accelerator.Devices < 3:
				w.Accelerator.Models = []string{"roomy"}
			default:
				w.Accelerator.Models = []string{"four", "new"}
			}
		}
		w.Requests = resource.Of(c, gib*(1<<30))
		w.Limits = w.Requests
		pods[i].Workload = w
	}
	return pods
}

// The same of lists derived from openb's: fractions alone, and so many of its jobs of
// several devices that they make up half of the demand.
func TestOpenbDerivedLists(t *testing.T) {
	const behind = .008 // six jobs of eight devices
	common := openb(t, "default")
	var fractions, several []datasets.Arrival
	one, many := 0.0, 0.0 // demand
	for _, p := range common.Pods {
		a := p.Workload.Accelerator
		switch {
		case a.Devices > 1:
			several = append(several, p)
			many += float64(a.Devices)
		default:
			one += float64(a.Devices) * a.PerDevice()
		}
		if a.Devices == 0 || a.PerDevice() < 1 {
			fractions = append(fractions, p)
		}
	}
	half := slices.Clone(common.Pods)
	for round := 1; float64(round)*many < one; round++ {
		for _, p := range several {
			p.Workload.ID += fmt.Sprint("-", round)
			half = append(half, p)
		}
	}
	for name, pods := range map[string][]datasets.Arrival{"fractions": fractions, "several": half} {
		t.Run(name, func(t *testing.T) {
			trace, err := simulation.NewTrace(name, common.Nodes, pods)
			if err != nil {
				t.Fatal(err)
			}
			o := options(1.3, "auspex", "fgd")
			o.Seeds = []uint64{1}
			notBehind(t, compare(t, trace, o), behind, .002)
		})
	}
}
