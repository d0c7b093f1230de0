package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/ledger/ledgertest"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

func gangOf(n int, cores, memoryGiB float64) []*workload.Workload {
	members := make([]*workload.Workload, n)
	for i := range members {
		members[i] = ledgertest.Work(fmt.Sprintf("rank-%d", i), cores, memoryGiB)
	}
	return members
}

func placeGang(t *testing.T, s *ledger.Service, r ledger.GangRequest) ledger.GangDecision {
	t.Helper()
	g, err := s.PlaceGang(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Where places are taken by those who could go elsewhere, the order is mended.
func TestGangMendsItsOrder(t *testing.T) {
	s := ledgertest.Open(t, nil)
	for name, cores := range map[string]float64{"small": 4, "large": 8} {
		n := fleet.Node{Name: name, Capacity: resource.Of(cores, 64*gib), Zone: name}
		if err := s.RegisterNode(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	members := append(gangOf(2, 3, 1), ledgertest.Work("big", 5, 1)) // 3+5 on the large, 3 on the small
	for _, order := range [][]int{{0, 1, 2}, {2, 0, 1}, {0, 2, 1}} {
		var r ledger.GangRequest
		for _, i := range order {
			r.Members = append(r.Members, members[i])
		}
		r.ID = fmt.Sprint(order)
		g := placeGang(t, s, r)
		if g.Phase != ledger.Reserved || g.Blocking != -1 {
			t.Fatalf("%v: %s: %s", order, g.Phase, g.Reason)
		}
		if released, err := s.Release(t.Context(), g.ID); !released || err != nil {
			t.Fatal(released, err)
		}
	}
}

// A refusal names the member without a place and why, and reserves nothing.
func TestGangRefused(t *testing.T) {
	s := ledgertest.Open(t, nil)
	ledgertest.AddNodes(t, s, 3, 4, 16)
	g := placeGang(t, s, ledger.GangRequest{ID: "g", Members: gangOf(4, 3, 1)})
	if g.Phase != ledger.Denied || g.Blocking < 0 {
		t.Fatalf("%s, blocking %d: %s", g.Phase, g.Blocking, g.Reason)
	}
	ledgertest.WantNothingHeld(t, s, g)
	blocking := g.Members[g.Blocking]
	if !strings.Contains(g.Reason, "with 3 in place "+blocking.Workload.ID+" is left") || !strings.Contains(g.Reason, "predicted peak of cpu") {
		t.Errorf("reason %q", g.Reason)
	}
	if blocking.Feasible != 0 || len(blocking.Rejected()) == 0 {
		t.Errorf("the blocking member says %+v", blocking.Rejections)
	}
	again := placeGang(t, s, ledger.GangRequest{ID: "g", Members: gangOf(4, 3, 1)})
	if again.ID != g.ID {
		t.Errorf("the same request was decided twice: %s, %s", g.ID, again.ID)
	}
}

func TestGangTogether(t *testing.T) {
	s := ledgertest.Open(t, nil)
	for i := range 12 { // three racks in each of two zones, two nodes in each rack
		n := fleet.Node{
			Name: fmt.Sprintf("n%02d", i), Capacity: resource.Of(4, 16*gib),
			Provider: "p", Region: "r", Zone: fmt.Sprintf("z%d", i/6), Rack: fmt.Sprintf("k%d", i/2%3), // rack names come again in the other zone
		}
		if err := s.RegisterNode(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name     string
		members  int
		cores    float64
		together workload.Level
		orApart  bool
		want     string // the part, "" when refused
		apart    bool
		reason   string
	}{
		{"on one node", 4, 1, "node", false, "n", false, "4 members on 1 nodes, all in node n"},
		{"too many for one node", 5, 1, "node", false, "", false, "no place for all 5 in one node"},
		{"in one rack", 4, 2, "rack", false, "p/r/z", false, "all in rack p/r/z"},
		{"too many for one rack", 3, 3, "rack", false, "", false, "in one rack; in p/r/z"},
		{"too many for one rack, or apart", 3, 3, "rack", true, "", true, "3 members on 3 nodes"},
		{"in one zone", 6, 3, "zone", false, "p/r/z", false, "all in zone p/r/z"},
		{"too many for one zone", 7, 3, "zone", false, "", false, "in one zone; in p/r/z"},
		{"in one region", 12, 3, "region", false, "p/r", false, "all in region p/r"},
		{"at one provider", 2, 1, "provider", false, "p", false, "all in provider p"},
		{"larger than any node", 2, 5, "rack", false, "", false, "no rack has a node for each of them"},
	}
	for _, test := range tests {
		g := placeGang(t, s, ledger.GangRequest{
			ID: test.name, Members: gangOf(test.members, test.cores, 1), Together: test.together, OrApart: test.orApart,
		})
		if placed := g.Phase == ledger.Reserved; placed != (test.want != "" || test.apart) || !strings.Contains(g.Reason, test.reason) {
			t.Errorf("%s: %s: %s", test.name, g.Phase, g.Reason)
		}
		if test.want != "" && !strings.HasPrefix(g.Together, test.want) {
			t.Errorf("%s: together in %q, want %q...", test.name, g.Together, test.want)
		}
		parts := map[string]bool{}
		for _, d := range g.Members {
			n, err := s.Node(d.Node)
			if err == nil {
				part := map[workload.Level]string{"node": n.Node.Name, "rack": n.Node.Zone + n.Node.Rack, "zone": n.Node.Zone}
				parts[part[test.together]] = true
			}
		}
		if test.want != "" && len(parts) != 1 {
			t.Errorf("%s: spread over %v", test.name, parts)
		}
		if _, err := s.Release(t.Context(), g.ID); err != nil {
			t.Fatal(err)
		}
	}
}

// A gang is confirmed, released and expires by its own id, its members by theirs.
func TestGangPhases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ledgertest.Open(t, func(o *ledger.Options) { o.Settings.HeartbeatTimeout = -1 })
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		defer func() { stop(); <-done }()
		ledgertest.AddNodes(t, s, 4, 4, 16)

		g := placeGang(t, s, ledger.GangRequest{ID: "g", Members: gangOf(3, 1, 1), ReserveFor: 10 * time.Second})
		if _, _, err := s.Confirm(t.Context(), g.Members[1].ID); err != nil {
			t.Fatal(err)
		}
		wantMembers(t, s, g, ledger.Reserved, ledger.Confirmed, ledger.Reserved)
		if released, err := s.Release(t.Context(), g.Members[0].ID); !released || err != nil {
			t.Fatal(released, err)
		}
		wantMembers(t, s, g, ledger.Released, ledger.Confirmed, ledger.Reserved)
		time.Sleep(12 * time.Second) // those not confirmed expire
		wantMembers(t, s, g, ledger.Released, ledger.Confirmed, ledger.Expired)
		if released, err := s.Release(t.Context(), g.ID); !released || err != nil {
			t.Fatal(released, err)
		}
		wantMembers(t, s, g, ledger.Released, ledger.Released, ledger.Expired)
		if _, _, err := s.Confirm(t.Context(), g.ID); !errors.Is(err, ledger.ErrNotReserved) {
			t.Errorf("confirmed what was released: %v", err)
		}

		g = placeGang(t, s, ledger.GangRequest{ID: "g2", Members: gangOf(3, 1, 1)})
		if _, _, err := s.Confirm(t.Context(), g.ID); err != nil {
			t.Fatal(err)
		}
		if c := s.ConfirmBatch(t.Context(), []string{g.ID, "nobody"}); len(c[0].Confirmed) != 3 || !errors.Is(c[1].Err, ledger.ErrUnknownDecision) {
			t.Errorf("confirmed again: %+v", c)
		}
		wantMembers(t, s, g, ledger.Confirmed, ledger.Confirmed, ledger.Confirmed)
		if n, err := s.ReleaseBatch(t.Context(), []string{g.ID, g.ID}); err != nil || n[0] != 3 || n[1] != 0 {
			t.Errorf("released %v, %v", n, err)
		}
	})
}

func wantMembers(t *testing.T, s *ledger.Service, g ledger.GangDecision, want ...ledger.Phase) {
	t.Helper()
	e, err := s.Explain(g.ID, "")
	if err != nil || e.Gang == nil || !slices.Equal(e.Members, want) {
		t.Errorf("members are %v (%v), want %v", e.Members, err, want)
	}
	for i, d := range g.Members {
		e, err := s.Explain(d.ID, "")
		if err != nil || e.Phase != want[i] || e.Decision.Gang != g.ID {
			t.Errorf("member %d is %s of gang %q (%v), want %s", i, e.Phase, e.Decision.Gang, err, want[i])
		}
	}
}

// A restart finds gangs as they were, also for a request made again.
func TestGangSurvivesRestart(t *testing.T) {
	journal := new(ledgertest.Journal)
	with := func(o *ledger.Options) { o.Journal = journal }
	s := ledgertest.Open(t, with)
	ledgertest.AddNodes(t, s, 4, 4, 16)
	request := ledger.GangRequest{ID: "g", Members: gangOf(3, 1, 1)}
	g := placeGang(t, s, request)
	if _, err := s.Release(t.Context(), g.Members[1].ID); err != nil {
		t.Fatal(err)
	}
	s = ledgertest.Open(t, with)
	again := placeGang(t, s, request)
	if again.ID != g.ID || again.Members[0].Node != g.Members[0].Node || again.Members[1].Node != "" || again.Members[2].Node != g.Members[2].Node {
		t.Errorf("after the restart %+v", again)
	}
	other := request
	other.Members = append(gangOf(2, 1, 1), ledgertest.Work("rank-9", 1, 1))
	if _, err := s.PlaceGang(t.Context(), other); !errors.Is(err, ledger.ErrRequestReused) {
		t.Errorf("another gang under the id: %v", err)
	}
	if n, err := s.ReleaseBatch(t.Context(), []string{g.ID}); err != nil || n[0] != 2 {
		t.Errorf("released %v, %v", n, err)
	}
}

// What cannot be made durable is not reserved, not one member of it.
func TestGangBrokenJournal(t *testing.T) {
	journal := new(ledgertest.Journal)
	s := ledgertest.Open(t, func(o *ledger.Options) { o.Journal = journal })
	ledgertest.AddNodes(t, s, 4, 4, 16)
	before := s.Nodes("", 0)
	journal.SetBroken(true)
	request := ledger.GangRequest{ID: "g", Members: gangOf(3, 1, 1)}
	if _, err := s.PlaceGang(t.Context(), request); !errors.Is(err, ledger.ErrJournal) {
		t.Errorf("reserved without a journal: %v", err)
	}
	for i, n := range s.Nodes("", 0) {
		if len(n.Workloads) != 0 || n.PredictedPeak.Get(resource.CPU) != before[i].PredictedPeak.Get(resource.CPU) {
			t.Errorf("%s holds %v", n.Node.Name, n.Workloads)
		}
	}
	journal.SetBroken(false)
	if g := placeGang(t, s, request); g.Phase != ledger.Reserved {
		t.Errorf("later: %s", g.Reason)
	}
}

func TestGangBadInput(t *testing.T) {
	s := ledgertest.Open(t, nil)
	ledgertest.AddNodes(t, s, 2, 4, 16)
	broken := ledgertest.Work("x", 1, 1)
	broken.Class = "nonsense"
	for _, test := range []struct {
		name   string
		change func(*ledger.GangRequest)
		want   string
		member int // at fault, -1 when none is
	}{
		{"no id", func(r *ledger.GangRequest) { r.ID = "" }, "id is empty", -1},
		{"nobody", func(r *ledger.GangRequest) { r.Members = nil }, "0 members", -1},
		{"a hole", func(r *ledger.GangRequest) { r.Members[1] = nil }, "member 1 is missing", 1},
		{"twice", func(r *ledger.GangRequest) { r.Members[2] = r.Members[0] }, "rank-0 is a member twice", 2},
		{"class", func(r *ledger.GangRequest) { r.Members[1] = broken }, "nonsense", 1},
		{"invalid", func(r *ledger.GangRequest) { r.Members[1] = &workload.Workload{ID: "x"} }, "requests", 1},
		{"together", func(r *ledger.GangRequest) { r.Together = "room" }, `"room"`, -1},
		{"apart from nothing", func(r *ledger.GangRequest) { r.OrApart = true }, "or_apart", -1},
		{"reservation", func(r *ledger.GangRequest) { r.ReserveFor = -1 }, "negative", -1},
	} {
		r := ledger.GangRequest{ID: test.name, Members: gangOf(3, 1, 1)}
		test.change(&r)
		_, err := s.PlaceGang(t.Context(), r)
		if !errors.Is(err, ledger.ErrInvalid) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
		var at *ledger.MemberError
		if found := errors.As(err, &at); found != (test.member >= 0) || found && at.Member != test.member {
			t.Errorf("%s: %v blames %+v", test.name, err, at)
		}
	}
	if _, err := s.Place(t.Context(), ledger.Request{ID: "p", Workload: ledgertest.Work("rank-1", 1, 1)}); err != nil {
		t.Fatal(err)
	}
	_, err := s.PlaceGang(t.Context(), ledger.GangRequest{ID: "g", Members: gangOf(3, 1, 1)})
	if at := new(ledger.MemberError); !errors.Is(err, ledger.ErrAlreadyPlaced) || !errors.As(err, &at) || at.Member != 1 {
		t.Errorf("a member that is placed: %v", err)
	}
}

// The same fleet and request give the same nodes, whoever asks for what in between.
func TestGangDeterministic(t *testing.T) {
	nodes := func() (list []string) {
		s := ledgertest.Open(t, nil)
		ledgertest.AddNodes(t, s, 9, 4, 16)
		g := placeGang(t, s, ledger.GangRequest{ID: "g", Members: append(gangOf(5, 1, 2), ledgertest.Work("big", 3, 4)), DryRun: true})
		if g.Phase != ledger.DryRun {
			t.Fatal(g.Reason)
		}
		real := placeGang(t, s, ledger.GangRequest{ID: "g", Members: append(gangOf(5, 1, 2), ledgertest.Work("big", 3, 4))})
		for i := range real.Members {
			if real.Members[i].Node != g.Members[i].Node || real.Members[i].Score != g.Members[i].Score {
				t.Errorf("member %d on %s, tried on %s", i, real.Members[i].Node, g.Members[i].Node)
			}
			list = append(list, real.Members[i].Node)
		}
		return list
	}
	if a, b := nodes(), nodes(); !slices.Equal(a, b) {
		t.Errorf("%v, then %v", a, b)
	}
}

// Gangs, batches and single requests at once, before any metric shows the first:
// none ends up half placed, and no node above its ceiling.
func TestHerdOfGangsAndBatches(t *testing.T) {
	s := ledgertest.Open(t, nil)
	ledgertest.AddNodes(t, s, 20, 16, 64)
	var wg sync.WaitGroup
	var mu sync.Mutex
	cores := 0.0
	count := func(d ledger.Decision) {
		if d.Phase == ledger.Reserved {
			cores += d.Workload.Requests.Get(resource.CPU)
		}
	}
	for g := range 4 {
		wg.Go(func() {
			for i := range 12 {
				var r ledger.GangRequest
				r.ID = fmt.Sprintf("gang-%d-%d", g, i)
				for k := range 8 {
					r.Members = append(r.Members, ledgertest.Work(fmt.Sprintf("%s-%d", r.ID, k), 1, 1))
				}
				d, err := s.PlaceGang(context.Background(), r)
				if errors.Is(err, ledger.ErrConflict) {
					continue // worth a retry; none of it is placed
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for _, m := range d.Members {
					count(m)
				}
				mu.Unlock()
			}
		})
		wg.Go(func() {
			for i := range 10 {
				batch := make([]ledger.Request, 12)
				for k := range batch {
					w := ledgertest.Work(fmt.Sprintf("batch-%d-%d-%d", g, i, k), .5, 1)
					batch[k] = ledger.Request{ID: w.ID, Workload: w}
				}
				results := s.PlaceBatch(context.Background(), batch)
				mu.Lock()
				for _, r := range results {
					if r.Err != nil {
						t.Error(r.Err)
					}
					count(r.Decision)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	onNodes, members := 0.0, map[string]int{}
	for _, n := range s.Nodes("", 0) {
		p := n.PredictedPeak.Get(resource.CPU)
		if p > 16 {
			t.Errorf("%s: predicted peak of %g cores, it has 16", n.Node.Name, p)
		}
		onNodes += p
		for _, w := range n.Workloads {
			if strings.HasPrefix(w, "gang-") {
				members[w[:strings.LastIndex(w, "-")]]++
			}
		}
	}
	if onNodes != cores {
		t.Errorf("%g cores are held, %g were reserved", onNodes, cores)
	}
	for gang, n := range members {
		if n != 8 {
			t.Errorf("%s has %d of 8 members placed", gang, n)
		}
	}
	if len(members) < 10 || cores < 300 {
		t.Errorf("only %d gangs and %g cores placed", len(members), cores)
	}
}
