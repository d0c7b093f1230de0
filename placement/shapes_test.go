package placement_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/filter"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/ledger/ledgertest"
	"github.com/auspex-project/auspex/placement/score"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// What is known of a shape agrees with the scan while a fleet of many blocks, some
// of it in capped racks, fills up and empties; also once the list of changes has
// forgotten what the shape has not seen.
func TestShapesAgreeOnLargeFleet(t *testing.T) {
	s, ids := openBench(t, 500, 4)
	r := rand.New(rand.NewPCG(5, 6))
	probes := make([]*workload.Workload, 20)
	for i := range probes {
		probes[i] = benchWorkload(1_000_000+i, r)
	}
	known := 0
	compare := func(after int) {
		for _, w := range probes {
			was, err := compareShape(s, w, 1+r.IntN(6))
			if err != nil {
				t.Fatalf("after %d changes, %s: %v", after, w.ID, err)
			}
			if was {
				known++
			}
		}
	}
	for i := range 1500 {
		w := benchWorkload(i, r)
		d, err := s.Place(context.Background(), ledger.Request{ID: w.ID, Workload: w})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, d.ID)
		if r.IntN(3) > 0 {
			at := r.IntN(len(ids))
			if _, err := s.Release(context.Background(), ids[at]); err != nil {
				t.Fatal(err)
			}
		}
		if i%10 == 0 && i < 300 {
			compare(i)
		}
	}
	compare(1500)
	for i := range 6000 { // more than the list holds
		if _, err := s.Drain(context.Background(), benchName(i%500), i%2 == 0); err != nil {
			t.Fatal(err)
		}
	}
	compare(7500)
	if known < 100 {
		t.Fatalf("%d comparisons with what is known", known)
	}
}

