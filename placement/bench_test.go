package placement_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/filter"
	"github.com/auspex-project/auspex/placement/ledger"
	"github.com/auspex-project/auspex/placement/ledger/ledgertest"
	"github.com/auspex-project/auspex/placement/score"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

const gib = 1 << 30

func benchName(i int) string { return fmt.Sprintf("n%05d", i) }

// benchNode is node i of a fleet of five sites in racks of 40, every tenth with
// four accelerators.
func benchNode(i int) fleet.Node {
	cores := []float64{32, 48, 64, 96}[i%4]
	curve, err := fleet.NewPowerCurve(60+cores, 60+6*cores)
	if err != nil {
		panic(err)
	}
	n := fleet.Node{
		Name: benchName(i), Capacity: resource.Of(cores, 4*cores*gib),
		Provider: fmt.Sprintf("p%d", i%5), Region: fmt.Sprintf("p%d-r%d", i%5, i%10), Zone: fmt.Sprintf("p%d-r%d-z%d", i%5, i%10, i%30),
		Rack:   fmt.Sprintf("rack-%04d", i/40),
		Labels: map[string]string{"arch": []string{"amd64", "arm64"}[i%2], "disk": "ssd"},
		Level:  i % 4, Power: curve, CostPerHour: cores / 20,
	}
	if i%10 == 0 {
		n.Capacity = n.Capacity.With(resource.GPU, 4)
		for range 4 {
			n.Devices = append(n.Devices, fleet.Device{Model: []string{"a100", "t4"}[i/10%2], MemoryBytes: 40 * gib, IdleWatts: 50, MaxWatts: 300})
		}
	}
	return n
}

// diurnal forecasts workloads by their shape: label "phase" says when they peak.
type diurnal struct{ shapes [24]forecast.Forecast }

func newDiurnal() *diurnal {
	d := new(diurnal)
	for phase := range d.shapes {
		cpu, mem := make([]float32, 24), make([]float32, 24)
		for t := range cpu {
			cpu[t], mem[t] = .2, .6
			if (t-phase+24)%24 < 6 {
				cpu[t] = .7
			}
		}
		d.shapes[phase] = forecast.Forecast{Demands: []forecast.Demand{
			{Resource: resource.CPU, Profile: cpu, Peak: .8, Limit: 1, Mean: .3},
			{Resource: resource.Memory, Profile: mem, Peak: .65, Limit: 1, Mean: .55},
		}}
	}
	return d
}

func (d *diurnal) Forecast(w *workload.Workload, now time.Time) (*forecast.Forecast, bool) {
	phase := int(w.Priority) % 24
	f := &forecast.Forecast{Workload: w.ID, Issued: now, Grid: forecast.DefaultGrid(), Basis: forecast.Learned, Model: "m1"}
	for _, d := range d.shapes[phase].Demands {
		scale := float32(w.Requests.Get(d.Resource))
		p := make([]float32, len(d.Profile))
		for i, x := range d.Profile {
			p[i] = x * scale
		}
		f.Demands = append(f.Demands, forecast.Demand{Resource: d.Resource, Profile: p, Peak: d.Peak * scale, Limit: scale, Mean: d.Mean * scale})
	}
	return f, true
}

func (d *diurnal) Margins() forecast.Margins {
	return forecast.Margins{Bands: []forecast.Band{
		{Resource: resource.CPU, MaxMembers: 10, Points: []forecast.Point{{Risk: .05, Q: .3}, {Risk: .01, Q: .5}}},
		{Resource: resource.CPU, MaxMembers: 40, Points: []forecast.Point{{Risk: .05, Q: .2}, {Risk: .01, Q: .4}}},
		{Resource: resource.Memory, MaxMembers: 40, Points: []forecast.Point{{Risk: .05, Q: .3}, {Risk: .01, Q: .6}}},
	}}
}

// benchWorkload draws one of 50 shapes.
func benchWorkload(id int, r *rand.Rand) *workload.Workload {
	shape := r.IntN(50)
	cores := []float64{.5, 1, 2, 4, 8}[shape%5]
	w := &workload.Workload{
		ID: fmt.Sprintf("w%07d", id), App: fmt.Sprintf("app%d", shape),
		Class:    []workload.Class{workload.Service, workload.Batch, workload.Stream}[shape%3],
		Requests: resource.Of(cores, cores*3*gib), Priority: int32(shape % 24),
		Security: workload.Security{Level: shape % 3, Tenant: fmt.Sprintf("t%d", shape%7)},
	}
	if shape%4 == 0 {
		w.Locality.Preferred.Regions = []string{"p1-r1"}
	}
	if shape%10 == 9 {
		w.Class = workload.MLInference
		w.Accelerator = workload.Accelerator{Devices: 1, Share: .25, MemoryBytes: 8 * gib}
	}
	if shape%7 == 3 {
		w.Selector = map[string]string{"arch": "amd64"}
	}
	return w
}

// openBench opens a service with a fleet that holds perNode workloads a node, as
// its journal says.
func openBench(tb testing.TB, nodes, perNode int) (s *ledger.Service, decisions []string) {
	tb.Helper()
	j := new(ledgertest.Journal)
	var seq uint64
	past := func(r ledger.Record) {
		seq++
		r.Seq = seq
		if err := j.Append(r); err != nil {
			tb.Fatal(err)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range nodes {
		n := benchNode(i)
		past(ledger.Record{Kind: ledger.NodeRegistered, Node: &n})
	}
	for k := range nodes * perNode {
		w := benchWorkload(-1-k, r)
		w.Accelerator, w.Security, w.Selector = workload.Accelerator{}, workload.Security{}, nil
		decisions = append(decisions, w.ID)
		past(ledger.Record{Kind: ledger.WorkloadReserved, Reserved: &ledger.Reservation{
			Decision: w.ID, Request: w.ID, Workload: w, Class: w.Class, Node: benchName(k % nodes), Confirmed: true,
		}})
	}
	s, err := ledger.Open(context.Background(), ledger.Options{
		Settings: placement.Settings{HeartbeatTimeout: -1, RackCaps: map[string]float64{"rack-0000": 15_000, "rack-0003": 15_000}},
		Filters:  filter.All(), Scorers: score.All(), Forecaster: newDiurnal(), Journal: j,
	})
	if err != nil {
		tb.Fatal(err)
	}
	held := 0
	for _, n := range s.Nodes("", 0) {
		held += len(n.Workloads)
	}
	if held != nodes*perNode {
		tb.Fatalf("%d workloads are placed, want %d", held, nodes*perNode)
	}
	return s, decisions
}

// processSeconds returns the CPU time this process has used: on a machine that is
// shared, the one clock that says what a decision costs.
func processSeconds(tb testing.TB) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// BenchmarkPlace measures a decision, of one of 50 shapes or each of its own, and
// its reservation in memory, on fleets that hold ten workloads a node; for each
// that comes one goes.
func BenchmarkPlace(b *testing.B) {
	for _, run := range []struct {
		shapes string
		nodes  int
	}{{"fifty", 1_000}, {"fifty", 10_000}, {"different", 1_000}, {"different", 10_000}} {
		b.Run(fmt.Sprintf("shapes=%s/nodes=%d", run.shapes, run.nodes), func(b *testing.B) {
			nodes := run.nodes
			s, ids := openBench(b, nodes, 10)
			ctx := context.Background()
			r := rand.New(rand.NewPCG(3, 4))
			refused := 0
			runtime.GC()
			b.ReportAllocs()
			b.ResetTimer()
			before := processSeconds(b)
			for i := range b.N {
				w := benchWorkload(i, r)
				if run.shapes == "different" {
					w.Requests = w.Requests.Scale(.75 + r.Float64()/2)
				}
				d, err := s.Place(ctx, ledger.Request{ID: w.ID, Workload: w})
				switch {
				case err != nil:
					b.Fatal(err)
				case d.Considered != nodes || len(d.Rejections) == 0:
					b.Fatalf("considered %d of %d nodes by %d rules", d.Considered, nodes, len(d.Rejections))
				case d.Node == "":
					refused++
				case d.Feasible == 0 || len(d.Scores) == 0:
					b.Fatalf("feasible %d, %d scores", d.Feasible, len(d.Scores))
				}
				ids = append(ids, d.ID)
				if _, err := s.Release(ctx, ids[i]); err != nil {
					b.Fatal(err)
				}
			}
			if refused > b.N/20+1 {
				b.Fatalf("%d of %d found no node", refused, b.N)
			}
			b.ReportMetric(float64(b.N)/(processSeconds(b)-before), "decisions/cpu-s")
		})
	}
}
