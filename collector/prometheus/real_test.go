package prometheus_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/auspex-project/auspex/collector/prometheus"
	"github.com/auspex-project/auspex/internal/realtest"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// queries measure this machine by what its node exporter publishes.
func queries() []prometheus.Query {
	labels := map[string]string{"workload": "job/instance", "node": "instance"}
	return []prometheus.Query{
		{Resource: resource.CPU, Labels: labels, Expr: `sum by (job, instance) (rate(node_cpu_seconds_total{mode!="idle"}[5s]))`},
		{Resource: resource.Memory, Labels: labels, Expr: `node_memory_MemTotal_bytes - node_memory_MemAvailable_bytes`},
		{Resource: resource.Memory, Limit: true, Labels: labels, Expr: `node_memory_MemTotal_bytes`},
	}
}

// until runs a source until enough is true of all samples so far.
func until(t *testing.T, o prometheus.Options, enough func(all []timeseries.Sample) bool) []timeseries.Sample {
	t.Helper()
	source, err := prometheus.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var all []timeseries.Sample
	err = source.Run(ctx, func(_ context.Context, samples []timeseries.Sample) error {
		if all = append(all, samples...); enough(all) {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("%v after %d samples", err, len(all))
	}
	return all
}

func TestRealPrometheus(t *testing.T) {
	exporter := realtest.NodeExporter(t)
	server := realtest.Prometheus(t, realtest.Target{Job: "node", Address: exporter.Address})
	o := prometheus.Options{
		URL: server.URL, Queries: queries(), Interval: 100 * time.Millisecond, Step: time.Second, Backfill: time.Minute,
		State: filepath.Join(t.TempDir(), "progress.json"),
	}
	complete := func(n int) func([]timeseries.Sample) bool {
		return func(all []timeseries.Sample) bool {
			with := 0
			for _, s := range all {
				if s.Usage.Has(resource.CPU) && s.Usage.Has(resource.Memory) {
					with++
				}
			}
			return with >= n
		}
	}
	all := until(t, o, complete(5))
	for _, s := range all {
		if err := s.Validate(time.Now()); err != nil {
			t.Error(err)
		}
		want := timeseries.Key{Workload: "node/" + exporter.Address, Node: exporter.Address, Source: "prometheus"}
		if s.Key != want || s.Time.Nanosecond() != 0 {
			t.Errorf("sample %+v", s)
		}
		used, limit := s.Usage.Get(resource.Memory), s.Limit.Get(resource.Memory)
		if s.Usage.Has(resource.Memory) && !(used > 1<<20 && used < limit) {
			t.Errorf("memory of %g in %g bytes", used, limit)
		}
	}

	// A restart goes on behind the last sample; while the exporter is away there is a gap.
	exporter.Stop()
	before := time.Now()
	exporter.Start()
	all = append(all, until(t, o, func(more []timeseries.Sample) bool {
		return more[len(more)-1].Time.After(before.Add(3 * time.Second))
	})...)

	// The server itself goes down and comes back.
	server.Kill()
	server.Start()
	restarted := time.Now()
	all = append(all, until(t, o, func(more []timeseries.Sample) bool {
		return more[len(more)-1].Time.After(restarted.Add(3 * time.Second))
	})...)
	for i := 1; i < len(all); i++ {
		if !all[i].Time.After(all[i-1].Time) {
			t.Errorf("sample of %v after that of %v", all[i].Time, all[i-1].Time)
		}
	}

	// The real server refuses more than 11,000 points for a series; pages stay below.
	fine := prometheus.Options{
		URL: server.URL, Interval: 100 * time.Millisecond, Step: time.Millisecond, Backfill: 60 * time.Second, Delay: 30 * time.Second,
		Queries: []prometheus.Query{{Resource: resource.CPU, Expr: "vector(1.5)", Labels: map[string]string{"workload": "job"}}},
	}
	fine.Queries[0].Expr = `label_replace(vector(1.5), "job", "constant", "", "")`
	paged := until(t, fine, func(all []timeseries.Sample) bool { return len(all) >= 29_999 })
	for i := 1; i < len(paged); i++ {
		if gap := paged[i].Time.Sub(paged[i-1].Time); gap != time.Millisecond {
			t.Fatalf("a gap of %v before %v, sample %d", gap, paged[i].Time, i)
		}
	}
	t.Logf("%d samples at 1 s, %d at 1 ms", len(all), len(paged))
}