// Shapes that differ only in what their hash does not mix are told apart.
func TestShapesAreComparedInFull(t *testing.T) {
	s, _ := openBench(t, 70, 0)
	place := func(id string, exclusive bool, bytes float64) ledger.Decision {
		w := benchWorkload(0, rand.New(rand.NewPCG(1, 1)))
		w.ID = id
		w.Security.Exclusive = exclusive
		w.Data = []workload.DataSet{{Name: "logs", Bytes: bytes}}
		d, err := s.Place(context.Background(), ledger.Request{ID: id, Workload: w})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for i := range 6 {
		plain := place(fmt.Sprintf("plain%d", i), false, gib)
		exclusive := place(fmt.Sprintf("exclusive%d", i), true, 2*gib)
		if len(exclusive.Rejections) != len(plain.Rejections)+1 {
			t.Fatalf("round %d: %d rules for an exclusive workload, %d for one that is not", i, len(exclusive.Rejections), len(plain.Rejections))
		}
	}
}

// All nodes are held against a shape anew only when a name appears that it looked
// for in vain, whoever else comes with names of his own.
func TestShapesAreLearnedAgainOnlyForTheirNames(t *testing.T) {
	synctest.Test(t, learnedAgainOnlyForNames) // another hour would be another plan
}

func learnedAgainOnlyForNames(t *testing.T) {
	s, _ := openBench(t, 70, 0)
	of := func(tenant string, i int) *workload.Workload {
		w := benchWorkload(0, rand.New(rand.NewPCG(1, 1)))
		w.ID, w.Selector, w.Accelerator = fmt.Sprintf("%s-%d", tenant, i), nil, workload.Accelerator{}
		w.Security = workload.Security{Tenant: tenant}
		return w
	}
	exclusive, selective, picky := of("new", 0), of("old", 1), of("old", 2)
	exclusive.App, exclusive.Security.Exclusive = "alone", true
	selective.Selector = map[string]string{"color": "blue"}
	picky.Accelerator = workload.Accelerator{Devices: 1, Models: []string{"b200"}}
	probes := []*workload.Workload{of("old", 0), exclusive, selective, picky}
	place := func(w *workload.Workload) {
		t.Helper()
		if d, err := s.Place(context.Background(), ledger.Request{ID: w.ID, Workload: w}); err != nil || d.Node == "" {
			t.Fatalf("%s: %+v, %v", w.ID, d, err)
		}
	}
	last, learned := make([]any, len(probes)), make([]int, len(probes))
	ask := func() {
		t.Helper()
		for i, w := range probes {
			for range 2 { // the first of all is not remembered
				if _, err := compareShape(s, w, 3); err != nil {
					t.Fatalf("%s: %v", w.ID, err)
				}
			}
			if plan := learnedOf(s, w); plan != last[i] {
				last[i] = plan
				learned[i]++
			}
		}
	}
	expect := func(when string, want ...int) {
		t.Helper()
		if ask(); !slices.Equal(learned, want) {
			t.Fatalf("%s the shapes were learned %v times, want %v", when, learned, want)
		}
	}
	place(of("old", 9))
	expect("at first", 1, 1, 1, 1)
	for i := range 100 {
		place(of(fmt.Sprintf("tenant%d", i), i))
		ask()
	}
	expect("with a hundred other tenants", 1, 1, 1, 1)
	place(of("new", 3))
	expect("with its tenant", 1, 2, 1, 1)
	place(of("new", 4))
	expect("with its tenant again", 1, 2, 1, 1)
	colored := benchNode(70)
	colored.Labels = map[string]string{"color": "blue"}
	if err := s.RegisterNode(context.Background(), colored); err != nil {
		t.Fatal(err)
	}
	ask() // a node more is another catalogue: all are learned anew
	if d, err := s.Place(context.Background(), ledger.Request{ID: selective.ID, Workload: selective}); err != nil || d.Node != colored.Name {
		t.Fatalf("placed on %q, not on the one node of the label: %v", d.Node, err)
	}
}

// However many shapes come, few are kept, and one that does not come again is not.
func TestShapesAreBounded(t *testing.T) {
	s, _ := openBench(t, 3, 0)
	dryRun := func(id string, app int) {
		w := benchWorkload(0, rand.New(rand.NewPCG(1, 1)))
		w.ID, w.App = id, fmt.Sprintf("app%d", app)
		if _, err := s.Place(context.Background(), ledger.Request{ID: id, Workload: w, DryRun: true}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 100 {
		dryRun(fmt.Sprintf("once%d", i), i)
	}
	if kept := shapes(s); kept != 0 {
		t.Fatalf("%d shapes are kept that came once", kept)
	}
	for i := range 2000 {
		for again := range 2 {
			dryRun(fmt.Sprintf("twice%d-%d", i, again), 100+i)
		}
	}
	if kept := shapes(s); kept != placement.MaxShapes {
		t.Fatalf("%d shapes are kept, want %d", kept, placement.MaxShapes)
	}
}

// A shape keeps no old state of the fleet alive.
func TestShapesKeepNoSnapshot(t *testing.T) {
	s, _ := openBench(t, 100, 1)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	round := func(from int) {
		for i := from; i < from+400; i++ {
			w := benchWorkload(0, rand.New(rand.NewPCG(1, 1)))
			w.ID, w.App = fmt.Sprintf("w%d", i), fmt.Sprintf("app%d", i/4)
			if _, err := s.Place(context.Background(), ledger.Request{ID: w.ID, Workload: w, DryRun: true}); err != nil {
				t.Fatal(err)
			}
			if err := s.Reload(placement.Settings{HeartbeatTimeout: -1, KeepDecisions: 1}); i%4 == 3 && err != nil { // copies every block
				t.Fatal(err)
			}
		}
	}
	round(0)
	before := heap()
	round(400)
	if grown := int64(heap() - before); grown > 5<<20 {
		t.Fatalf("100 shapes made the heap grow by %d bytes", grown)
	}
	runtime.KeepAlive(s)
}

// What is known of a shape may be brought up to date with a state that lacks a power
// domain which others have seen draw.
func TestShapeMeetsLaterDomains(t *testing.T) {
	s := ledgertest.Open(t, func(o *ledger.Options) {
		o.Settings.RackCaps = map[string]float64{"k1": 150, "k2": 150}
	})
	register := func(name, rack string) {
		t.Helper()
		curve, _ := fleet.NewPowerCurve(50, 100)
		n := fleet.Node{Name: name, Rack: rack, Capacity: resource.Of(8, 32*gib), Power: curve}
		if err := s.RegisterNode(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	on := func(id, node string) *workload.Workload {
		w := ledgertest.Work(id, 2, 2)
		w.Locality.Required.Nodes = []string{node}
		return w
	}
	register("a", "k1")
	register("b", "k1")
	place(t, s, ledger.Request{ID: "zero", Workload: on("zero", "b")})
	probe := ledgertest.Work("probe", 2, 2)
	for range 3 { // the first of all is not remembered
		if _, err := compareShape(s, probe, 2); err != nil {
			t.Fatal(err)
		}
	}
	place(t, s, ledger.Request{ID: "one", Workload: on("one", "a")})
	err := updateLate(s, probe, func() {
		register("c", "k2")
		place(t, s, ledger.Request{ID: "two", Workload: on("two", "c")})
		place(t, s, ledger.Request{ID: "three", Workload: on("three", "a")})
	})
	if err != nil {
		t.Fatal(err)
	}
	if known, err := compareShape(s, probe, 3); !known || err != nil {
		t.Fatal(known, err)
	}
}

// Callers of one shape at once get answers that hold.
func TestShapeSharedByManyCallers(t *testing.T) {
	s, err := ledger.Open(context.Background(), ledger.Options{
		Settings: placement.Settings{HeartbeatTimeout: -1}, Filters: filter.All(), Scorers: score.All(), Forecaster: newDiurnal(),
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if err := s.RegisterNode(context.Background(), benchNode(i)); err != nil {
			t.Fatal(err)
		}
	}
	const callers, each = 8, 100
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			for i := range each {
				w := benchWorkload(0, rand.New(rand.NewPCG(1, 1)))
				w.ID = fmt.Sprintf("w%d-%d", c, i)
				d, err := s.Place(context.Background(), ledger.Request{ID: w.ID, Workload: w})
				if err != nil || d.Considered != 100 {
					t.Errorf("%s: considered %d: %v", w.ID, d.Considered, err)
				}
				if d.Node != "" && i%2 == 0 {
					if _, err := s.Release(context.Background(), d.ID); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
	if known, err := compareShape(s, benchWorkload(0, rand.New(rand.NewPCG(1, 1))), 3); !known || err != nil {
		t.Fatal(known, err)
	}
}
