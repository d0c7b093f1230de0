package workload_test

import (
	"math"
	"strings"
	"testing"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

func valid() workload.Workload {
	return workload.Workload{ID: "w", Requests: resource.Of(1, 1<<30)}
}

func TestWorkloadValidate(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*workload.Workload)
		want   string // "" is valid
	}{
		{"plain", func(*workload.Workload) {}, ""},
		{"no id", func(w *workload.Workload) { w.ID = "" }, "workload: id is empty"},
		{"negative request", func(w *workload.Workload) { w.Requests = resource.Of(-1, 1) }, "workload w: requests: cpu is negative"},
		{"request NaN", func(w *workload.Workload) { w.Requests = resource.Of(1, math.NaN()) }, "workload w: requests: memory is NaN"},
		{"bad resource name", func(w *workload.Workload) { w.Requests = w.Requests.With("No", 1) }, "workload w: requests: resource name"},
		{"infinite limit", func(w *workload.Workload) { w.Limits = resource.Of(math.Inf(1), 1<<30) }, "workload w: limits: cpu is infinite"},
		{"limit at the request", func(w *workload.Workload) { w.Limits = w.Requests }, ""},
		{"limit of something not requested", func(w *workload.Workload) { w.Limits = resource.Vector{}.With(resource.Disk, 5) }, ""},
		{"request over its limit", func(w *workload.Workload) { w.Limits = resource.Of(.5, 1<<30) }, "workload w: request of cpu 1 is over its limit 0.5"},
		{"zero limit", func(w *workload.Workload) { w.Limits = resource.Vector{}.With(resource.CPU, 0) }, "workload w: request of cpu 1 is over its limit 0"},

		{"nothing asked for", func(w *workload.Workload) { w.Requests = resource.Vector{} }, "requests: must hold at least one amount above 0"},
		{"zeros", func(w *workload.Workload) { w.Requests = resource.Of(0, 0) }, "requests: must hold at least one amount above 0"},
		{"next to nothing", func(w *workload.Workload) { w.Requests = resource.Vector{}.With(resource.CPU, 5e-324) }, "requests: must hold at least one amount above 0"},
		{"devices alone", func(w *workload.Workload) {
			w.Requests, w.Accelerator = resource.Vector{}, workload.Accelerator{Devices: 1}
		}, ""},
		{"absurd request", func(w *workload.Workload) { w.Requests = resource.Of(1e308, 1) }, "requests: cpu is 1e+308 (want at most 1e+18)"},
		{"absurd limit", func(w *workload.Workload) { w.Limits = resource.Of(1e19, 1<<30) }, "limits: cpu is 1e+19"},

		{"negative devices", func(w *workload.Workload) { w.Accelerator.Devices = -1 }, "accelerator devices -1 is negative"},
		{"part of one device", func(w *workload.Workload) { w.Accelerator = workload.Accelerator{Devices: 1, Share: .5} }, ""},
		{"two whole devices", func(w *workload.Workload) { w.Accelerator = workload.Accelerator{Devices: 2, Share: 1} }, ""},
		{"parts of two devices", func(w *workload.Workload) { w.Accelerator = workload.Accelerator{Devices: 2, Share: .5} }, "only one device can be shared"},
		{"share over one", func(w *workload.Workload) { w.Accelerator.Share = 1.1 }, "accelerator share 1.1 is not between 0 and 1"},
		{"share NaN", func(w *workload.Workload) { w.Accelerator.Share = math.NaN() }, "accelerator share NaN"},
		{"negative device memory", func(w *workload.Workload) { w.Accelerator.MemoryBytes = -1 }, "accelerator memory: gpu_memory is negative"},

		{"negative level", func(w *workload.Workload) { w.Security.Level = -1 }, "security level -1 is negative"},
		{"data", func(w *workload.Workload) { w.Data = []workload.DataSet{{Name: "d", Bytes: 1}} }, ""},
		{"data without name", func(w *workload.Workload) { w.Data = []workload.DataSet{{Bytes: 1}} }, `data set ""`},
		{"data of NaN bytes", func(w *workload.Workload) { w.Data = []workload.DataSet{{Name: "d", Bytes: math.NaN()}} }, `data set "d"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := valid()
			c.change(&w)
			wantError(t, w.Validate(), c.want)
		})
	}
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("error %v, want %q", err, want)
	}
}

func TestLimitFallsBackToRequest(t *testing.T) {
	w := valid()
	w.Limits = resource.Vector{}.With(resource.CPU, 4).With(resource.Disk, 0)
	for n, want := range map[resource.Name]float64{resource.CPU: 4, resource.Memory: 1 << 30, resource.Disk: 0, resource.GPU: 0} {
		if got := w.Limit(n); got != want {
			t.Errorf("limit of %s is %g, want %g", n, got, want)
		}
	}
}

func TestPerDevice(t *testing.T) {
	for share, want := range map[float64]float64{0: 1, .25: .25, 1: 1} {
		if got := (workload.Accelerator{Devices: 1, Share: share}).PerDevice(); got != want {
			t.Errorf("share %g is %g of a device, want %g", share, got, want)
		}
	}
}
