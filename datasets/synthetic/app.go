package synthetic

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// app is what the workloads of one application have in common.
type app struct {
	name  string
	class workload.Class
	seed  uint64

	template workload.Workload // of its members, without an id
	limits   resource.Vector   // with the share of devices
	members  int               // running at once, on average; at least 1 for those that stay
	fresh    bool              // first seen after the history

	// Rhythm.
	ahead  time.Duration // of its users' clock on UTC
	peak   float64       // hour of that clock
	sharp  float64       // of the daily hump
	rest   float64       // of the hump at weekends
	growth float64       // of the load a week
	deploy time.Duration // between deployments, which end memory leaks

	// Levels, as shares of the limit.
	idle, busy float64 // CPU at night, and added at the peak
	memory     float64 // held all the time
	leak       float64 // of memory, from one deployment to the next

	// Runs, of batch, cron and training.
	every  time.Duration // between starts, on average or exactly
	offset time.Duration // of exact starts
	length time.Duration // of a run, on average
}

// shares says how much of what runs at once is of each class.
var shares = []struct {
	class workload.Class
	share float64
	draw  func(*rand.Rand, *app)
}{
	{workload.Service, .40, drawService},
	{workload.Batch, .17, drawBatch},
	{workload.Stream, .15, drawStream},
	{workload.Cron, .12, drawCron},
	{workload.MLInference, .09, drawInference},
	{workload.MLTraining, .07, drawTraining},
}

// freshShare is how many workloads of apps nobody has seen come after the
// history, as a share of those in it.
const freshShare = .1

// makeApps draws apps until enough workloads run at once, each time of the class
// that is furthest behind its share.
func makeApps(o Options) []*app {
	var apps []*app
	running := make([]float64, len(shares))
	total := 0.0
	for total < (1+freshShare)*float64(o.Workloads) {
		next := 0
		for i := range shares {
			if running[i]/shares[i].share < running[next]/shares[next].share {
				next = i
			}
		}
		a := newApp(o.Seed, len(apps), next)
		a.fresh = total >= float64(o.Workloads)
		apps = append(apps, a)
		running[next] += float64(a.members)
		total += float64(a.members)
	}
	return apps
}

// newApp draws the i-th app.
func newApp(seed uint64, i, share int) *app {
	appSeed := hash(seed, uint64(i), 0)
	r := rand.New(rand.NewPCG(appSeed, 1))
	kind := shares[share]
	a := &app{
		class:  kind.class,
		seed:   appSeed,
		name:   fmt.Sprintf("%s-%s-%d", pick(r, areas), pick(r, roles[kind.class]), i+1),
		ahead:  time.Duration(r.IntN(13)-7) * time.Hour,
		peak:   between(r, 9, 21),
		sharp:  between(r, .7, 3),
		rest:   between(r, .25, 1.15),
		growth: between(r, -.02, .06),
		deploy: time.Duration(between(r, 3, 9) * float64(day)),
	}
	kind.draw(r, a)
	a.template.App = a.name
	a.template.Class = a.class
	a.template.Owner = a.template.Queue + "-team"
	a.template.Labels = map[string]string{"app": a.name, "origin": "synthetic"}
	if i%unlabelledEvery == unlabelledEvery-1 {
		a.template.Class = ""
	}
	a.secure(r)
	return a
}

// unlabelledEvery makes one app in so many leave its class to be found out.
const unlabelledEvery = 20

var areas = []string{"shop", "pay", "search", "maps", "news", "risk", "care", "grid", "fleet", "media", "forum", "stock"}

var roles = map[workload.Class][]string{
	workload.Service:     {"web", "api", "cart", "auth", "cache", "gateway"},
	workload.Stream:      {"events", "clicks", "ingest", "alerts"},
	workload.Batch:       {"etl", "report", "index", "render"},
	workload.Cron:        {"backup", "cleanup", "sync", "billing"},
	workload.MLInference: {"rank", "detect", "translate", "embed"},
	workload.MLTraining:  {"train", "tune", "pretrain"},
}

func drawService(r *rand.Rand, a *app) {
	a.members = 3 + r.IntN(6)
	a.idle, a.busy = between(r, .02, .10), between(r, .08, .40)
	a.memory, a.leak = between(r, .15, .45), between(r, 0, .3)
	a.template.Queue = "prod"
	a.size(float64(pick(r, []int{1, 2, 2, 4, 8})), pick(r, []float64{1, 2, 4, 4}))
}

func drawStream(r *rand.Rand, a *app) {
	a.members = 2 + r.IntN(4)
	a.idle, a.busy = between(r, .08, .25), between(r, .05, .25)
	a.memory, a.leak = between(r, .25, .5), 0
	a.template.Queue = pick(r, []string{"prod", "analytics"})
	a.size(float64(pick(r, []int{2, 4, 4, 8})), pick(r, []float64{2, 4}))
}

