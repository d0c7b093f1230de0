package placement_test

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/filter"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/ledger/ledgertest"
	"github.com/auspex-project/auspex/placement/score"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// machine is a service beside a dumb one that has been told the same.
type machine struct {
	dumb
	service *ledger.Service
	metrics *prometheus.Registry // of service
	told    *told
	journal *ledgertest.Journal
	holds   map[string]*dumbNode // by workload
	shapes  []*workload.Workload // which come again
	count   int
}

func newMachine(t *rapid.T) *machine {
	m := &machine{holds: map[string]*dumbNode{}, journal: new(ledgertest.Journal)}
	m.forecasts = map[string]*forecast.Forecast{}
	m.margins = drawMargins(t)
	m.told = &told{forecasts: m.forecasts, margins: m.margins}
	m.settings = drawSettings(t)
	m.open(t)
	nodes := rapid.IntRange(1, 8).Draw(t, "nodes")
	if rapid.IntRange(0, 9).Draw(t, "more than a block") == 9 {
		nodes = placement.BlockSize + 6
	}
	for range nodes {
		m.register(t)
	}
	return m
}

func (m *machine) open(t *rapid.T) {
	m.metrics = prometheus.NewRegistry()
	s, err := ledger.Open(context.Background(), ledger.Options{
		Settings: m.settings, Filters: filter.All(), Scorers: score.All(), Forecaster: m.told, Journal: m.journal, Metrics: m.metrics,
	})
	if err != nil {
		t.Fatal(err)
	}
	m.service = s
}

func (m *machine) register(t *rapid.T) {
	m.count++
	n := drawNode(t, fmt.Sprintf("n%03d", m.count))
	if err := m.service.RegisterNode(context.Background(), n); err != nil {
		t.Fatal(err)
	}
	m.nodes = append(m.nodes, &dumbNode{Node: n})
}

