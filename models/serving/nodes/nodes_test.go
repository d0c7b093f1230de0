package nodes

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/registry"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

var epoch = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

func newWatch(t *testing.T) *Watch {
	t.Helper()
	r, err := registry.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w, err := New(forecast.DefaultGrid(), r)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func use(w *Watch, id string, at time.Time, cores float64) {
	w.Seats(id).Note(&timeseries.Sample{Key: timeseries.Key{Workload: id}, Time: at, Usage: resource.Vector{}.With(resource.CPU, cores)})
}

// Usage that peaks apart does not add up to a peak together.
func TestNodesCameToTheSum(t *testing.T) {
	for parts, want := range map[int]float32{12: 4, 1: 6} {
		for member, judged := range map[string]bool{"w1": true, "gone": false} {
			w := newWatch(t)
			w.kept.Pending = []pledges{{Start: epoch, Of: []pledge{{Node: "n", Resource: resource.CPU, Members: []string{"w0", member}, Limits: []float32{4, 4}, PartsSlot: parts}}}}
			w.seat()
			for i := range 24 * 12 {
				at := epoch.Add(time.Duration(i) * 5 * time.Minute)
				for m, high := range []bool{i%12 == 3, i%12 == 7} {
					cores := 1.
					if high {
						cores = 3
					}
					use(w, fmt.Sprint("w", m), at, cores)
					use(w, fmt.Sprint("w", m), at, cores) // a source that repeats itself
				}
				w.seat() // another day's promises: what was noted stays
			}
			use(w, "w0", epoch.Add(-time.Minute), 4) // another span's
			use(w, "w0", epoch.Add(24*time.Hour), 4)
			if got, ok := w.kept.Pending[0].Of[0].came(24); ok != judged || ok && got != want {
				t.Errorf("in %d parts of an hour the node of w0 and %s came to %g (%v), want %g", parts, member, got, ok, want)
			}
		}
	}
}

// What no source should say and a store may yet hold does not stay in the record.
func TestNodesLeaveOutWhatIsNoAmount(t *testing.T) {
	w := newWatch(t)
	w.kept.Pending = []pledges{{Start: epoch, Of: []pledge{{Node: "n", Resource: resource.CPU, Members: []string{"w"}, Limits: []float32{4}, PartsSlot: 1}}}}
	w.seat()
	for hour := range 24 {
		for _, cores := range []float64{1, math.NaN(), math.Inf(1), 1e37, -1} {
			use(w, "w", epoch.Add(time.Duration(hour)*time.Hour), cores)
		}
	}
	if came, ok := w.kept.Pending[0].Of[0].came(24); !ok || came != 1 {
		t.Errorf("the node came to %g (%v), want 1", came, ok)
	}
}

// town is a fleet of nodes with so many workloads each, whose profiles and peaks are
// one core of four.
func town(nodes, within int, now time.Time) Fleet {
	f := Fleet{Set: &models.Set{Grid: forecast.DefaultGrid()}, Histories: map[string]*models.History{},
		Margins: forecast.Margins{Bands: []forecast.Band{{Resource: resource.CPU, MaxMembers: 12}}}}
	profile := slices.Repeat([]float32{1}, 24)
	said := forecast.Forecast{Grid: f.Set.Grid, Demands: []forecast.Demand{{Resource: resource.CPU, Profile: profile, Peak: 1, Limit: 4}}}
	for i := range nodes * within {
		key := timeseries.Key{Workload: fmt.Sprint("w", i), Node: fmt.Sprint("n", i/within)}
		h := models.NewHistory(forecast.Grid{Slot: 24 * time.Hour, Slots: 1}) // small
		h.Add(&timeseries.Sample{Key: key, Time: now, Usage: resource.Vector{}.With(resource.CPU, 1), Limit: resource.Vector{}.With(resource.CPU, 4)})
		f.Histories[key.Workload] = h
	}
	f.Forecast = func(id string) (*forecast.Forecast, workload.Class, bool) {
		_, ok := f.Histories[id]
		return &said, workload.Batch, ok
	}
	return f
}

// However large the fleet, so many members are watched at most, and all nodes in turn.
func TestNodesAreWatchedInTurn(t *testing.T) {
	const nodes, within = 3_000, 10
	now := epoch.Add(10 * 24 * time.Hour)
	f, w := town(nodes, within, now), newWatch(t)
	seen := map[string]bool{}
	for day := range 2 {
		watched := w.choose(f, epoch.Add(time.Duration(11+day)*24*time.Hour), now)
		if len(watched)*within > maxSeats || len(watched)*within < maxSeats/2 {
			t.Errorf("%d members are watched, want at most %d", len(watched)*within, maxSeats)
		}
		for _, m := range watched {
			seen[m.node] = true
		}
	}
	if len(seen) != nodes {
		t.Errorf("%d of %d nodes were watched in two days", len(seen), nodes)
	}
}

// Each horizon is promised for apart, once a day for every node, whatever hour that is,
// and its margins alone are raised when it does not hold.
func TestHorizonsAreHeldApart(t *testing.T) {
	const nodes = 60
	f, w := town(nodes, 3, epoch), newWatch(t)
	points := []forecast.Point{{Risk: .05, Q: .1}, {Risk: .02, Q: .1}, {Risk: .01, Q: .1}}
	f.Margins.Bands = []forecast.Band{{Resource: resource.CPU, MaxMembers: 12, Points: points}, {Resource: resource.CPU, MaxMembers: 12, Points: points, Horizon: time.Hour}}
	day, hour := Band{resource.CPU, 12, 0}, Band{resource.CPU, 12, time.Hour}
	calibrated := f.Margins
	var changes []Change
	now := epoch
	pass := func(hours int) {
		for range hours {
			now = now.Add(time.Hour)
			for id, h := range f.Histories {
				// All use less than is promised but for one minute in six hours.
				cores := .5
				if now.Hour()%6 == 0 {
					cores = 1.2
				}
				s := timeseries.Sample{Key: h.Key, Time: now.Add(-time.Minute), Usage: resource.Vector{}.With(resource.CPU, cores), Limit: resource.Vector{}.With(resource.CPU, 4)}
				h.Add(&s)
				w.Seats(id).Note(&s)
			}
			changes = append(changes, w.Judge(now)...)
			f.Margins = w.Margins(calibrated)
			w.Pledge(f, now)
			if err := w.Save(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for !w.Raised(day) || !w.Raised(hour) {
		if pass(1); now.Sub(epoch) > 8*24*time.Hour {
			t.Fatalf("raised: the day %v, the hour %v; %+v", w.Raised(day), w.Raised(hour), changes)
		}
	}
	of := func(b Band) int {
		return w.Record().Pooled("cpu", b.name(), func(string) bool { return true }).Tally.Cases()
	}
	if days := int(now.Sub(epoch) / (24 * time.Hour)); of(day) < (days-2)*nodes || of(hour) < (days-2)*nodes || of(hour) > (days+1)*nodes {
		t.Errorf("in %d days %d days and %d hours of nodes were judged", days, of(day), of(hour))
	}
	at := func(horizon time.Duration, risk float64) float32 {
		if horizon == 0 {
			return f.Margins.At(resource.CPU, 3, risk)
		}
		return f.Margins.Ahead(horizon).At(resource.CPU, 3, risk)
	}
	// One hour in six needs more: a promise for an hour that may be passed in a quarter of
	// the cases would not, that for a day would.
	needed := map[Band][]float32{}
	for _, b := range []Band{day, hour} {
		for _, d := range w.kept.Needs[b.key()] {
			needed[b] = append(needed[b], d.Q...)
		}
		slices.Sort(needed[b])
	}
	if q := needed[day][len(needed[day])/2]; q <= .1 {
		t.Errorf("half of the days needed %g", q)
	}
	if q := needed[hour][len(needed[hour])/2]; q > .1 {
		t.Errorf("half of the hours needed %g", q)
	}
	if at(0, .01) <= .1 || at(time.Hour, .01) <= .1 {
		t.Errorf("margins are %g for the day, %g for the hour", at(0, .01), at(time.Hour, .01))
	}

	// A restart takes the record up where it was; another grid begins anew, and says so.
	again, err := New(w.grid, w.registry)
	if err != nil || !again.Raised(day) || len(again.kept.Pending) != len(w.kept.Pending) {
		t.Errorf("after a restart: %v, %d pending", err, len(again.kept.Pending))
	}
	again, err = New(forecast.Grid{Slot: 30 * time.Minute, Slots: 48}, w.registry)
	if err == nil || len(again.kept.Pending) != 0 || len(again.Record().Entries()) != 0 {
		t.Errorf("another grid: %v", err)
	}

	// Nodes that go leave nothing to judge by: that is said, once.
	clear(f.Histories)
	changes = nil
	pass(24 * 17)
	if len(changes) != 2 || w.Raised(day) || w.Raised(hour) || at(0, .01) != .1 || at(time.Hour, .01) != .1 {
		t.Errorf("when nobody was left: %+v, margins of %g and %g", changes, at(0, .01), at(time.Hour, .01))
	}
	if i := slices.IndexFunc(changes, func(c Change) bool { return c.Band == day }); i < 0 || changes[i].Outcome != Unjudged {
		t.Errorf("days of nobody: %+v", changes)
	}
}

// What was needed over sums of one profiler says nothing of sums of another.
func TestNodesFollowWhatTellsSlots(t *testing.T) {
	w := newWatch(t)
	bands := map[resource.Name]Band{}
	for _, n := range []resource.Name{resource.CPU, resource.Memory} {
		of := pledge{Node: "n", Class: workload.Batch, Resource: n, Size: 12, Limits: []float32{4}, Low: 1, High: 2, Promised: []float32{1, 1, 1}}
		bands[n] = Band{n, 12, 6 * time.Hour}
		w.count(&of, bands[n], epoch, 3)
		w.kept.Broken[bands[n].key()] = looksToRaise
	}
	w.kept.Profilers = map[resource.Name]string{resource.CPU: "old"}
	w.Follow(&models.Set{}) // of a registry that cannot be read
	if len(w.kept.Record.Entries()) != 2 {
		t.Errorf("kept %+v", w.kept)
	}
	changes := w.Follow(&models.Set{MarginsID: "margins", ProfilerIDs: map[resource.Name]string{resource.CPU: "new"}})
	if len(changes) != 1 || changes[0].Outcome != Unjudged || changes[0].Band != bands[resource.CPU] {
		t.Errorf("said %+v", changes)
	}
	if len(w.kept.Record.Entries()) != 1 || w.Raised(bands[resource.CPU]) || !w.Raised(bands[resource.Memory]) || len(w.kept.Needs) != 1 {
		t.Errorf("kept %+v", w.kept)
	}
	// Promises of before are not counted when their day is over.
	w.kept.Pending = []pledges{{Start: epoch, Of: []pledge{{Resource: resource.CPU, PartsSlot: 1, Limits: []float32{4}, Members: []string{"w"}, Profiler: "old"}}}}
	w.seat()
	for hour := range 24 {
		use(w, "w", epoch.Add(time.Duration(hour)*time.Hour), 1)
	}
	w.Judge(epoch.Add(48 * time.Hour))
	if len(w.kept.Record.Entries()) != 1 || len(w.kept.Pending) != 0 {
		t.Errorf("a promise by another profiler was counted: %+v", w.kept)
	}
}

// A profiler in shadow is dismissed for what its sums come to, however well it tells
// single slots.
func TestSumsOfProfilersInShadow(t *testing.T) {
	for name, c := range map[string]struct {
		theirs float32 // promised by the challenger; the champion promises 3, and nodes come to 2 or 2.5
		worse  string
	}{"tighter": {2.6, ""}, "too tight": {2.1, "sums of nodes"}, "looser": {3.9, "did worse"}} {
		w := newWatch(t)
		for day := range 10 {
			for node := range 40 {
				p := slices.Repeat([]float32{3}, len(levels))
				of := pledge{Node: fmt.Sprint("n", node), Class: workload.Batch, Resource: resource.CPU, Size: 12, Limits: []float32{4}, Low: 1, High: 3, Promised: p,
					Rival: &rival{"new", slices.Repeat([]float32{c.theirs}, len(levels))}}
				w.count(&of, Band{resource.CPU, 12, 0}, epoch.Add(time.Duration(day)*24*time.Hour), 2+.5*float32((day+node)%2))
			}
		}
		cases, worse := w.Trial(resource.CPU, "", "new")
		if cases != 400 || c.worse == "" && worse != "" || !strings.Contains(worse, c.worse) {
			t.Errorf("%s: %d cases, %q", name, cases, worse)
		}
	}
	if cases, worse := newWatch(t).Trial(resource.CPU, "", "new"); cases != 0 || worse != "" {
		t.Errorf("of no sums: %d, %q", cases, worse)
	}
}

func TestBandsAreNamed(t *testing.T) {
	for b, name := range map[Band]string{
		{resource.CPU, 12, 0}:                     "nodes of up to 12",
		{resource.Memory, 80, time.Hour}:          "nodes of up to 80 within 1h",
		{resource.CPU, 2, 90 * time.Minute}:       "nodes of up to 2 within 1h30m",
		{resource.CPU, 4, 6 * time.Hour}:          "nodes of up to 4 within 6h",
		{resource.GPUMemory, 4, 30 * time.Second}: "nodes of up to 4 within 30s",
		{resource.CPU, 4, 10 * time.Minute}:       "nodes of up to 4 within 10m",
	} {
		if b.name() != name {
			t.Errorf("%+v is named %q, want %q", b, b.name(), name)
		}
		if again, ok := Named(b.Resource, name); !ok || again != b {
			t.Errorf("%q names %+v", name, again)
		}
		if again, ok := bandOf(b.key()); !ok || again != b {
			t.Errorf("%q is the key of %+v", b.key(), again)
		}
	}
	if _, ok := Named(resource.CPU, sumsBy("x")); ok {
		t.Error("what became of a trial is no band")
	}
}
