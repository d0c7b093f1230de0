package datasets

import (
	"context"
	"testing"
	"time"

	"github.com/auspex-project/auspex/internal/sharedtest"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// facts are figures of a whole trace that its publishers, or a count of its rows
// by other means, give.
type facts struct {
	samples, workloads int
	off, over          int // samples of machines that are off; of CPU over the limit
	first, last        time.Time
}

func gather(t *testing.T, u *Usage) facts {
	var f facts
	seen := map[string]bool{}
	last := map[string]time.Time{}
	for s, err := range u.Samples(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		f.samples++
		if !seen[s.Key.Workload] {
			seen[s.Key.Workload] = true
		}
		if !s.Time.After(last[s.Key.Workload]) {
			t.Fatalf("%s: %v after %v", s.Key.Workload, s.Time, last[s.Key.Workload])
		}
		last[s.Key.Workload] = s.Time
		if f.first.IsZero() || s.Time.Before(f.first) {
			f.first = s.Time
		}
		if s.Time.After(f.last) {
			f.last = s.Time
		}
		if limit := s.Limit.Get(resource.CPU); s.Limit.Has(resource.CPU) && limit == 0 {
			f.off++
		} else if s.Usage.Get(resource.CPU) > limit {
			f.over++
		}
		if err := s.Validate(time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	f.workloads = len(seen)
	return f
}

func TestRealBitbrains(t *testing.T) {
	got := gather(t, openUsage(t, "bitbrains:"+sharedtest.Data(t, "bitbrains/2013-8.csv.gz")))
	want := facts{
		samples: 4322258, workloads: 500, off: 45001, over: 95137,
		first: time.Unix(1375308176, 0).UTC(), last: time.Unix(1377899901, 0).UTC(),
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestRealPlanetLab(t *testing.T) {
	got := gather(t, openUsage(t, "planetlab:"+sharedtest.Data(t, "planetlab")))
	want := facts{samples: 288 * (1052 + 898 + 1061 + 1516 + 1078 + 1463 + 1358 + 1233), workloads: got.workloads,
		first: time.Date(2011, 3, 3, 0, 0, 0, 0, time.UTC), last: time.Date(2011, 4, 11, 23, 55, 0, 0, time.UTC)}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got.workloads < 1516 || got.workloads > 9659 {
		t.Errorf("%d VMs over all days", got.workloads)
	}
}

func TestRealOpenb(t *testing.T) {
	nodes, err := openFleet(t, "openb:"+sharedtest.Data(t, "alibaba-gpu-2023/openb_node_list_gpu_node.csv")).Nodes(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	gpus := 0
	for _, n := range nodes {
		gpus += len(n.Devices)
		if err := n.Validate(); err != nil {
			t.Error(err)
		}
	}
	if len(nodes) != 1213 || gpus != 6212 {
		t.Errorf("%d nodes with %d GPUs, want 1213 with 6212", len(nodes), gpus)
	}
	for list, want := range map[string]int{"default": 8152, "cpu050": 7439, "gpushare40": 8152, "gpuspec33": 8152, "multigpu20": 8324} {
		f := openFleet(t, "openb:"+sharedtest.Data(t, "alibaba-gpu-2023/openb_pod_list_"+list+".csv"))
		n := 0
		for a, err := range f.Arrivals(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Workload.Validate(); err != nil {
				t.Fatal(err)
			}
			if (list == "multigpu20") != a.Arrive.IsZero() {
				t.Fatalf("%s: %s arrives %v", list, a.Workload.ID, a.Arrive)
			}
			n++
		}
		if n != want {
			t.Errorf("%s: %d pods, want %d", list, n, want)
		}
	}
}

func BenchmarkUsage(b *testing.B) {
	for _, test := range []struct{ name, format, file string }{
		{"bitbrains", "bitbrains", "bitbrains/2013-8.csv.gz"},
		{"planetlab", "planetlab", "planetlab"},
		{"synthetic", "", ""},
	} {
		b.Run(test.name, func(b *testing.B) {
			ref := "synthetic:1,days=7"
			if test.format != "" {
				ref = test.format + ":" + sharedtest.Data(b, test.file)
			}
			u := openUsage(b, ref)
			samples := 0
			var last timeseries.Sample
			for b.Loop() {
				for s, err := range u.Samples(context.Background()) {
					if err != nil {
						b.Fatal(err)
					}
					samples++
					last = s
				}
			}
			if samples < 300_000 || last.Usage.Len() == 0 {
				b.Fatalf("read %d samples, the last %v", samples, last)
			}
			b.ReportMetric(float64(samples)/b.Elapsed().Seconds(), "samples/s")
		})
	}
}
