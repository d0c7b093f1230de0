package training

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

// churn is a history of nodes that each run services that stay and batch runs
// of some hours, one after the other: many more workloads than ever run at once.
func churn(nodes, days int, placed bool) samples {
	var h samples
	run := func(key timeseries.Key, rng *rand.Rand, from, to int, limit, share float64) {
		for i := from; i < to; i++ {
			cpu := limit * share * (.8 + .2*rng.Float64())
			h = append(h, timeseries.Sample{Key: key, Time: start.Add(time.Duration(i) * 30 * time.Minute),
				Usage: resource.Of(cpu, cpu*1e9), Limit: resource.Of(limit, limit*1e9)})
		}
	}
	for node := range nodes {
		rng := rand.New(rand.NewPCG(5, uint64(node)))
		name := ""
		if placed {
			name = fmt.Sprintf("n%02d", node)
		}
		for s := range 2 {
			key := timeseries.Key{Workload: fmt.Sprintf("web-%d-%d", node, s), App: "web", Class: workload.Service, Node: name}
			run(key, rng, 0, days*48, 4, .3+.2*rng.Float64())
		}
		for i, n := 0, 0; i < days*48; n++ {
			length := 4 + rng.IntN(16) // of half hours
			key := timeseries.Key{Workload: fmt.Sprintf("etl-%d-run-%d", node, n), App: "etl", Class: workload.Batch, Node: name}
			run(key, rng, i, min(i+length, days*48), 8, .25+.25*rng.Float64())
			i += length
		}
	}
	slices.SortStableFunc(h, func(a, b timeseries.Sample) int { return cmp.Compare(a.Key.Workload, b.Key.Workload) })
	return h
}

// Where most workloads are young, machines hold those alive at the same time,
// and the young count as workloads like them: margins stay sane.
func TestChurn(t *testing.T) {
	for _, placed := range []bool{true, false} {
		t.Run(fmt.Sprintf("placed=%v", placed), func(t *testing.T) {
			r := openRegistry(t)
			report := train(t, churn(8, 21, placed), r, Options{Resources: []resource.Name{resource.CPU}})
			m := report.Machines[0]
			if m.Placed != placed || m.Members < 2 || m.Members > 4 {
				t.Errorf("machines of %d members, placed %v", m.Members, m.Placed)
			}
			ours, limit := m.Contestants[0].Calibrated, m.Contestants[slices.IndexFunc(m.Contestants, func(c MachineScore) bool { return c.Name == "limit" })].Calibrated
			if m.Cases == 0 || ours.ViolationRate > .03 || ours.Savings < limit.Savings || ours.OracleShare < .7 {
				t.Errorf("violations %.3f (nominal %g), saved %.3f of the limits, %.3f of the oracle's; calibrated limits %.3f",
					ours.ViolationRate, m.Risk, ours.Savings, ours.OracleShare, limit.Savings)
			}
			set, _ := r.Set(forecast.DefaultGrid())
			if q := set.Margins.At(resource.CPU, 4, .01); q > 1 {
				t.Errorf("the margin of four members at 1 %% is %g", q)
			}

			// A run that was never seen is forecast as runs are.
			next := models.Subject{ID: "next", App: "etl", Class: workload.Batch, Limits: resource.Of(8, 0).Without(resource.Memory)}
			f, _ := set.Chain().Forecast(&next, start.Add(21*24*time.Hour))
			if d, ok := f.Demand(resource.CPU); !ok || f.Basis != forecast.Prior || d.Peak > 4.1 || d.Peak < 3 {
				t.Errorf("the next run peaks at %+v by %q, want about half of 8 by its prior", d, f.Basis)
			}
		})
	}
}

// A history with more places than may be judged is judged by whole nodes where
// it knows them, else by whole places; every class has its turn.
func TestChoose(t *testing.T) {
	for _, placed := range []bool{true, false} {
		o, err := quick(Options{MaxTracks: 6}).withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		p, _, ok, err := newPlan(t.Context(), churn(10, 10, placed), o, func(newest time.Time, _ time.Duration) time.Time { return newest })
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		runs, services := 0, 0
		for id := range p.tracks {
			if id[0] == 'w' {
				services++
			} else {
				runs++
			}
		}
		if services == 0 || services > 6 || runs < 10 || len(p.tracks) == p.workloads || p.placed != placed {
			t.Errorf("placed %v: %d services and %d runs of %d workloads are judged", placed, services, runs, p.workloads)
		}
	}
}
