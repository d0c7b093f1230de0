package simulation

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"math"
	"os"
	"testing"

	"github.com/auspex-project/auspex/datasets"
	"github.com/auspex-project/auspex/internal/sharedtest"
)

// One sequence of arrivals as the authors of FGD drew it, and how much their
// simulator had allocated when so much had arrived: our fgd must come to the same
// within .3 points all the way.
func TestFGDAnchor(t *testing.T) {
	open := func(name string) *datasets.Fleet {
		f, err := datasets.OpenFleet(datasets.Ref{Format: "openb", Path: sharedtest.Data(t, "alibaba-gpu-2023/"+name)}, datasets.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	ctx := context.Background()
	trace, err := ReadTrace(ctx, "anchor", open("openb_node_list_gpu_node.csv"), open("openb_pod_list_default.csv"))
	if err != nil {
		t.Fatal(err)
	}
	byName := make(map[string]int32)
	for i, p := range trace.Pods {
		byName[p.Workload.ID] = int32(i)
	}
	var arrivals []int32
	for _, row := range anchorRows(t)[1:] {
		pod, ok := byName[row[2]]
		if !ok {
			t.Fatalf("pod %s is not in the list", row[2])
		}
		arrivals = append(arrivals, pod)
	}
	fgd, err := policyOf("fgd")
	if err != nil {
		t.Fatal(err)
	}
	r, err := newReplay(ctx, trace, fgd, 42)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.run(ctx, arrivals, false, &curve{step: .05, most: 20 * 2}); err != nil {
		t.Fatal(err)
	}
	points := append(r.result.points[15:], r.result.now)
	for arrived, want := range map[float64]float64{.8: .7999, .9: .8999, .95: .9497, 1: .9514, 1.1: .9520, 1.2: .9524, 1.3: .9529} {
		p := points[min(int(math.Round(arrived*20))-16, len(points)-1)]
		if math.Abs(p.Arrived-arrived) > .002 || math.Abs(p.GPU-want) > .003 {
			t.Errorf("at %.4f arrived %.4f is allocated, want %.4f at %g", p.Arrived, p.GPU, want, arrived)
		}
	}
}

func anchorRows(t *testing.T) [][]string {
	t.Helper()
	f, err := os.Open(sharedtest.Data(t, "alibaba-gpu-2023/arrivals_default_seed42_x1.3_with_fgd_node.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
