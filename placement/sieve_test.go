package placement_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/allocator"
	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/packing"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/ledger/ledgertest"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// crowd is a service with a few hundred nodes of which many are alike.
type crowd struct {
	machine
	prototypes []fleet.Node
	names      []string
	ids        []string // placed
}

func (c *crowd) add(t *rapid.T) {
	c.count++
	n := rapid.SampledFrom(c.prototypes).Draw(t, "prototype")
	n.Name = fmt.Sprintf("n%03d", c.count)
	if err := c.service.RegisterNode(context.Background(), n); err != nil {
		t.Fatal(err)
	}
	c.names = append(c.names, n.Name)
}

// describe gives a node another description; one that lacks a device in use is
// refused.
func (c *crowd) describe(t *rapid.T) {
	n := drawNode(t, rapid.SampledFrom(c.names).Draw(t, "node"))
	if err := c.service.RegisterNode(context.Background(), n); err != nil && !errors.Is(err, ledger.ErrNodeInUse) {
		t.Fatal(err)
	}
}

func (c *crowd) place(t *rapid.T) {
	for range rapid.IntRange(1, 20).Draw(t, "placements") {
		w := c.workload(t)
		d, err := c.service.Place(context.Background(), ledger.Request{ID: w.ID, Workload: w})
		if err != nil {
			t.Fatal(err)
		}
		if d.Node != "" {
			c.ids = append(c.ids, w.ID)
		}
	}
}

func (c *crowd) release(t *rapid.T) {
	for range min(len(c.ids), 5) {
		i := rapid.IntRange(0, len(c.ids)-1).Draw(t, "released")
		if _, err := c.service.ReleaseWorkload(context.Background(), c.ids[i]); err != nil {
			t.Fatal(err)
		}
		c.ids = slices.Delete(c.ids, i, i+1)
	}
}

func (c *crowd) drain(t *rapid.T) {
	if _, err := c.service.Drain(context.Background(), rapid.SampledFrom(c.names).Draw(t, "node"), rapid.Bool().Draw(t, "undo")); err != nil {
		t.Fatal(err)
	}
}

func (c *crowd) remove(t *rapid.T) {
	i := rapid.IntRange(0, len(c.names)-1).Draw(t, "node")
	if err := c.service.RemoveNode(context.Background(), c.names[i], true); err != nil {
		t.Fatal(err)
	}
	c.names = slices.Delete(c.names, i, i+1)
}

// value lets the service learn what nodes are worth: of devices, of room alone, of both
// or nothing any more.
func (c *crowd) value(t *rapid.T) {
	w := someWorth()
	switch rapid.IntRange(0, 4).Draw(t, "worth") {
	case 0:
		w = nil
	case 4:
		w = worthOfRefusals(t)
	case 1:
		w.Room = nil
	case 2:
		w = &packing.Worth{Room: w.Room}
	}
	c.service.AdoptWorth(w)
}

func (c *crowd) compare(t *rapid.T) {
	for range 3 {
		w := c.workload(t)
		if rapid.Bool().Draw(t, "named") {
			w.RunsOn, w.Locality.Preferred.Nodes = c.names[0], c.names[:2]
		}
		if _, err := compareScans(c.service, w, rapid.IntRange(1, 5).Draw(t, "most")); err != nil {
			t.Fatalf("a scan for %+v: %v", w, err)
		}
	}
}

// No bound is under a score, and no scan by bounds misses one of the best, whatever
// becomes of the nodes, the workloads and the settings in between.
func TestBoundsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &crowd{machine: machine{journal: new(ledgertest.Journal)}}
		c.forecasts = map[string]*forecast.Forecast{}
		c.margins = drawMargins(t)
		c.told = &told{forecasts: c.forecasts, margins: c.margins}
		c.settings = drawSettings(t)
		c.open(t)
		for i := range rapid.IntRange(1, 6).Draw(t, "prototypes") {
			c.prototypes = append(c.prototypes, drawNode(t, fmt.Sprint(i)))
		}
		for range rapid.IntRange(70, 300).Draw(t, "nodes") {
			c.add(t)
		}
		t.Repeat(map[string]func(*rapid.T){
			"place": c.place, "place more": c.place, "release": c.release, "drain": c.drain, "register": c.add,
			"describe": c.describe, "remove": c.remove, "reload": c.reload, "value": c.value, "": c.compare,
		})
	})
}

