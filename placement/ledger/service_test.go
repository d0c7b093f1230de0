package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/ledger/ledgertest"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

const gib = 1 << 30

func TestBadInputIsNamed(t *testing.T) {
	s := ledgertest.Open(t, nil)
	ledgertest.AddNodes(t, s, 1, 4, 16)
	tests := []struct {
		name    string
		request ledger.Request
		want    string
	}{
		{"no id", ledger.Request{Workload: ledgertest.Work("a", 1, 1)}, "id is empty"},
		{"no workload", ledger.Request{ID: "a"}, "no workload"},
		{"nameless workload", ledger.Request{ID: "a", Workload: ledgertest.Work("", 1, 1)}, "id is empty"},
		{"NaN", ledger.Request{ID: "a", Workload: ledgertest.Work("a", math.NaN(), 1)}, "cpu is NaN"},
		{"negative", ledger.Request{ID: "a", Workload: ledgertest.Work("a", -1, 1)}, "negative"},
		{"unknown class", ledger.Request{ID: "a", Workload: &workload.Workload{ID: "a", Class: "web", Requests: resource.Of(1, 1)}}, `class "web" is not configured`},
		{"no class", ledger.Request{ID: "a", Workload: &workload.Workload{ID: "a", Requests: resource.Of(1, 1)}}, "class is empty"},
		{"many alternatives", ledger.Request{ID: "a", Workload: ledgertest.Work("a", 1, 1), Alternatives: 101}, "101 alternatives"},
		{"negative time", ledger.Request{ID: "a", Workload: ledgertest.Work("a", 1, 1), ReserveFor: -1}, "negative"},
		{"devices twice", ledger.Request{ID: "a", Workload: &workload.Workload{
			ID: "a", Class: workload.Service, Requests: resource.Vector{}.With(resource.GPU, 2), Accelerator: workload.Accelerator{Devices: 1},
		}}, "contradicts"},
		{"share of nothing", ledger.Request{ID: "a", Workload: &workload.Workload{
			ID: "a", Class: workload.Service, Accelerator: workload.Accelerator{Share: .5},
		}}, "without devices"},
	}
	for _, test := range tests {
		_, err := s.Place(t.Context(), test.request)
		if !errors.Is(err, ledger.ErrInvalid) || !strings.Contains(fmt.Sprint(err), test.want) {
			t.Errorf("%s: error %v, want ErrInvalid with %q", test.name, err, test.want)
		}
	}
	if n, err := s.Node("n00"); err != nil || len(n.Workloads) > 0 {
		t.Errorf("after bad input: %v %v", n.Workloads, err)
	}
	if err := s.RegisterNode(t.Context(), fleet.Node{Name: "x"}); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("node without capacity: %v", err)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	tests := []struct {
		name     string
		settings placement.Settings
		want     string
	}{
		{"unknown scorer", placement.Settings{Weights: placement.Weights{Default: map[string]float64{"fti": 1}}}, `no scorer is named "fti"`},
		{"negative weight", placement.Settings{Weights: placement.Weights{Default: map[string]float64{"fit": -1}}}, "weight of fit is -1"},
		{"unknown class", placement.Settings{Weights: placement.Weights{Classes: map[workload.Class]map[string]float64{"web": nil}}}, `no class is named "web"`},
		{"class weight", placement.Settings{Weights: placement.Weights{Classes: map[workload.Class]map[string]float64{"batch": {"fit": math.NaN()}}}}, "weights of class batch"},
		{"cap", placement.Settings{RackCaps: map[string]float64{"r": -5}}, "power cap of rack r is -5"},
		{"class twice", placement.Settings{Classes: append(workload.DefaultClasses(), workload.DefaultClasses()[0])}, "given twice"},
		{"risk", placement.Settings{PowerRisk: 2}, "power risk 2"},
		{"cold start", placement.Settings{ColdStart: "hot"}, `cold start "hot"`},
		{"time", placement.Settings{ReservationTTL: -1}, "reservation time"},
		{"kept", placement.Settings{KeepDecisions: -1}, "decisions kept"},
	}
	s := ledgertest.Open(t, nil)
	for _, test := range tests {
		if err := s.Reload(test.settings); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
	if err := s.Reload(placement.Settings{}); err != nil {
		t.Errorf("the zero settings: %v", err)
	}
}

// A thousand requests at once, before any metric shows the first: none is lost
// and no node ends up above its ceiling.
func TestHerd(t *testing.T) {
	registry := prometheus.NewRegistry()
	s := ledgertest.Open(t, func(o *ledger.Options) { o.Metrics = registry })
	ledgertest.AddNodes(t, s, 20, 16, 64)
	var wg sync.WaitGroup
	var mu sync.Mutex
	placed := map[string]int{}
	for g := range 8 {
		wg.Go(func() {
			for i := range 125 {
				w := ledgertest.Work(fmt.Sprintf("w-%d-%d", g, i), .5, 1)
				d, err := s.Place(context.Background(), ledger.Request{ID: w.ID, Workload: w})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				placed[d.Node]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if full := 20 * 16 * 2; len(placed) != 21 || placed[""] != 1000-full {
		t.Errorf("%d nodes used, %d refused, want all of 20 and %d", len(placed)-1, placed[""], 1000-full)
	}
	for _, n := range s.Nodes("", 0) {
		if p := n.PredictedPeak.Get(resource.CPU); p != 16 || len(n.Workloads) != 32 {
			t.Errorf("%s: predicted peak of %g cores from %d workloads, want 16 from 32", n.Node.Name, p, len(n.Workloads))
		}
	}
	families, err := registry.Gather()
	if err != nil || len(families) < 6 {
		t.Errorf("%d metrics: %v", len(families), err)
	}
}

// The same request from many callers at once is decided once.
func TestRepeatedRequest(t *testing.T) {
	s := ledgertest.Open(t, nil)
	ledgertest.AddNodes(t, s, 4, 16, 64)
	var wg sync.WaitGroup
	ids := make([]string, 16)
	for i := range ids {
		wg.Go(func() {
			d, err := s.Place(context.Background(), ledger.Request{ID: "r", Workload: ledgertest.Work("a", 1, 1)})
			if err != nil {
				t.Error(err)
			}
			ids[i] = d.ID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Fatalf("decisions %v", ids)
		}
	}
	if _, err := s.Place(t.Context(), ledger.Request{ID: "r", Workload: ledgertest.Work("b", 1, 1)}); !errors.Is(err, ledger.ErrRequestReused) {
		t.Errorf("another workload under the id: %v", err)
	}
	if _, err := s.Place(t.Context(), ledger.Request{ID: "r2", Workload: ledgertest.Work("a", 1, 1)}); !errors.Is(err, ledger.ErrAlreadyPlaced) {
		t.Errorf("the workload under another id: %v", err)
	}
	if d, err := s.Place(t.Context(), ledger.Request{ID: "r", Workload: ledgertest.Work("c", 1, 1), DryRun: true}); err != nil || d.Phase != ledger.DryRun {
		t.Errorf("a dry run under the id: %v %v", d.Phase, err)
	}
}

// The same fleet and the same request give the same node, in whatever order the
// nodes joined; another seed shuffles equals.
func TestDeterministic(t *testing.T) {
	choose := func(seed uint64, order []int) string {
		s := ledgertest.Open(t, func(o *ledger.Options) { o.Settings.Seed = seed })
		for _, i := range order {
			if err := s.RegisterNode(t.Context(), fleet.Node{Name: fmt.Sprintf("n%02d", i), Capacity: resource.Of(4, 16*gib)}); err != nil {
				t.Fatal(err)
			}
		}
		d, err := s.Place(t.Context(), ledger.Request{ID: "r", Workload: ledgertest.Work("a", 1, 1)})
		if err != nil {
			t.Fatal(err)
		}
		return d.Node
	}
	seen := map[string]bool{}
	for seed := range uint64(20) {
		a, b := choose(seed, []int{0, 1, 2, 3, 4, 5}), choose(seed, []int{5, 3, 1, 0, 2, 4})
		if a != b {
			t.Errorf("seed %d: %s, or %s when the nodes joined in another order", seed, a, b)
		}
		seen[a] = true
	}
	if len(seen) < 3 {
		t.Errorf("20 seeds chose only %v among 6 equals", seen)
	}
}

// What cannot be made durable is not reserved; what was done without the journal
// is written as soon as it works again.
func TestBrokenJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := new(ledgertest.Journal)
		s := ledgertest.Open(t, func(o *ledger.Options) { o.Journal = j })
		ledgertest.AddNodes(t, s, 1, 4, 16)
		kept, err := s.Place(t.Context(), ledger.Request{ID: "kept", Workload: ledgertest.Work("kept", 1, 1), ReserveFor: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()

		j.SetBroken(true)
		if _, err := s.Place(t.Context(), ledger.Request{ID: "lost", Workload: ledgertest.Work("lost", 1, 1)}); !errors.Is(err, ledgertest.ErrDisk) || !errors.Is(err, ledger.ErrJournal) {
			t.Errorf("place without a journal: %v", err)
		}
		if n, _ := s.Node("n00"); len(n.Workloads) != 1 {
			t.Errorf("after the failed append the node holds %v", n.Workloads)
		}
		if _, _, err := s.Confirm(t.Context(), kept.ID); !errors.Is(err, ledgertest.ErrDisk) {
			t.Errorf("confirm without a journal: %v", err)
		}
		j.SetBroken(false)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if j.Compacted() == 0 {
			t.Fatal("the journal was not brought up to date")
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}

		again := ledgertest.Open(t, func(o *ledger.Options) { o.Journal = j })
		if e, err := again.Explain(kept.ID, ""); err != nil || e.Phase != ledger.Confirmed {
			t.Errorf("after a restart: %v %v", e.Phase, err)
		}
		if d, err := again.Place(t.Context(), ledger.Request{ID: "lost", Workload: ledgertest.Work("lost", 1, 1)}); err != nil || d.Node != "n00" {
			t.Errorf("the retry: %q %v", d.Node, err)
		}
	})
}

func TestDecisionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ledgertest.Open(t, func(o *ledger.Options) { o.Settings.KeepDecisions, o.Settings.KeepFor = 10, time.Hour })
		ledgertest.AddNodes(t, s, 1, 100, 400)
		var ids []string
		for i := range 15 {
			d, err := s.Place(t.Context(), ledger.Request{ID: fmt.Sprint(i), Workload: ledgertest.Work(fmt.Sprint(i), 1, 1), ReserveFor: 24 * time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, d.ID)
		}
		known := func() (n int) {
			for _, id := range ids {
				if _, err := s.Explain(id, ""); err == nil {
					n++
				} else if !errors.Is(err, ledger.ErrUnknownDecision) {
					t.Error(err)
				}
			}
			return n
		}
		if n := known(); n != 10 {
			t.Errorf("%d decisions kept, want 10", n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		time.Sleep(time.Hour + 2*time.Second)
		synctest.Wait()
		if n := known(); n != 0 {
			t.Errorf("%d decisions kept after an hour", n)
		}
		// What is no longer explained is still held, and can be released.
		if ok, err := s.Release(t.Context(), ids[0]); !ok || err != nil {
			t.Error(ok, err)
		}
		cancel()
		<-ended
	})
}

// swapping is a Forecaster whose forecasts can be exchanged.
type swapping struct {
	mu    sync.Mutex
	cores float32
	grid  forecast.Grid
}

func (s *swapping) set(cores float32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cores = cores
}

func (s *swapping) Forecast(w *workload.Workload, now time.Time) (*forecast.Forecast, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := forecast.Flat(w.ID, now, s.grid, forecast.Learned, resource.Vector{}.With(resource.CPU, float64(s.cores)))
	return &f, true
}

func (s *swapping) Margins() forecast.Margins { return forecast.Margins{} }

// New forecasts change what is predicted for what is already placed.
func TestForecastsAreTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &swapping{cores: 1, grid: forecast.DefaultGrid()}
		s := ledgertest.Open(t, func(o *ledger.Options) { o.Forecaster = source })
		ledgertest.AddNodes(t, s, 1, 8, 64)
		for i := range 4 {
			if d, err := s.Place(t.Context(), ledger.Request{ID: fmt.Sprint(i), Workload: ledgertest.Work(fmt.Sprint(i), 4, 1), ReserveFor: time.Hour}); err != nil || d.Node == "" {
				t.Fatal(d.Reason, err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		peak := func() float64 {
			n, err := s.Node("n00")
			if err != nil {
				t.Fatal(err)
			}
			return n.PredictedPeak.Get(resource.CPU)
		}
		if p := peak(); p != 4 {
			t.Errorf("predicted peak %g cores, want 4", p)
		}
		source.set(1.75)
		time.Sleep(16 * time.Second)
		synctest.Wait()
		if p := peak(); p != 7 {
			t.Errorf("with the new forecasts %g cores, want 7", p)
		}
		f, err := s.NodeForecast("n00", .01)
		if cpu, ok := f.Demand(resource.CPU); err != nil || !ok || cpu.Peak != 7 || cpu.Limit != 8 || f.Basis != forecast.Learned {
			t.Errorf("forecast of the node: %+v %v", f, err)
		}
		if d, err := s.Place(t.Context(), ledger.Request{ID: "more", Workload: ledgertest.Work("more", 4, 1)}); err != nil || d.Node != "" {
			t.Errorf("one more is placed on %q: %v", d.Node, err)
		}
		cancel()
		<-ended
	})
}

// A forecast that cannot be added up counts as unknown.
func TestUnusableForecast(t *testing.T) {
	other := &swapping{cores: 1, grid: forecast.Grid{Slot: 30 * time.Minute, Slots: 48}}
	s := ledgertest.Open(t, func(o *ledger.Options) { o.Forecaster = other })
	ledgertest.AddNodes(t, s, 1, 4, 16)
	d, err := s.Place(t.Context(), ledger.Request{ID: "a", Workload: ledgertest.Work("a", 3, 1)})
	if err != nil || d.Forecast != nil {
		t.Fatalf("forecast %v, error %v", d.Forecast, err)
	}
	if n, _ := s.Node("n00"); n.PredictedPeak.Get(resource.CPU) != 3 {
		t.Errorf("predicted %v, want the limit", n.PredictedPeak)
	}
}

func TestCancelled(t *testing.T) {
	s := ledgertest.Open(t, nil)
	ledgertest.AddNodes(t, s, 1, 4, 16)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Place(ctx, ledger.Request{ID: "a", Workload: ledgertest.Work("a", 1, 1)}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	// The next attempt is a new one.
	if d, err := s.Place(t.Context(), ledger.Request{ID: "a", Workload: ledgertest.Work("a", 1, 1)}); err != nil || d.Node == "" {
		t.Error(d.Reason, err)
	}
}

func TestNodesArePaged(t *testing.T) {
	s := ledgertest.Open(t, nil)
	ledgertest.AddNodes(t, s, 7, 4, 16)
	var names []string
	for after := ""; ; {
		page := s.Nodes(after, 3)
		if len(page) == 0 {
			break
		}
		for _, n := range page {
			names = append(names, n.Node.Name)
		}
		after = names[len(names)-1]
	}
	if got := strings.Join(names, " "); got != "n00 n01 n02 n03 n04 n05 n06" {
		t.Error(got)
	}
	if got := len(s.Nodes("n03x", 0)); got != 3 {
		t.Errorf("%d nodes after n03x, want 3", got)
	}
}

// A node described anew keeps what it runs.
func TestDescribedAnew(t *testing.T) {
	s := ledgertest.Open(t, nil)
	n := fleet.Node{Name: "n", Capacity: resource.Of(4, 16*gib).With(resource.GPU, 2), Rack: "r1"}
	n.Devices = []fleet.Device{{Model: "t4"}, {Model: "t4"}}
	register := func() error { return s.RegisterNode(t.Context(), n) }
	if err := register(); err != nil {
		t.Fatal(err)
	}
	w := ledgertest.Work("a", 1, 1)
	w.Accelerator.Devices = 2
	d, err := s.Place(t.Context(), ledger.Request{ID: "a", Workload: w})
	if err != nil || len(d.Devices) != 2 {
		t.Fatal(d.Reason, err)
	}
	n.Devices = n.Devices[:1]
	n.Capacity = n.Capacity.With(resource.GPU, 1)
	if err := register(); !errors.Is(err, ledger.ErrNodeInUse) {
		t.Errorf("without a device in use: %v", err)
	}
	n.Devices = append(n.Devices, fleet.Device{Model: "t4"}, fleet.Device{Model: "t4"})
	n.Capacity = resource.Of(2, 8*gib).With(resource.GPU, 3).With("antenna", 1)
	n.Rack = "r2"
	if err := register(); err != nil {
		t.Fatal(err)
	}
	status, err := s.Node("n")
	if err != nil || len(status.Workloads) != 1 || fmt.Sprint(status.DeviceFree) != "[0 0 1]" || status.PredictedPeak.Get(resource.CPU) != 1 {
		t.Errorf("%+v %v", status, err)
	}
	if d, err := s.Place(t.Context(), ledger.Request{ID: "b", Workload: ledgertest.Work("b", 2, 1)}); err != nil || d.Node != "" {
		t.Errorf("more than the smaller node holds is placed on %q: %v", d.Node, err)
	}
	b := ledgertest.Work("b", 1, 1)
	b.Requests = b.Requests.With("antenna", 1)
	if d, err := s.Place(t.Context(), ledger.Request{ID: "b2", Workload: b}); err != nil || d.Node != "n" {
		t.Error(d.Reason, err)
	}
	if ok, err := s.ReleaseWorkload(t.Context(), "a"); !ok || err != nil {
		t.Error(ok, err)
	}
}

func TestForcedRemovalIsLogged(t *testing.T) {
	var lines bytes.Buffer
	s := ledgertest.Open(t, func(o *ledger.Options) { o.Log = slog.New(slog.NewTextHandler(&lines, nil)) })
	ledgertest.AddNodes(t, s, 2, 4, 16)
	for _, id := range []string{"a", "b", "c", "d", "e"} { // more than either node holds
		if _, err := s.Place(t.Context(), ledger.Request{ID: id, Workload: ledgertest.Work(id, 1, 1)}); err != nil {
			t.Fatal(err)
		}
	}
	n, err := s.Node("n00")
	if err != nil || len(n.Workloads) == 0 {
		t.Fatalf("n00 holds %v, %v", n.Workloads, err)
	}
	if err := s.RemoveNode(t.Context(), "n00", true); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("level=WARN msg=\"node removed by force, its workloads are released\" node=n00 workloads=%d\n", len(n.Workloads)); !strings.HasSuffix(lines.String(), want) {
		t.Errorf("log %q, want %q", lines.String(), want)
	}
}
