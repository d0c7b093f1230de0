package synthetic

import (
	"encoding/json"
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
	"pgregory.net/rapid"
)

func makeTrace(t testing.TB, o Options) *Trace {
	t.Helper()
	trace, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return trace
}

// fingerprint sums up everything a trace says.
func fingerprint(t *testing.T, trace *Trace) uint64 {
	t.Helper()
	h := fnv.New64a()
	enc := json.NewEncoder(h)
	encode := func(v any) {
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	for m := range trace.History(nil) {
		encode([]any{m.Member.Workload.ID, m.Time.Unix(), m.Usage})
	}
	for _, m := range trace.Members() {
		encode([]any{m.Workload, m.Class, m.Node, m.Start, m.End})
	}
	encode(trace.Nodes())
	return h.Sum64()
}

func TestSameSeedSameTrace(t *testing.T) {
	o := Options{Seed: 7, Days: 2, Workloads: 60}
	first := fingerprint(t, makeTrace(t, o))
	if again := fingerprint(t, makeTrace(t, o)); again != first {
		t.Error("two traces of one seed differ")
	}
	o.Seed = 8
	if other := fingerprint(t, makeTrace(t, o)); other == first {
		t.Error("traces of two seeds are alike")
	}
}

func TestHistory(t *testing.T) {
	trace := makeTrace(t, Options{Seed: 1, Days: 3})
	steps, samples, possible := 0, 0, 0
	last := trace.Start()
	for m := range trace.History(func(i int) {
		if i != steps+1 {
			t.Fatalf("step %d after %d", i, steps)
		}
		steps = i
	}) {
		if m.Time.Before(last) || !m.Time.After(trace.Start()) || m.Time.After(trace.End()) {
			t.Fatalf("sample at %v after %v", m.Time, last)
		}
		last = m.Time
		samples++
		s := timeseries.Sample{Key: timeseries.Key{Workload: m.Member.Workload.ID}, Time: m.Time, Usage: m.Usage, Limit: m.Member.Limits()}
		if err := s.Validate(trace.End()); err != nil {
			t.Fatal(err)
		}
		if n, fits := m.Usage.Fits(m.Member.Limits()); !fits {
			t.Fatalf("%s uses more %s than it may: %s of %s", m.Member.Workload.ID, n, m.Usage, m.Member.Limits())
		}
		if again := trace.Usage(m.Member, m.Time); !again.Equal(m.Usage) {
			t.Fatalf("%s at %v: %s, asked again %s", m.Member.Workload.ID, m.Time, m.Usage, again)
		}
		if m.Member.Node == "" {
			t.Fatalf("%s ran nowhere", m.Member.Workload.ID)
		}
	}
	if steps != trace.Steps() || steps != 3*288 {
		t.Errorf("%d steps, want %d", steps, trace.Steps())
	}
	for _, m := range trace.Members() {
		for at := trace.Start().Add(defaultStep); !at.After(trace.End()); at = at.Add(defaultStep) {
			if trace.Usage(m, at).Len() > 0 {
				possible++
			}
		}
	}
	if lost := 1 - float64(samples)/float64(possible); lost < missing/2 || lost > missing*2 {
		t.Errorf("%d of %d samples: %.4f lost, want about %g", samples, possible, lost, missing)
	}
}

// TestContinues holds that a history that ends later goes on as the earlier one
// foretold.
func TestContinues(t *testing.T) {
	early := makeTrace(t, Options{Seed: 3, Days: 2, Workloads: 50})
	late := makeTrace(t, Options{Seed: 3, Days: 2, Workloads: 50, End: early.End().Add(6 * time.Hour)})
	compared, members := 0, map[string]*Member{}
	for _, m := range late.Members() {
		members[m.Workload.ID] = m
	}
	for _, m := range early.Members() {
		other, ok := members[m.Workload.ID]
		if !ok || m.End.IsZero() { // what stays has its start drawn within the history
			continue
		}
		at := m.Start.Add(m.End.Sub(m.Start) / 2)
		compared++
		if a, b := early.Usage(m, at), late.Usage(other, at); !a.Equal(b) {
			t.Fatalf("%s at %v: %s and %s", m.Workload.ID, at, a, b)
		}
	}
	if compared < 20 {
		t.Errorf("only %d runs are in both histories", compared)
	}
}

func TestClasses(t *testing.T) {
	trace := makeTrace(t, Options{Seed: 1, Workloads: 1000})
	running, arriving := map[workload.Class]float64{}, map[workload.Class]float64{}
	unlabelled, total := 0.0, 0.0
	for _, m := range trace.Members() {
		if err := m.Workload.Validate(); err != nil {
			t.Error(err)
		}
		if m.Workload.Class != m.Class && m.Workload.Class != "" {
			t.Errorf("%s is %s and says %s", m.Workload.ID, m.Class, m.Workload.Class)
		}
		if !slices.Contains([]string{"analytics", "ops", "prod", "research"}, m.Workload.Queue) {
			t.Errorf("%s is in queue %q", m.Workload.ID, m.Workload.Queue)
		}
		if m.Alive(trace.End()) {
			running[m.Class]++
			total++
			if m.Workload.Class == "" {
				unlabelled++
			}
		} else if !m.Start.Before(trace.End()) {
			arriving[m.Class]++
		}
	}
	if total < 900 || total > 1150 {
		t.Errorf("%g workloads run at once, want about 1000", total)
	}
	for _, s := range shares {
		if got := running[s.class] / total; math.Abs(got-s.share) > .35*s.share {
			t.Errorf("%s: share %.3f of what runs, want about %.2f", s.class, got, s.share)
		}
		if arriving[s.class] < 5 {
			t.Errorf("%s: %g arrivals in a day", s.class, arriving[s.class])
		}
	}
	if got := unlabelled / total; got < .02 || got > .1 {
		t.Errorf("%.3f of what runs is unlabelled", got)
	}
}

// series returns the share of its CPU limit that m uses, step by step.
func series(trace *Trace, m *Member, step time.Duration) []float64 {
	var values []float64
	for at := trace.Start().Add(step); !at.After(trace.End()); at = at.Add(step) {
		usage, limit := trace.Usage(m, at), m.Limits()
		values = append(values, usage.Get(resource.CPU)/limit.Get(resource.CPU))
	}
	return values
}

func correlation(a, b []float64) float64 {
	var ma, mb, ab, aa, bb float64
	for i := range a {
		ma, mb = ma+a[i]/float64(len(a)), mb+b[i]/float64(len(b))
	}
	for i := range a {
		ab, aa, bb = ab+(a[i]-ma)*(b[i]-mb), aa+(a[i]-ma)*(a[i]-ma), bb+(b[i]-mb)*(b[i]-mb)
	}
	return ab / math.Sqrt(aa*bb)
}

// TestRhythm looks for what a model is to find: days, weeks, apps that move
// together, bursts, runs and epochs.
func TestRhythm(t *testing.T) {
	trace := makeTrace(t, Options{Seed: 2})
	byApp := map[*app][]*Member{}
	for _, m := range trace.Members() {
		if m.Start.Equal(trace.Start()) && m.End.IsZero() {
			byApp[m.app] = append(byApp[m.app], m)
		}
	}
	var within, across, dayNight, weekendDrop []float64
	var before []float64
	for _, a := range slices.SortedFunc(maps.Keys(byApp), func(a, b *app) int { return strings.Compare(a.name, b.name) }) {
		members := byApp[a]
		first := series(trace, members[0], time.Hour)
		switch a.class {
		case workload.Service:
			var hours [24]float64
			var week, end, weekDays, endDays float64
			for i, v := range first {
				at := trace.Start().Add(time.Duration(i) * time.Hour)
				hours[at.Hour()] += v
				if weekend(at, a.ahead) {
					end, endDays = end+v, endDays+1
				} else {
					week, weekDays = week+v, weekDays+1
				}
			}
			dayNight = append(dayNight, slices.Max(hours[:])/slices.Min(hours[:]))
			if a.rest < .7 {
				weekendDrop = append(weekendDrop, end/endDays/(week/weekDays))
			}
			if len(members) > 1 {
				within = append(within, correlation(first, series(trace, members[1], time.Hour)))
			}
			if before != nil {
				across = append(across, correlation(first, before))
			}
			before = first
		case workload.Cron:
			values := series(trace, members[0], defaultStep)
			idle := 0
			for _, v := range values {
				if v <= .01 {
					idle++
				}
			}
			if share := float64(idle) / float64(len(values)); share < .5 || slices.Max(values) < .3 {
				t.Errorf("%s idles for %.2f of the time and reaches %.2f", a.name, share, slices.Max(values))
			}
		}
	}
	mean := func(x []float64) (m float64) {
		for _, v := range x {
			m += v / float64(len(x))
		}
		return m
	}
	if m := mean(dayNight); m < 2 {
		t.Errorf("services use %.2f times as much in their busiest hour as in their idlest", m)
	}
	if m := mean(weekendDrop); len(weekendDrop) == 0 || m > .9 {
		t.Errorf("services that rest at weekends use %.2f of a weekday", m)
	}
	if w, x := mean(within), mean(across); w < .7 || w < x+.2 {
		t.Errorf("correlation within apps %.2f, across %.2f", w, x)
	}
}

func TestStreamsBurst(t *testing.T) {
	trace := makeTrace(t, Options{Seed: 2})
	seen := 0
	for _, m := range trace.Members() {
		if m.Class != workload.Stream || !m.Start.Equal(trace.Start()) {
			continue
		}
		seen++
		values := series(trace, m, time.Hour)
		slices.Sort(values)
		if median, peak := values[len(values)/2], values[len(values)-1]; peak < 1.5*median {
			t.Errorf("%s: peak %.2f, median %.2f", m.Workload.ID, peak, median)
		}
	}
	if seen < 10 {
		t.Errorf("%d streams", seen)
	}
}

func TestRunsAndDevices(t *testing.T) {
	trace := makeTrace(t, Options{Seed: 2})
	for _, m := range trace.Members() {
		limits := m.Limits()
		if accelerated := m.Class == workload.MLTraining || m.Class == workload.MLInference; accelerated != (limits.Get(resource.GPU) > 0) {
			t.Fatalf("%s (%s) has %g gpu", m.Workload.ID, m.Class, limits.Get(resource.GPU))
		}
		if (m.Class == workload.Batch || m.Class == workload.MLTraining) != !m.End.IsZero() {
			t.Fatalf("%s (%s) ends %v", m.Workload.ID, m.Class, m.End)
		}
		if before := trace.Usage(m, m.Start.Add(-time.Minute)); before.Len() > 0 {
			t.Fatalf("%s used %s before its start", m.Workload.ID, before)
		}
		if !m.End.IsZero() {
			if after := trace.Usage(m, m.End.Add(defaultStep)); after.Len() > 0 {
				t.Fatalf("%s used %s after its end", m.Workload.ID, after)
			}
		}
		if m.Class == workload.MLTraining && m.End.Sub(m.Start) > 2*time.Hour {
			usage := trace.Usage(m, m.Start.Add(time.Hour))
			if duty := usage.Get(resource.GPU) / limits.Get(resource.GPU); duty < .3 {
				t.Errorf("%s: GPU duty %.2f after an hour", m.Workload.ID, duty)
			}
		}
	}
}

// TestFleet holds the sites against what the fleet of a demonstration must show,
// and that every workload has somewhere to go.
func TestFleet(t *testing.T) {
	for seed := range uint64(5) {
		trace := makeTrace(t, Options{Seed: seed, Days: 7})
		nodes := trace.Nodes()
		providers, levels, models, names := map[string]bool{}, map[int]bool{}, map[string]bool{}, map[string]bool{}
		racks, data := map[string]bool{}, map[string]bool{}
		for i := range nodes {
			n := &nodes[i]
			if err := n.Validate(); err != nil {
				t.Error(err)
			}
			if names[n.Name] {
				t.Errorf("two nodes named %s", n.Name)
			}
			names[n.Name], providers[n.Provider], levels[n.Level] = true, true, true
			if !n.Power.Known() || n.CostPerHour == 0 {
				t.Errorf("%s: no power curve or no cost", n.Name)
			}
			if n.Rack != "" {
				racks[n.Rack] = true
			}
			for _, d := range n.Devices {
				models[d.Model] = true
			}
			for _, d := range n.Data {
				data[d] = true
			}
		}
		if len(providers) != 5 || len(levels) < 4 || len(models) < 5 {
			t.Errorf("providers %v, levels %v, models %v", providers, levels, models)
		}
		if caps := trace.RackCaps(); len(caps) == 0 || !slices.Equal(slices.Sorted(maps.Keys(caps)), slices.Sorted(maps.Keys(racks))) {
			t.Errorf("caps of racks %v, nodes in racks %v", caps, racks)
		}
		for _, d := range dataSets {
			if !data[d.name] {
				t.Errorf("no node holds data set %s", d.name)
			}
		}
		for _, m := range trace.Members() {
			if len(suitableNodes(nodes, &m.Workload)) == 0 {
				t.Errorf("nothing in the fleet suits %s: %+v %+v", m.Workload.ID, m.Workload.Security, m.Workload.Accelerator)
			}
		}
		asked, whole := demandAtEnd(trace), capacity(nodes)
		for _, n := range []resource.Name{resource.CPU, resource.GPU} {
			if share := asked.Get(n) / whole.Get(n); share < .3 || share > .95 {
				t.Errorf("seed %d: %.2f of the fleet's %s is asked for", seed, share, n)
			}
		}
	}
}

func demandAtEnd(trace *Trace) resource.Vector {
	var sum resource.Vector
	for _, m := range trace.Members() {
		if m.Alive(trace.End()) {
			limits := m.Limits()
			sum = sum.Add(m.Workload.Requests.With(resource.GPU, limits.Get(resource.GPU)))
		}
	}
	return sum
}

func capacity(nodes []fleet.Node) resource.Vector {
	var sum resource.Vector
	for _, n := range nodes {
		sum = sum.Add(n.Capacity)
	}
	return sum
}

func TestOptions(t *testing.T) {
	trace := makeTrace(t, Options{})
	if got := trace.End().Format(time.RFC3339); got != "2020-01-27T00:00:00Z" || trace.Steps() != 21*288 {
		t.Errorf("default ends %s after %d steps", got, trace.Steps())
	}
	end := time.Date(2026, 3, 4, 5, 6, 7, 8, time.FixedZone("", 3600))
	if got := makeTrace(t, Options{End: end, Days: 1, Workloads: 5}).End().Format(time.RFC3339); got != "2026-03-04T04:05:00Z" {
		t.Errorf("ends %s", got)
	}
	for _, bad := range []Options{{Days: -1}, {Days: 10000}, {Workloads: -1}, {Workloads: 2_000_000}, {Step: time.Millisecond}, {Step: -time.Minute}, {Step: 25 * time.Hour}, {Step: time.Second + 1}} {
		if _, err := New(bad); err == nil || !strings.HasPrefix(err.Error(), "synthetic: ") {
			t.Errorf("%+v: got %v", bad, err)
		}
	}
}

func TestNoise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		at := time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, "at"))
		a := noise(seed, at, time.Hour, saltSlow)
		b := noise(seed, at.Add(time.Second), time.Hour, saltSlow)
		if math.Abs(a) > 1 || math.Abs(a-b) > .01 {
			t.Errorf("noise %v, a second later %v", a, b)
		}
		if x := bursts(seed, at, time.Hour, .1, 3*time.Hour); x < 0 || x > 20 {
			t.Errorf("burst of %v", x)
		}
		if x := daily(hourOfDay(at, 2*time.Hour), 14, 2); x < 0 || x > 1 {
			t.Errorf("daily %v", x)
		}
	})
}

func BenchmarkHistory(b *testing.B) {
	trace := makeTrace(b, Options{Seed: 1, Days: 1})
	n := 0
	for b.Loop() {
		for range trace.History(nil) {
			n++
		}
	}
	if n < 50_000 {
		b.Fatalf("%d samples", n)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "samples/s")
}