// A request whose needs come in another order than the schema's finds the best node as
// well: what is limited comes after what is requested.
func TestBoundsInAnyOrder(t *testing.T) {
	const nodes = 2000
	ctx := context.Background()
	s := ledgertest.Open(t, nil)
	for i := range nodes {
		n := benchNode(i)
		n.Capacity, n.Devices = resource.Of(16, 64*gib), nil
		if err := s.RegisterNode(ctx, n); err != nil {
			t.Fatal(err)
		}
		w := ledgertest.Work(fmt.Sprint("held", i), 7.9, 32)
		if i == 777 {
			w = ledgertest.Work(fmt.Sprint("held", i), 8, 28)
		}
		w.Locality.Required.Nodes = []string{n.Name}
		if d, err := s.Place(ctx, ledger.Request{ID: w.ID, Workload: w, Brief: true}); err != nil || d.Node != n.Name {
			t.Fatalf("%+v: %v", d, err)
		}
	}
	w := ledgertest.Work("asked", 0, 0)
	w.Requests = resource.Vector{}.With(resource.Memory, 4*gib)
	w.Limits = resource.Of(.01, 4*gib)
	if _, err := compareScans(s, w, 1); err != nil {
		t.Fatal(err)
	}
}

// Builds that no node is any more do not count: one node described anew, with a new
// price each time, leaves the bounds in place.
func TestBoundsForgetBuilds(t *testing.T) {
	s := ledgertest.Open(t, nil)
	ledgertest.AddNodes(t, s, 70, 4, 16)
	n := fleet.Node{Name: "n00", Capacity: resource.Of(4, 16*gib)}
	w := ledgertest.Work("asked", 1, 1)
	for i := range 2200 {
		n.CostPerHour = 1 + float64(i)/1024
		if err := s.RegisterNode(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		if _, err := compareScans(s, w, 1); err != nil {
			t.Fatalf("after %d prices: %v", i, err)
		}
	}
}

// Where all nodes are of their own size, or all of one, the best are still found, by
// those who ask at once, too.
func TestBoundsOnOddFleets(t *testing.T) {
	for name, cores := range map[string]func(i int) float64{
		"alike": func(int) float64 { return 16 }, "each its own": func(i int) float64 { return 8 + float64(i)/100 },
	} {
		t.Run(name, func(t *testing.T) {
			const nodes = 3000
			s := ledgertest.Open(t, func(o *ledger.Options) { o.Forecaster = newDiurnal() })
			for i := range nodes {
				n := benchNode(i)
				n.Capacity = resource.Of(cores(i), 64*gib)
				n.Devices = nil
				if err := s.RegisterNode(context.Background(), n); err != nil {
					t.Fatal(err)
				}
			}
			var running sync.WaitGroup
			for k := range 4 {
				running.Go(func() {
					r := rand.New(rand.NewPCG(1, uint64(k)))
					for i := range 60 {
						w := benchWorkload(1000*k+i, r)
						w.Accelerator = workload.Accelerator{}
						w.Requests = w.Requests.Scale(.5 + r.Float64())
						d, err := s.Place(context.Background(), ledger.Request{ID: w.ID, Workload: w})
						if err != nil || d.Node == "" || d.Considered != nodes {
							t.Errorf("%+v: %v", d, err)
						}
					}
				})
			}
			running.Wait()
			if name != "alike" {
				return // there are no bounds
			}
			r := rand.New(rand.NewPCG(3, 4))
			for i := range 20 {
				if _, err := compareScans(s, benchWorkload(10_000+i, r), 3); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// A resource that the fleet learns of when builds are known already is one of theirs, too.
func TestBoundsMeetNewResources(t *testing.T) {
	s := ledgertest.Open(t, nil)
	ledgertest.AddNodes(t, s, 70, 4, 16)
	if _, err := compareScans(s, ledgertest.Work("before", 1, 1), 1); err != nil {
		t.Fatal(err)
	}
	const licences = resource.Name("licences")
	n := fleet.Node{Name: "n70", Capacity: resource.Of(4, 16*gib).With(licences, 8)}
	if err := s.RegisterNode(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	w := ledgertest.Work("after", 1, 1)
	w.Requests = w.Requests.With(licences, 2)
	w.Limits = w.Requests
	if _, err := compareScans(s, w, 1); err != nil {
		t.Fatal(err)
	}
	if d := place(t, s, ledger.Request{ID: w.ID, Workload: w}); d.Node != "n70" {
		t.Errorf("%q: %s", d.Node, d.Reason)
	}
}

// meanwhile is a filter that lets something happen once, while a request is looked at.
type meanwhile struct{ happens func() }

func (*meanwhile) Name() string { return "meanwhile" }

func (f *meanwhile) Prepare(*placement.Query) []placement.Rule {
	if happens := f.happens; happens != nil {
		f.happens = nil
		happens()
	}
	return nil
}

// A queue is asked again where a request is decided on a later state than it was
// admitted on.
func TestLaterStateAsksTheQueueAgain(t *testing.T) {
	queues, err := allocator.NewTree([]allocator.Queue{{Name: "full", Limit: resource.Of(1, 1<<40)}, {Name: "other"}})
	if err != nil {
		t.Fatal(err)
	}
	f := new(meanwhile)
	s := ledgertest.Open(t, func(o *ledger.Options) { o.Settings.Queues, o.Filters = queues, append(o.Filters, f) })
	ledgertest.AddNodes(t, s, 17*placement.BlockSize, 8, 16)
	place := func(id, queue string, memoryGiB float64) ledger.Decision {
		w := ledgertest.Work(id, 1, memoryGiB)
		w.Queue = queue
		d, err := s.Place(t.Context(), ledger.Request{ID: id, Workload: w})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	f.happens = func() {
		place("takes all of the queue", "full", 1)
		place("has nodes looked at after that", "other", 2)
	}
	if d := place("admitted before", "full", 3); d.Node != "" || len(d.Denial) == 0 {
		t.Errorf("over the limit of its queue: on %s, %s", d.Node, d.Reason)
	}
}

// Bounds hold once it is of use that a large job finds no place, whatever was known before.
func TestBoundsMeetRefusals(t *testing.T) {
	s := ledgertest.Open(t, nil)
	for i := range 70 {
		n := fleet.Node{Name: fmt.Sprintf("n%03d", i), Capacity: resource.Of(8, 32*gib).With(resource.GPU, 2)}
		for range 2 {
			n.Devices = append(n.Devices, fleet.Device{Model: "a100", MemoryBytes: 16 * gib})
		}
		if err := s.RegisterNode(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	var mix packing.Mix
	mix.Add(packing.Task{Class: packing.Class{Cores: 4, Devices: 2, Share: packing.Whole}, NeedCores: 4, NeedMemory: 4 * gib})
	p := packing.Problem{Targets: mix.Targets(), Leaving: 1}
	for round := range 3 {
		w, err := p.Solve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if w.Parts() != (round == 1) {
			t.Fatalf("round %d: places for large jobs count against a node: %v", round, w.Parts())
		}
		s.AdoptWorth(w)
		if _, err := compareScans(s, ledgertest.Work("plain", 5, 1), 1); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
		p.Refused = packing.Refused{}
		if round == 0 {
			for range 10 {
				p.Refused.Add(packing.Class{Devices: 1, Share: packing.Whole})
			}
		}
	}
}
