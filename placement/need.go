package placement

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// Need is what a workload adds to the sums of a node, for one resource.
type Need struct {
	Resource resource.Name
	Index    int     // position in State.Resources, -1 when no node has it
	Request  float64 // base unit

	Limit float32 // at least Peak
	Peak  float32
	Mean  float32 // average use
	Top   float32 // highest slot of the profile
	Low   float32 // lowest slot
	Level float32 // average slot

	Profile []float32 // by slot; nil = Peak in every slot
}

// At returns the profile in slot t.
func (n *Need) At(t int) float32 {
	if n.Profile == nil {
		return n.Peak
	}
	return n.Profile[t]
}

// needs returns what w adds to a node, one entry per resource it requests, is
// limited in or is predicted to use, devices left out. Where f says nothing of a
// resource, w counts for a flat amount: its limit, or its request if the policy
// says so. Those who come with the same share one copy, which nobody may change.
func (s *State) needs(w *workload.Workload, f *forecast.Forecast) []Need {
	var buffer [4]Need
	return s.tables.needs.share(s.count(w, f, buffer[:0]))
}

// count appends to needs what w adds to a node.
func (s *State) count(w *workload.Workload, f *forecast.Forecast, needs []Need) []Need {
	names := make([]resource.Name, 0, 4)
	note := func(n resource.Name) {
		if n != resource.GPU && n != resource.GPUMemory && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	for n := range w.Requests.All() {
		note(n)
	}
	for n := range w.Limits.All() {
		note(n)
	}
	if f != nil {
		for i := range f.Demands {
			note(f.Demands[i].Resource)
		}
	}
	for _, n := range names {
		need := Need{Resource: n, Index: s.Index(n), Request: w.Requests.Get(n)}
		if d := demandOf(f, n); d != nil {
			need.predict(d, w.Limit(n))
		} else {
			need.flat(w, s.Policy.ColdStart)
		}
		needs = append(needs, need)
	}
	return needs
}

// sharedNeeds remembers needs, so that those who come with the same share one copy.
// It is bounded: of two that want one place the later is kept.
type sharedNeeds struct {
	mu struct {
		sync.Mutex
		known [1 << 10][]Need
	}
}

// share returns a copy of needs, or what was given earlier and says the same.
func (k *sharedNeeds) share(needs []Need) []Need {
	h := uint64(len(needs))
	for i := range needs {
		n := &needs[i]
		h = (h ^ uint64(math.Float32bits(n.Peak)) ^ math.Float64bits(n.Request)) * 0x9e3779b97f4a7c15
		h = (h ^ uint64(math.Float32bits(n.Level)) ^ h>>29) * 0xbf58476d1ce4e5b9
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	known := &k.mu.known[h>>32%uint64(len(k.mu.known))]
	if !slices.EqualFunc(*known, needs, sameNeed) {
		*known = slices.Clone(needs)
	}
	return *known
}

// sameNeed reports whether a and b say the same.
func sameNeed(a, b Need) bool {
	return a.Resource == b.Resource && a.Index == b.Index && a.Request == b.Request && a.Limit == b.Limit &&
		a.Peak == b.Peak && a.Mean == b.Mean && a.Top == b.Top && a.Low == b.Low && a.Level == b.Level &&
		slices.Equal(a.Profile, b.Profile)
}

func demandOf(f *forecast.Forecast, n resource.Name) *forecast.Demand {
	if f == nil {
		return nil
	}
	d, _ := f.Demand(n)
	return d
}

func (n *Need) predict(d *forecast.Demand, limit float64) {
	n.Profile, n.Peak, n.Mean = d.Profile, d.Peak, d.Mean
	n.Limit = max(d.Limit, d.Peak)
	if d.Limit == 0 {
		n.Limit = max(float32(limit), d.Peak)
	}
	n.Low = float32(math.Inf(1))
	for _, x := range d.Profile {
		n.Top = max(n.Top, x)
		n.Low = min(n.Low, x)
		n.Level += x / float32(len(d.Profile))
	}
}

func (n *Need) flat(w *workload.Workload, cold ColdStart) {
	amount := float32(w.Limit(n.Resource))
	if cold == AtRequest {
		amount = float32(w.Requests.Get(n.Resource))
	}
	n.Limit, n.Peak, n.Mean, n.Top, n.Low, n.Level = amount, amount, amount, amount, amount, amount
}

// Accelerator is what a workload needs of the devices of one node.
type Accelerator struct {
	Devices int   // 0 = none
	Share   int32 // of each, in parts of WholeDevice
	Memory  int64 // bytes free on each
}

// AcceleratorOf reads the need of devices from w.Accelerator, or where that is
// empty from a plain request of resource.GPU.
func AcceleratorOf(w *workload.Workload) Accelerator {
	a := w.Accelerator
	if gpus := w.Requests.Get(resource.GPU); a.Devices == 0 && gpus > 0 {
		a.Devices, a.Share = int(math.Ceil(gpus)), 1
		if gpus < 1 {
			a.Share = gpus
		}
		a.MemoryBytes = max(a.MemoryBytes, w.Requests.Get(resource.GPUMemory)/float64(a.Devices))
	}
	if a.Devices == 0 {
		return Accelerator{}
	}
	// Rounded down, so that n parts of 1/n fit; the nudge undoes the binary
	// rounding of decimal shares.
	share := int32(a.PerDevice()*WholeDevice + 1e-3)
	return Accelerator{Devices: a.Devices, Share: max(share, 1), Memory: int64(a.MemoryBytes)}
}

// CheckAccelerator reports requests for devices that contradict each other.
func CheckAccelerator(w *workload.Workload) error {
	gpus := w.Requests.Get(resource.GPU)
	a := w.Accelerator
	switch {
	case a.Devices == 0 && gpus > 1 && gpus != math.Trunc(gpus):
		return fmt.Errorf("workload %s: request of %g gpu: only a single device can be shared", w.ID, gpus)
	case a.Devices > 0 && gpus > 0 && math.Abs(gpus-float64(a.Devices)*a.PerDevice()) > 1e-6:
		return fmt.Errorf("workload %s: request of %g gpu contradicts accelerator need of %d x %g", w.ID, gpus, a.Devices, a.PerDevice())
	case a.Devices == 0 && (a.Share > 0 || a.MemoryBytes > 0 || len(a.Models) > 0) && gpus == 0:
		return fmt.Errorf("workload %s: accelerator need without devices", w.ID)
	}
	return nil
}

// Holds returns what w counts for in its queue: its requests, devices included.
func Holds(w *workload.Workload) resource.Vector {
	if a := AcceleratorOf(w); a.Devices > 0 {
		return w.Requests.With(resource.GPU, float64(a.Devices)*float64(a.Share)/WholeDevice)
	}
	return w.Requests
}
