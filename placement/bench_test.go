package placement_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/filter"
	"github.com/auspex-project/auspex/placement/score"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

const gib = 1 << 30

// benchNode is node i of a fleet of five sites in racks of 40, every tenth with
// four accelerators.
func benchNode(i int) fleet.Node {
	cores := []float64{32, 48, 64, 96}[i%4]
	curve, err := fleet.NewPowerCurve(60+cores, 60+6*cores)
	if err != nil {
		panic(err)
	}
	n := fleet.Node{
		Name: fmt.Sprintf("n%05d", i), Capacity: resource.Of(cores, 4*cores*gib),
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

func openBench(tb testing.TB, nodes int, settings placement.Settings) *placement.Service {
	tb.Helper()
	settings.HeartbeatTimeout = -1
	settings.RackCaps = map[string]float64{"rack-0000": 15_000, "rack-0003": 15_000}
	s, err := placement.Open(context.Background(), placement.Options{
		Settings: settings, Filters: filter.All(), Scorers: score.All(), Forecaster: newDiurnal(),
	})
	if err != nil {
		tb.Fatal(err)
	}
	for i := range nodes {
		if err := s.RegisterNode(context.Background(), benchNode(i)); err != nil {
			tb.Fatal(err)
		}
	}
	return s
}

// BenchmarkPlace measures a decision with its reservation in memory on fleets
// that hold ten workloads a node.
func BenchmarkPlace(b *testing.B) {
	for _, nodes := range []int{1_000, 10_000} {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			s := openBench(b, nodes, placement.Settings{})
			ctx := context.Background()
			r := rand.New(rand.NewPCG(1, 2))
			id, refused := 0, 0
			place := func() string {
				id++
				w := benchWorkload(id, r)
				d, err := s.Place(ctx, placement.Request{ID: w.ID, Workload: w})
				if err != nil {
					b.Fatal(err)
				}
				if d.Node == "" {
					refused++
				} else if d.Considered != nodes || d.Feasible == 0 || len(d.Scores) == 0 {
					b.Fatalf("considered %d of %d, feasible %d, %d scores", d.Considered, nodes, d.Feasible, len(d.Scores))
				}
				return d.ID
			}
			var ids []string
			for range 10 * nodes {
				ids = append(ids, place())
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				ids = append(ids, place())
				if _, err := s.Release(ctx, ids[i]); err != nil {
					b.Fatal(err)
				}
			}
			if refused > id/50 {
				b.Fatalf("%d of %d found no node", refused, id)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "placements/s")
		})
	}
}
