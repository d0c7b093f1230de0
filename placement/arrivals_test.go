package placement_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"testing/synctest"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/packing"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/ledger/ledgertest"
	"github.com/auspex-project/auspex/placement/score"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

func addAccelerated(t *testing.T, s *ledger.Service, count, devices int) {
	t.Helper()
	for i := range count {
		n := fleet.Node{Name: fmt.Sprintf("gpu%02d", i), Capacity: resource.Of(64, 256*gib).With(resource.GPU, float64(devices))}
		for range devices {
			n.Devices = append(n.Devices, fleet.Device{Model: "a100", MemoryBytes: 40 * gib})
		}
		if err := s.RegisterNode(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
}

func accelerated(id string, cores, share float64) *workload.Workload {
	w := ledgertest.Work(id, cores, 1)
	w.Accelerator = workload.Accelerator{Devices: 1, Share: share, Models: []string{"a100"}}
	return w
}

func place(t *testing.T, s *ledger.Service, r ledger.Request) ledger.Decision {
	t.Helper()
	d, err := s.Place(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The mix is that of what was asked for: each workload once, dry runs not, and
// nothing where no node has devices.
func TestArrivalsAreLearned(t *testing.T) {
	s := ledgertest.Open(t, nil)
	ledgertest.AddNodes(t, s, 1, 4, 16)
	for i := range 40 {
		place(t, s, ledger.Request{ID: fmt.Sprint("plain", i), Workload: ledgertest.Work(fmt.Sprint("plain", i), 1, 1)})
	}
	if _, due := s.PackingDue(); due {
		t.Fatal("a plan is due for a fleet without devices")
	}
	addAccelerated(t, s, 2, 4)
	for i := range 40 {
		place(t, s, ledger.Request{ID: fmt.Sprint("dry", i), Workload: accelerated(fmt.Sprint("dry", i), 1, .5), DryRun: true})
		place(t, s, ledger.Request{ID: fmt.Sprint("again", i), Workload: accelerated("too large", 1000, 1)})
	}
	if _, due := s.PackingDue(); due {
		t.Fatal("a plan is due after one workload")
	}
	for i := range 15 {
		place(t, s, ledger.Request{ID: fmt.Sprint("half", i), Workload: accelerated(fmt.Sprint("half", i), 2, .5)})
	}
	p, due := s.PackingDue()
	if !due {
		t.Fatal("no plan is due after 16 workloads")
	}
	want := []packing.Target{
		{Class: packing.Class{Cores: 2, Devices: 1, Share: 500, Models: 1}, Part: 15. / 16, NeedCores: 2, NeedMemory: gib},
		{Class: packing.Class{Cores: 1000, Devices: 1, Share: 1000, Models: 1}, Part: 1. / 16, NeedCores: 1000, NeedMemory: gib},
	}
	if !reflect.DeepEqual(p.Targets, want) || !reflect.DeepEqual(p.Models, []string{"a100"}) {
		t.Errorf("targets %+v of models %v, want %+v", p.Targets, p.Models, want)
	}
	if len(p.Machines) != 2 || p.Machines[0].Cores != 64 || len(p.Machines[0].Devices) != 4 || p.Machines[0].Devices[0] != 1 {
		t.Errorf("machines %+v", p.Machines)
	}
	if _, due := s.PackingDue(); due {
		t.Error("the same plan is due twice")
	}
}

// Models that no node has are not learned: whoever makes up names cannot use up the
// few that plans tell apart.
func TestModelsOfNoNodeAreNotLearned(t *testing.T) {
	s := ledgertest.Open(t, nil)
	addAccelerated(t, s, 2, 4)
	for i := range 100 {
		w := accelerated(fmt.Sprint("unknown", i), 1, .5)
		w.Accelerator.Models = []string{fmt.Sprint("x", i), fmt.Sprint("y", i)}
		place(t, s, ledger.Request{ID: w.ID, Workload: w})
	}
	if p, due := s.PackingDue(); due {
		t.Fatalf("a plan is due of %+v, which no node has", p.Models)
	}
	for i := range 16 {
		w := accelerated(fmt.Sprint("known", i), 1, .5)
		w.Accelerator.Models = []string{"x1", "a100"}
		place(t, s, ledger.Request{ID: w.ID, Workload: w})
	}
	p, due := s.PackingDue()
	if !due || !reflect.DeepEqual(p.Models, []string{"a100"}) || len(p.Targets) != 1 || p.Targets[0].Models != 1 {
		t.Errorf("due %v: targets %+v of models %v, want a100 alone", due, p.Targets, p.Models)
	}
}

// A worth that is taken over decides at once, also for shapes that are known, holds
// when nodes come, and is gone when it is forgotten.
func TestWorthIsTakenOver(t *testing.T) {
	s := ledgertest.Open(t, func(o *ledger.Options) {
		o.Settings.Weights.Default = map[string]float64{score.Accelerator{}.Name(): 1}
	})
	addAccelerated(t, s, 3, 2)
	ask := func(id string) placement.ScoreLine {
		d := place(t, s, ledger.Request{ID: id, Workload: accelerated(id, 1, .3), DryRun: true})
		for _, line := range d.Scores {
			if line.Weight > 0 {
				return line
			}
		}
		t.Fatal("no score counts")
		return placement.ScoreLine{}
	}
	rest := ask("a")
	ask("b")
	if known, err := compareShape(s, accelerated("c", 1, .3), 2); !known || err != nil {
		t.Fatalf("known %v: %v", known, err)
	}
	w := someWorth()
	s.AdoptWorth(w)
	if known, err := compareShape(s, accelerated("d", 1, .3), 2); !known || err != nil {
		t.Errorf("after a worth is taken over: known %v: %v", known, err)
	}
	valued := ask("e")
	if want := float64(w.Residual(700) - w.Residual(1000)); valued.Raw != want || rest.Raw == want {
		t.Errorf("with a worth %g, without %g, want %g with it", valued.Raw, rest.Raw, want)
	}
	ledgertest.AddNodes(t, s, 1, 4, 16)
	if line := ask("f"); line != valued {
		t.Errorf("after a node has come %+v, before %+v", line, valued)
	}
	s.AdoptWorth(nil)
	if line := ask("g"); line != rest {
		t.Errorf("forgotten %+v, at first %+v", line, rest)
	}
}

// While Run runs it plans, and what it has planned is used.
func TestRunPlansPacking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ledgertest.Open(t, nil)
		addAccelerated(t, s, 4, 4)
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		r := rand.New(rand.NewPCG(1, 1))
		for i := range 300 {
			id := fmt.Sprint(i)
			d := place(t, s, ledger.Request{ID: id, Workload: accelerated(id, 1, .1+.1*float64(r.IntN(9)))})
			if _, err := s.Release(t.Context(), d.ID); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		d := place(t, s, ledger.Request{ID: "asked", Workload: accelerated("asked", 1, .3)})
		for _, line := range d.Scores {
			if line.Scorer == "accelerator" && line.Raw >= 0 {
				t.Errorf("after 300 workloads the accelerator's wish is %+v: not that of a plan", line)
			}
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