// place puts a workload to both and holds the answers beside each other.
func (m *machine) place(t *rapid.T) {
	w := m.workload(t)
	// With so many alternatives nothing can be pruned.
	all, err := m.service.Place(context.Background(), ledger.Request{ID: w.ID, Workload: w, Alternatives: 100, DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	d, err := m.service.Place(context.Background(), ledger.Request{ID: w.ID, Workload: w, Alternatives: 5})
	if err != nil {
		t.Fatal(err)
	}
	if pruned, whole := ranking(d), ranking(all); !slices.Equal(pruned, whole[:len(pruned)]) {
		t.Fatalf("%s: %v, without pruning %v", w.ID, pruned, whole)
	}
	now := d.Decided
	feasible, highest := m.best(w, now)
	turnedAway := 0
	for _, r := range d.Rejections {
		turnedAway += r.Nodes
	}
	if d.Considered != len(m.nodes) || d.Feasible != len(feasible) || turnedAway != len(m.nodes)-len(feasible) {
		t.Fatalf("%s: of %d nodes %d are feasible and %d turned away, not %v of %d: %s", w.ID, d.Considered, d.Feasible, turnedAway, feasible, len(m.nodes), d.Reason)
	}
	if len(feasible) == 0 {
		if d.Node != "" || d.Phase != ledger.Denied {
			t.Fatalf("%s: placed on %s, which does not fit", w.ID, d.Node)
		}
		return
	}
	if !slices.Contains(feasible, d.Node) {
		t.Fatalf("%s: placed on %q, not one of %v", w.ID, d.Node, feasible)
	}
	n := m.nodes[slices.IndexFunc(m.nodes, func(n *dumbNode) bool { return n.Name == d.Node })]
	const rounding = .01 // points
	if s := m.score(n, w, now); math.Abs(s-d.Score) > rounding || s < highest-rounding {
		t.Fatalf("%s: %s has %.4f points (said %.4f), the best %.4f", w.ID, d.Node, s, d.Score, highest)
	}
	if len(d.Alternatives) != min(5, len(feasible)-1) {
		t.Fatalf("%s: %d alternatives of %d feasible nodes", w.ID, len(d.Alternatives), len(feasible))
	}
	last := d.Score
	for _, a := range d.Alternatives {
		other := m.nodes[slices.IndexFunc(m.nodes, func(n *dumbNode) bool { return n.Name == a.Node })]
		if s := m.score(other, w, now); a.Score > last+1e-4 || math.Abs(s-a.Score) > rounding || a.Node == d.Node {
			t.Fatalf("%s: alternative %s has %.4f points (said %.4f, after %.4f)", w.ID, a.Node, s, a.Score, last)
		}
		last = a.Score
	}
	if want := m.devices(n, w); !slices.Equal(d.Devices, want) {
		t.Fatalf("%s: devices %v, not %v", w.ID, d.Devices, want)
	}
	n.placed = append(n.placed, &dumbPlaced{w, d.Devices})
	m.holds[w.ID] = n
}

// workload draws a new workload or one more of a shape there was before.
func (m *machine) workload(t *rapid.T) *workload.Workload {
	m.count++
	id := fmt.Sprintf("w%03d", m.count)
	if len(m.shapes) > 0 && rapid.Bool().Draw(t, "again") {
		first := rapid.SampledFrom(m.shapes).Draw(t, "shape")
		w := *first
		w.ID = id
		if f := m.forecasts[first.ID]; f != nil {
			c := *f
			c.Workload = id
			m.forecasts[id] = &c
		}
		return &w
	}
	w := drawWorkload(t, id)
	if f := drawForecast(t, w); f != nil {
		m.forecasts[id] = f
	}
	if len(m.shapes) < 4 {
		m.shapes = append(m.shapes, w)
	}
	return w
}

// compareShapes holds what is known of every shape against a scan.
func (m *machine) compareShapes(t *rapid.T) {
	if err := checkGroups(m.service); err != nil {
		t.Fatal(err)
	}
	for _, w := range m.shapes {
		if _, err := compareShape(m.service, w, 3); err != nil {
			t.Fatalf("what is known of %s says %v", w.ID, err)
		}
		if err := comparePreemption(m.service, w); err != nil {
			t.Fatalf("what would make room for %s: %v", w.ID, err)
		}
		for most := 1; most <= 3; most++ {
			if _, err := compareScans(m.service, w, most); err != nil {
				t.Fatalf("a scan for %s: %v", w.ID, err)
			}
		}
	}
}

// ranking lists the nodes of a decision with their points, best first.
func ranking(d ledger.Decision) []string {
	list := []string{fmt.Sprint(d.Node, d.Score)}
	for _, a := range d.Alternatives {
		list = append(list, fmt.Sprint(a.Node, a.Score))
	}
	return list
}

func (m *machine) release(t *rapid.T) {
	if len(m.holds) == 0 {
		t.Skip("nothing is placed; run on with another action")
	}
	var ids []string
	for id := range m.holds {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	id := rapid.SampledFrom(ids).Draw(t, "released")
	if ok, err := m.service.ReleaseWorkload(context.Background(), id); !ok || err != nil {
		t.Fatal(ok, err)
	}
	n := m.holds[id]
	n.placed = slices.DeleteFunc(n.placed, func(p *dumbPlaced) bool { return p.ID == id })
	delete(m.holds, id)
}

func (m *machine) drain(t *rapid.T) {
	n := rapid.SampledFrom(m.nodes).Draw(t, "node")
	n.draining = !n.draining
	held, err := m.service.Drain(context.Background(), n.Name, !n.draining)
	if err != nil || held != len(n.placed) {
		t.Fatal(held, err)
	}
}

func (m *machine) remove(t *rapid.T) {
	if len(m.nodes) < 2 {
		t.Skip("the last node stays; run on with another action")
	}
	i := rapid.IntRange(0, len(m.nodes)-1).Draw(t, "node")
	if err := m.service.RemoveNode(context.Background(), m.nodes[i].Name, true); err != nil {
		t.Fatal(err)
	}
	for _, p := range m.nodes[i].placed {
		delete(m.holds, p.ID)
	}
	m.nodes = slices.Delete(m.nodes, i, i+1)
}

func (m *machine) reload(t *rapid.T) {
	m.settings = drawSettings(t)
	if err := m.service.Reload(m.settings); err != nil {
		t.Fatal(err)
	}
}

// restart opens the service again on the same journal: it must be the same.
func (m *machine) restart(t *rapid.T) {
	before := m.service.Nodes("", 0)
	sharesBefore, _ := m.service.Shares()
	m.open(t)
	after := m.service.Nodes("", 0)
	sharesAfter, _ := m.service.Shares()
	for i := range after {
		after[i].LastHeartbeat = before[i].LastHeartbeat
	}
	if !reflect.DeepEqual(before, after) {
		t.Fatalf("nodes before the restart\n%+v\nafter\n%+v", before, after)
	}
	for i := range sharesBefore {
		if !near(sharesBefore[i].Used, sharesAfter[i].Used) {
			t.Fatalf("queue %s held %v, after the restart %v", sharesBefore[i].Queue.Name, sharesBefore[i].Used, sharesAfter[i].Used)
		}
	}
}

func near(a, b resource.Vector) bool {
	for r, x := range a.Add(b).All() {
		if math.Abs(a.Get(r)-b.Get(r)) > 1e-9*x {
			return false
		}
	}
	return true
}

// The fast engine and the dumb one agree on what fits, on every score and on the
// best node, through placements, releases, drains, reloads and restarts, and what
// is known of shapes agrees with the scan throughout.
func TestAgreesWithDumb(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t)
		t.Repeat(map[string]func(*rapid.T){
			"place": m.place, "place more": m.place, "place still more": m.place,
			"release": m.release, "drain": m.drain, "register": m.register, "remove": m.remove,
			"reload": m.reload, "restart": m.restart, "": m.compareShapes,
		})
	})
}

// Releasing what was placed leaves the fleet bit by bit as if it had never been
// there.
func TestReleaseRestores(t *testing.T) {
	rapid.Check(t, releaseRestores)
}

func releaseRestores(t *rapid.T) {
	m := newMachine(t)
	for range rapid.IntRange(0, 20).Draw(t, "before") {
		m.place(t)
	}
	before := m.service.Nodes("", 0)
	held := len(m.holds)
	for range rapid.IntRange(1, 10).Draw(t, "then") {
		m.place(t)
	}
	var late []string
	for id := range m.holds {
		if !slices.ContainsFunc(before, func(n ledger.NodeStatus) bool { return slices.Contains(n.Workloads, id) }) {
			late = append(late, id)
		}
	}
	slices.Sort(late)
	for _, id := range rapid.Permutation(late).Draw(t, "order") {
		if ok, err := m.service.ReleaseWorkload(context.Background(), id); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	if after := m.service.Nodes("", 0); !reflect.DeepEqual(before, after) {
		t.Fatalf("with %d placed\n%+v\nbecame\n%+v", held, before, after)
	}
}
