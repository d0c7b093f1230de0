package serving

import (
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

const (
	townNodes  = 60
	townWithin = 3 // workloads a node
)

// town is sixty nodes of three workloads that use one core each, or, together on
// a share of the nodes each day, as much as their limits of four.
type town struct {
	shelf
	table *Table
	log   strings.Builder
}

func (s *town) live(at time.Time, wild int) {
	for node := range townNodes {
		for w := range townWithin {
			use := 1.
			if node%10 < wild && at.Hour() == 12 {
				use = 4
			}
			s.samples = append(s.samples, timeseries.Sample{
				Key:  timeseries.Key{Workload: fmt.Sprint("n", node, "w", w), App: fmt.Sprint("app", node), Class: workload.Batch, Node: fmt.Sprint("node", node), Source: "test"},
				Time: at, Usage: resource.Vector{}.With(resource.CPU, use), Limit: resource.Vector{}.With(resource.CPU, 4),
			})
		}
	}
}

func (s *town) pass(t *testing.T, days, wild int) {
	t.Helper()
	for range days * 24 {
		<-time.After(time.Hour)
		s.live(time.Now().Add(-time.Minute), wild)
		if err := s.table.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNodesAreHeldAgainstWhatWasPromised(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &town{}
		for hour := 10 * 24; hour > 0; hour-- {
			s.live(time.Now().Add(-time.Duration(hour)*time.Hour), 0)
		}
		r := openRegistry(t)
		files, err := models.EncodeMargins(models.NodeMargins{Bands: []models.SumBand{{Band: forecast.Band{Resource: resource.CPU, MaxMembers: 12,
			Points: []forecast.Point{{Risk: .05, Q: .1}, {Risk: .02, Q: .1}, {Risk: .01, Q: .1}}}}}})
		if err != nil {
			t.Fatal(err)
		}
		m, err := r.Save(registry.Meta{Kind: registry.Margins, Rows: 1}, files)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Promote(registry.MarginsRole, m.ID, "for a test"); err != nil {
			t.Fatal(err)
		}
		open := func() {
			s.table = newTable(t, s, func(o *Options) {
				o.Registry, o.Every, o.Metrics, o.Log = r, time.Hour, prometheus.NewRegistry(), slog.New(slog.NewTextHandler(&s.log, nil))
			})
		}
		open()
		margin := func() float32 { return s.table.Margins().At(resource.CPU, townWithin, .01) }
		coverage := func() float64 {
			return testutil.ToFloat64(s.table.metrics.nodeCoverage.WithLabelValues("batch", "cpu", "12", "0.99"))
		}

		s.pass(t, 3, 0)
		if got := coverage(); got != 1 {
			t.Errorf("coverage of quiet nodes is %g", got)
		}
		if n := testutil.ToFloat64(s.table.metrics.nodesJudged.WithLabelValues("batch", "cpu", "12")); n != townNodes {
			t.Errorf("%g nodes and days were judged, want one day of %d", n, townNodes)
		}
		if margin() != .1 {
			t.Errorf("margin of quiet nodes is %g", margin())
		}
		open() // a restart loses nothing that is pending

		// Nodes that always used three cores suddenly use twelve, others day by day.
		for wild := 2; wild <= 9; wild++ {
			s.pass(t, 1, wild)
		}
		if got := coverage(); got > .95 {
			t.Errorf("coverage of wild nodes is %g", got)
		}
		if margin() <= .1 || testutil.ToFloat64(s.table.metrics.nodesRaised.WithLabelValues("cpu", "12")) != 1 {
			t.Errorf("the promise was broken, and the margin is %g", margin())
		}
		if n := strings.Count(s.log.String(), "margins are raised"); n != 1 {
			t.Errorf("it was said %d times:\n%s", n, s.log.String())
		}
		if err := s.table.Margins().Validate(); err != nil {
			t.Error(err)
		}

		// Two weeks later what was passed is forgotten.
		s.pass(t, 17, 0)
		if margin() != .1 || !strings.Contains(s.log.String(), "hold what is promised for them again") {
			t.Errorf("two quiet weeks later the margin is %g", margin())
		}
	})
}

// Usage that peaks apart does not add up to a peak together.
func TestNodesCameToTheSum(t *testing.T) {
	s := &shelf{}
	g := forecast.DefaultGrid()
	start := epoch
	for i := range 24 * 12 {
		at := start.Add(time.Duration(i) * 5 * time.Minute)
		for w, high := range []bool{i%12 == 3, i%12 == 7} {
			use := 1.
			if high {
				use = 3
			}
			s.add(fmt.Sprint("w", w), workload.Batch, at, use)
			s.add(fmt.Sprint("w", w), workload.Batch, at, use) // a source that repeats itself
		}
	}
	s.add("w0", workload.Batch, start.Add(-time.Minute), 4) // another span's
	s.add("w0", workload.Batch, start.Add(24*time.Hour), 4)
	for parts, want := range map[int]float32{12: 4, 1: 6} {
		for member, judged := range map[string]bool{"w1": true, "gone": false} {
			w := &nodeWatch{grid: g, kept: newNodesNote()}
			w.kept.Pending = []nodePledges{{Start: start, Of: []nodePledge{{Node: "n", Resource: resource.CPU, Members: []string{"w0", member}, Limits: []float32{4, 4}, PartsSlot: parts}}}}
			w.seat()
			for _, sample := range s.samples {
				for _, seat := range w.seats[sample.Key.Workload] {
					seat.note(&sample, g)
				}
				w.seat() // another day's promises: what was noted stays
			}
			if got, ok := w.kept.Pending[0].Of[0].came(g.Slots); ok != judged || ok && got != want {
				t.Errorf("in %d parts of an hour the node of w0 and %s came to %g (%v), want %g", parts, member, got, ok, want)
			}
		}
	}
}

// What no source should say and a store may yet hold does not stay in the record.
func TestNodesLeaveOutWhatIsNoAmount(t *testing.T) {
	w := &nodeWatch{grid: forecast.DefaultGrid(), kept: newNodesNote()}
	w.kept.Pending = []nodePledges{{Start: epoch, Of: []nodePledge{{Node: "n", Resource: resource.CPU, Members: []string{"w"}, Limits: []float32{4}, PartsSlot: 1}}}}
	w.seat()
	for hour := range 24 {
		for _, use := range []float64{1, math.NaN(), math.Inf(1), 1e37, -1} {
			w.seats["w"][0].note(&timeseries.Sample{Time: epoch.Add(time.Duration(hour) * time.Hour), Usage: resource.Vector{}.With(resource.CPU, use)}, w.grid)
		}
	}
	if came, ok := w.kept.Pending[0].Of[0].came(w.grid.Slots); !ok || came != 1 {
		t.Errorf("the node came to %g (%v), want 1", came, ok)
	}
}

// However large the fleet, so many members are watched at most, and all nodes in turn.
func TestNodesAreWatchedInTurn(t *testing.T) {
	const nodes, within = 3_000, 10
	g := forecast.DefaultGrid()
	now := epoch.Add(10 * 24 * time.Hour)
	p := &page{set: &models.Set{Grid: g}, entries: map[string]*entry{}, margins: forecast.Margins{Bands: []forecast.Band{{Resource: resource.CPU, MaxMembers: 12}}}}
	histories := map[string]*models.History{}
	for i := range nodes * within {
		key := timeseries.Key{Workload: fmt.Sprint("w", i), Node: fmt.Sprint("n", i/within)}
		h := models.NewHistory(forecast.Grid{Slot: 24 * time.Hour, Slots: 1}) // small
		h.Add(&timeseries.Sample{Key: key, Time: now, Usage: resource.Vector{}.With(resource.CPU, 1), Limit: resource.Vector{}.With(resource.CPU, 4)})
		histories[key.Workload] = h
		p.entries[key.Workload] = &entry{forecast: forecast.Forecast{Grid: g, Demands: []forecast.Demand{{Resource: resource.CPU, Profile: make([]float32, 24), Peak: 1, Limit: 4}}}}
	}
	w := &nodeWatch{grid: g, kept: newNodesNote()}
	seen := map[string]bool{}
	for day := range 2 {
		start := epoch.Add(time.Duration(11+day) * 24 * time.Hour)
		of := w.promises(p, histories, start, now)
		if len(of)*within > maxSeats || len(of)*within < maxSeats/2 {
			t.Errorf("%d members are watched, want at most %d", len(of)*within, maxSeats)
		}
		for _, pledge := range of {
			seen[pledge.Node] = true
		}
	}
	if len(seen) != nodes {
		t.Errorf("%d of %d nodes were watched in two days", len(seen), nodes)
	}
}

// What was needed over sums of one profiler says nothing of sums of another.
func TestNodesFollowWhatTellsSlots(t *testing.T) {
	w := &nodeWatch{kept: newNodesNote()}
	for _, n := range []resource.Name{resource.CPU, resource.Memory} {
		of := nodePledge{Node: "n", Class: workload.Batch, Resource: n, Size: 12, Limits: []float32{4}, Low: 1, High: 2, Promised: []float32{1, 1, 1}}
		w.count(&of, epoch, 3)
		w.kept.Broken[bandKey(n, 12)] = looksToFall
	}
	w.kept.Profilers = map[resource.Name]string{resource.CPU: "old"}
	w.follow(&models.Set{}) // of a registry that cannot be read
	if len(w.kept.Record.Entries()) != 2 {
		t.Errorf("kept %+v", w.kept)
	}
	w.follow(&models.Set{MarginsID: "margins", ProfilerIDs: map[resource.Name]string{resource.CPU: "new"}})
	if len(w.kept.Record.Entries()) != 1 || w.raised("cpu 12") || !w.raised("memory 12") || len(w.kept.Needed["cpu 12"]) != 0 || len(w.kept.Needed["memory 12"]) != 1 {
		t.Errorf("kept %+v", w.kept)
	}
	// Promises of before are not counted when their day is over.
	w.kept.Pending = []nodePledges{{Start: epoch, Of: []nodePledge{{Resource: resource.CPU, PartsSlot: 1, Limits: []float32{4}, Members: []string{"w"}, Profiler: "old"}}}}
	w.grid = forecast.DefaultGrid()
	w.seat()
	for hour := range 24 {
		w.seats["w"][0].note(&timeseries.Sample{Time: epoch.Add(time.Duration(hour) * time.Hour), Usage: resource.Vector{}.With(resource.CPU, 1)}, w.grid)
	}
	w.judge(epoch.Add(48 * time.Hour))
	if w.kept.Record.Of("", "cpu", sizeName(0)) != nil || len(w.kept.Pending) != 0 {
		t.Error("a promise by another profiler was counted")
	}
}
