package datasets

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/auspex-project/auspex/workload"
)

func TestSyntheticIsLabelled(t *testing.T) {
	for source, want := range map[string]string{"": "synthetic:5,days=1,workloads=20", "demo": "synthetic:demo", "synthetic:x": "synthetic:x"} {
		u, err := OpenUsage(Ref{Format: "synthetic", Path: "5,days=1,workloads=20"}, Options{Source: source})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for s, err := range u.Samples(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			if s.Key.Source != want {
				t.Fatalf("source %q, want %q", s.Key.Source, want)
			}
			n++
		}
		if !u.Synthetic() || u.Label() != want || n < 20*200 {
			t.Errorf("synthetic %v, label %q, %d samples", u.Synthetic(), u.Label(), n)
		}
		if done, total := u.Progress(); done != total || total != 288 {
			t.Errorf("progress %d of %d", done, total)
		}
	}
	f := openFleet(t, "synthetic:5,workloads=20")
	nodes, err := f.Nodes(context.Background())
	if err != nil || len(nodes) == 0 || len(f.RackCaps()) == 0 {
		t.Fatalf("%d nodes, racks %v, %v", len(nodes), f.RackCaps(), err)
	}
	for _, n := range nodes {
		if n.Labels["origin"] != "synthetic" {
			t.Errorf("node %s does not say that it is synthetic", n.Name)
		}
	}
	for a := range f.Arrivals(context.Background()) {
		if a.Workload.Labels["origin"] != "synthetic" {
			t.Errorf("workload %s does not say that it is synthetic", a.Workload.ID)
		}
	}
}

// TestSyntheticArrivals: what runs on comes first, then a day of arrivals of
// every class, some of apps that the history does not know.
func TestSyntheticArrivals(t *testing.T) {
	end := time.Date(2026, 1, 5, 12, 34, 56, 0, time.UTC)
	ref := Ref{Format: "synthetic", Path: "1,days=7"}
	u, err := OpenUsage(ref, Options{End: end})
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	history, err := u.Workloads(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range history {
		known[a.Workload.App] = true
	}
	f, err := OpenFleet(ref, Options{End: end})
	if err != nil {
		t.Fatal(err)
	}
	var last time.Time
	classes := map[workload.Class]int{}
	running, fresh := 0, 0
	for a, err := range f.Arrivals(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if a.Arrive.Before(last) || a.Arrive.After(end.Add(24*time.Hour)) {
			t.Fatalf("%s arrives %v after one of %v", a.Workload.ID, a.Arrive, last)
		}
		last = a.Arrive
		if a.Arrive.Before(end.Truncate(5 * time.Minute)) {
			running++
			continue
		}
		classes[a.Workload.Class]++
		if !known[a.Workload.App] {
			fresh++
		}
	}
	for _, c := range workload.DefaultClasses() {
		if classes[c.Class] == 0 {
			t.Errorf("nothing of class %s arrives: %v", c.Class, classes)
		}
	}
	if running < 150 || fresh < 10 {
		t.Errorf("%d run on, %d arrivals of unknown apps", running, fresh)
	}
}

func TestFormatsAreListed(t *testing.T) {
	want := []string{"azure", "bitbrains", "csv", "openb", "planetlab", "synthetic"}
	named := map[string]bool{}
	for _, n := range Formats() {
		named[n] = true
	}
	for _, n := range want {
		if !named[n] {
			t.Errorf("format %s is missing from %v", n, slices.Sorted(maps.Keys(named)))
		}
	}
}