func drawBatch(r *rand.Rand, a *app) {
	a.members = 1 + r.IntN(3)
	a.length = time.Duration(between(r, .75, 8) * float64(time.Hour))
	a.every = a.length / time.Duration(a.members)
	a.busy, a.memory = between(r, .6, .98), between(r, .3, .85)
	a.template.Queue = "analytics"
	a.template.Priority = -1
	a.size(float64(pick(r, []int{2, 4, 8, 16})), pick(r, []float64{2, 4, 8}))
	a.read(r, .4)
}

func drawCron(r *rand.Rand, a *app) {
	a.members = 1
	a.every = pick(r, []time.Duration{time.Hour, 2 * time.Hour, 6 * time.Hour, day, day})
	a.offset = time.Duration(r.Int64N(int64(a.every))).Truncate(5 * time.Minute)
	a.length = time.Duration(between(r, .05, .3) * float64(min(a.every, 6*time.Hour)))
	a.idle, a.busy = .004, between(r, .5, .95)
	a.memory = between(r, .03, .1)
	a.template.Queue = "ops"
	a.size(float64(pick(r, []int{1, 2, 4})), pick(r, []float64{1, 2, 4}))
}

func drawInference(r *rand.Rand, a *app) {
	a.members = 1 + r.IntN(4)
	a.idle, a.busy = between(r, .05, .15), between(r, .1, .4)
	a.memory, a.leak = between(r, .4, .6), 0
	a.template.Queue = "prod"
	a.size(float64(pick(r, []int{4, 8})), 4)
	share := pick(r, []float64{.25, .5, .5, 1})
	a.accelerate(workload.Accelerator{
		Models:  pick(r, [][]string{nil, {"T4", "L4", "A10"}, {"L4", "A10"}}),
		Devices: 1, Share: share, MemoryBytes: share * 14 * gib,
	})
}

func drawTraining(r *rand.Rand, a *app) {
	a.members = 1 + r.IntN(2)
	a.length = time.Duration(between(r, 4, 40) * float64(time.Hour))
	a.every = a.length / time.Duration(a.members)
	a.busy, a.memory = between(r, .25, .6), between(r, .4, .7)
	a.template.Queue = "research"
	devices := pick(r, []int{1, 1, 1, 2})
	a.size(float64(8*devices), 4)
	a.accelerate(workload.Accelerator{
		Models:  pick(r, [][]string{nil, {"A100", "H100"}, {"V100", "A100", "H100"}}),
		Devices: devices, Share: 1, MemoryBytes: between(r, 8, 14) * gib,
	})
	a.read(r, .8)
}

const gib = 1 << 30

// size sets what a member asks for and may use: in CPU it may use more than it
// asks for, in memory not.
func (a *app) size(cores, gibPerCore float64) {
	a.limits = resource.Of(cores, cores*gibPerCore*gib)
	a.template.Limits = a.limits
	a.template.Requests = resource.Of(cores*.75, cores*gibPerCore*gib)
}

func (a *app) accelerate(need workload.Accelerator) {
	a.template.Accelerator = need
	a.limits = a.limits.With(resource.GPU, float64(need.Devices)*need.PerDevice())
	a.limits = a.limits.With(resource.GPUMemory, float64(need.Devices)*need.MemoryBytes)
}

// read gives the app, with probability p, a data set to read.
func (a *app) read(r *rand.Rand, p float64) {
	if r.Float64() < p {
		set := pick(r, dataSets)
		a.template.Data = []workload.DataSet{{Name: set.name, Bytes: set.bytes}}
	}
}

// secure draws what the app demands of a machine. What needs accelerators is
// kept to demands that some site with accelerators meets.
func (a *app) secure(r *rand.Rand) {
	s := &a.template.Security
	s.Tenant = a.template.Queue
	switch x := r.Float64(); {
	case x < .60:
	case x < .80:
		s.Level = 1
	case x < .90:
		s.Level, s.Compartments = 1, []string{"health"}
	case x < .97 && a.template.Accelerator.Devices == 0:
		s.Level, s.Compartments = 2, []string{"finance"}
	case a.template.Accelerator.Devices == 0:
		s.Level, s.Attested = 3, true
	}
	if s.Level > 0 {
		a.template.Accelerator.Models = nil // secured sites have few
	}
	if r.Float64() < .1 {
		a.template.Locality.Preferred.Providers = []string{pick(r, []string{"aws", "google", "vmware", "openstack", "bare-metal"})}
	}
}

func between(r *rand.Rand, low, high float64) float64 { return low + (high-low)*r.Float64() }

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }
