package placement_test

import (
	"cmp"
	"time"

	"pgregory.net/rapid"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/score"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// drawNode draws a node in quarters of cores and GiB, which single precision
// holds exactly.
func drawNode(t *rapid.T, name string) fleet.Node {
	pick := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label) }
	n := fleet.Node{
		Name:     name,
		Capacity: resource.Of(float64(rapid.IntRange(1, 32).Draw(t, "quarter cores"))/4, float64(rapid.IntRange(1, 32).Draw(t, "quarter GiB"))*gib/4),
		Provider: pick("provider", "p1", "p2"), Region: pick("region", "r1", "r2"), Zone: pick("zone", "", "z1", "z2", "z1", "z2"), Rack: pick("rack", "k1", "k2", "k3"),
		PDU: pick("pdu", "", "a", "b"), Site: pick("site", "", "s1", "s2"),
		Labels:      map[string]string{"disk": pick("disk", "ssd", "hdd"), "rating": pick("rating", "3", "7", "good")},
		Level:       rapid.IntRange(0, 2).Draw(t, "level"),
		Attested:    rapid.Bool().Draw(t, "attested"),
		CostPerHour: float64(rapid.IntRange(0, 4).Draw(t, "price")),
	}
	if rapid.IntRange(0, 4).Draw(t, "tainted") == 0 {
		n.Taints = []fleet.Taint{{Key: "dedicated", Value: pick("taint", "db", "web")}}
	}
	if rapid.IntRange(0, 4).Draw(t, "unkind") == 0 {
		n.Taints = append(n.Taints, fleet.Taint{Key: "old", Effect: fleet.PreferNoSchedule})
	}
	switch rapid.IntRange(0, 19).Draw(t, "dedicated") {
	case 0:
		n.Dedicated.Tenant = "red"
	case 1:
		n.Dedicated.Queue = pick("queue", "default", "other")
	}
	if rapid.IntRange(0, 9).Draw(t, "maintained") == 0 {
		from := time.Now().Add(time.Duration(rapid.IntRange(-3, 40).Draw(t, "in hours")) * time.Hour)
		n.Maintenance = []fleet.Window{{From: from, Until: from.Add(2 * time.Hour)}}
	}
	for _, c := range []string{"crypto", "medical"} {
		if rapid.Bool().Draw(t, c) {
			n.Compartments = append(n.Compartments, c)
		}
	}
	for _, d := range []string{"genome", "logs"} {
		if rapid.IntRange(0, 3).Draw(t, d) == 0 {
			n.Data = append(n.Data, d)
		}
	}
	if rapid.Bool().Draw(t, "metered") {
		idle := rapid.IntRange(10, 100).Draw(t, "idle")
		n.Power, _ = fleet.NewPowerCurve(float64(idle), float64(idle+rapid.IntRange(0, 200).Draw(t, "swing")))
		n.CapWatts = float64(rapid.SampledFrom([]int{0, 0, 100, 200}).Draw(t, "cap"))
	}
	if devices := rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "devices"); devices > 0 {
		for range devices {
			n.Devices = append(n.Devices, fleet.Device{Model: pick("model", "a100", "t4"), MemoryBytes: 16 * gib, IdleWatts: 20, MaxWatts: 120})
		}
		n.Capacity = n.Capacity.With(resource.GPU, float64(devices))
	}
	return n
}

func drawWorkload(t *rapid.T, id string) *workload.Workload {
	sometimes := func(label string) bool { return rapid.IntRange(0, 9).Draw(t, label) == 0 }
	w := &workload.Workload{
		ID: id, Class: rapid.SampledFrom([]workload.Class{workload.Service, workload.Batch, workload.Cron}).Draw(t, "class"),
		Requests: resource.Of(float64(rapid.IntRange(1, 8).Draw(t, "cores"))/4, float64(rapid.IntRange(1, 8).Draw(t, "GiB"))*gib/4),
		Security: workload.Security{Tenant: rapid.SampledFrom([]string{"", "red", "blue"}).Draw(t, "tenant")},
	}
	w.Security.Exclusive = sometimes("exclusive")
	w.Security.Attested = sometimes("attested")
	if sometimes("levelled") {
		w.Security.Level = rapid.IntRange(0, 3).Draw(t, "level")
	}
	if sometimes("compartments") {
		w.Security.Compartments = []string{"medical"}
	}
	if sometimes("limited") {
		w.Limits = w.Requests.Scale(2)
	}
	if rapid.IntRange(0, 3).Draw(t, "asks for one") == 0 { // and is limited in both
		w.Limits = w.Requests.Scale(float64(rapid.IntRange(1, 2).Draw(t, "room")))
		one := rapid.SampledFrom([]resource.Name{resource.CPU, resource.Memory}).Draw(t, "resource")
		w.Requests = resource.Vector{}.With(one, w.Requests.Get(one))
	}
	if sometimes("selects") {
		w.Selector = map[string]string{"disk": "ssd"}
	}
	if sometimes("requires") {
		w.Requirements = []workload.Requirement{rapid.SampledFrom([]workload.Requirement{
			{Key: "disk", Operator: workload.In, Values: []string{"ssd", "tape"}},
			{Key: "disk", Operator: workload.NotIn, Values: []string{"hdd"}},
			{Key: "rating", Operator: workload.GreaterThan, Values: []string{"5"}},
			{Key: "rating", Operator: workload.LessThan, Values: []string{"5"}},
			{Key: "rating", Operator: workload.Exists},
			{Key: "fan", Operator: workload.NotExists},
		}).Draw(t, "requirement")}
	}
	w.App = rapid.SampledFrom([]string{"web", "db", "web"}).Draw(t, "app")
	if rapid.Bool().Draw(t, "labelled") {
		w.Labels = map[string]string{"tier": rapid.SampledFrom([]string{"front", "back"}).Draw(t, "tier")}
	}
	if rapid.IntRange(0, 2).Draw(t, "sociable") == 0 {
		drawCompany(t, w)
	}
	if sometimes("sparse") {
		w.MaxPerNode = rapid.IntRange(1, 3).Draw(t, "max per node")
	}
	if sometimes("bound by law") {
		w.Security.Countries = []string{"DE", "FR"}
	}
	if sometimes("takes time") {
		w.Runtime = time.Duration(rapid.IntRange(1, 40).Draw(t, "hours")) * time.Hour
	}
	if rapid.IntRange(0, 4).Draw(t, "runs already") == 0 {
		w.RunsOn = "n001"
	}
	if sometimes("tolerates") {
		w.Tolerations = []workload.Toleration{{Key: "dedicated", Value: rapid.SampledFrom([]string{"", "db"}).Draw(t, "toleration")}}
	}
	if sometimes("located") {
		w.Locality.Required.Zones = []string{"z1"}
	}
	if sometimes("prefers") {
		w.Locality.Preferred = workload.Places{Racks: []string{"k1", "k2"}, Providers: []string{"p2"}}
	}
	if rapid.IntRange(0, 4).Draw(t, "reads") == 0 {
		near := rapid.SampledFrom([]workload.Level{"", workload.AtNode, workload.AtRack, workload.AtZone, workload.AtProvider}).Draw(t, "near")
		w.Data = []workload.DataSet{
			{Name: "genome", Bytes: 3 * gib, Required: rapid.Bool().Draw(t, "needed"), Within: near}, {Name: "logs"},
		}
	}
	if sometimes("accelerated") {
		w.Accelerator = workload.Accelerator{Devices: rapid.IntRange(1, 2).Draw(t, "devices"), MemoryBytes: float64(rapid.IntRange(0, 8).Draw(t, "device GiB")) * gib}
		if w.Accelerator.Devices == 1 && rapid.Bool().Draw(t, "shared") {
			w.Accelerator.Share = float64(rapid.IntRange(1, 3).Draw(t, "share")) / 4
		}
		if rapid.Bool().Draw(t, "picky") {
			w.Accelerator.Models = []string{"a100"}
		}
	}
	return w
}

func drawCompany(t *rapid.T, w *workload.Workload) {
	level := rapid.SampledFrom([]workload.Level{workload.AtNode, workload.AtRack, workload.AtZone, workload.AtRegion, workload.AtProvider})
	peers := rapid.SampledFrom([]workload.Peers{
		{}, {App: "web"}, {App: "db"}, {Labels: map[string]string{"tier": "front"}}, {App: "web", Labels: map[string]string{"tier": "back"}},
	})
	for range rapid.IntRange(0, 2).Draw(t, "spreads") {
		w.Spread = append(w.Spread, workload.Spread{
			Over: level.Draw(t, "over"), MaxSkew: rapid.IntRange(1, 3).Draw(t, "skew"), Peers: peers.Draw(t, "peers"), Preferred: rapid.Bool().Draw(t, "preferred"),
		})
	}
	for range rapid.IntRange(0, 2).Draw(t, "affinities") {
		w.Affinity = append(w.Affinity, workload.Affinity{
			Within: level.Draw(t, "within"), Peers: peers.Draw(t, "peers"), Apart: rapid.Bool().Draw(t, "apart"), Preferred: rapid.Bool().Draw(t, "preferred"),
		})
	}
}

// drawForecast draws a forecast in 32nds of the request, or of the limit where there is
// none; nil for unknown.
func drawForecast(t *rapid.T, w *workload.Workload) *forecast.Forecast {
	if rapid.IntRange(0, 3).Draw(t, "known") == 0 {
		return nil
	}
	f := &forecast.Forecast{Workload: w.ID, Grid: forecast.DefaultGrid(), Basis: forecast.Learned, Model: "m"}
	for _, r := range []resource.Name{resource.CPU, resource.Memory} {
		unit := cmp.Or(w.Requests.Get(r), w.Limit(r)) / 32
		d := forecast.Demand{Resource: r, Profile: make([]float32, 24)}
		day, night := rapid.IntRange(0, 24).Draw(t, "day"), rapid.IntRange(0, 24).Draw(t, "night")
		from := rapid.IntRange(0, 23).Draw(t, "from")
		for k := range d.Profile {
			d.Profile[k] = float32(unit * float64(night))
			if (k-from+24)%24 < 8 {
				d.Profile[k] = float32(unit * float64(day))
			}
		}
		d.Peak = float32(unit * float64(max(day, night)+rapid.IntRange(0, 8).Draw(t, "above")))
		d.Mean = d.Peak / 4
		if rapid.Bool().Draw(t, "limited") {
			d.Limit = float32(unit * 32)
		}
		f.Demands = append(f.Demands, d)
	}
	return f
}

func drawMargins(t *rapid.T) forecast.Margins {
	q := func(label string) float32 { return float32(rapid.SampledFrom([]int{0, 1, 2, 4, 8}).Draw(t, label)) / 4 }
	return forecast.Margins{Bands: []forecast.Band{
		{Resource: resource.CPU, MaxMembers: 2, Points: []forecast.Point{{Risk: .02, Q: q("cpu small")}}},
		{Resource: resource.CPU, MaxMembers: 10, Points: []forecast.Point{{Risk: .05, Q: q("cpu")}, {Risk: .01, Q: 1}}},
		{Resource: resource.Memory, MaxMembers: 10, Points: []forecast.Point{{Risk: .01, Q: q("memory")}}},
	}}
}

func drawSettings(t *rapid.T) placement.Settings {
	classes := workload.DefaultClasses()
	for i := range classes {
		classes[i].OvercommitMemory = classes[i].Class == workload.Batch
	}
	weights := map[string]float64{}
	for _, s := range score.Names() {
		weights[s] = float64(rapid.IntRange(0, 3).Draw(t, "weight of "+s))
	}
	weights["fit"]++ // one at least
	s := placement.Settings{
		Classes: classes, HeartbeatTimeout: -1, Seed: rapid.Uint64().Draw(t, "seed"),
		Weights: placement.Weights{Default: weights}, RackCaps: map[string]float64{"k1": 300, "k2": 500},
		PDUCaps: map[string]float64{"a": float64(rapid.SampledFrom([]int{400, 900}).Draw(t, "PDU cap"))}, SiteCaps: map[string]float64{"s1": 500},
	}
	if rapid.Bool().Draw(t, "registry") {
		s.Registry = fleet.Registry{
			"n001": {Level: 2, Compartments: []string{"medical"}, Attested: true, Dedicated: fleet.Dedication{Queue: "default"}}, "n*": {Level: 1},
		}
	}
	if rapid.Bool().Draw(t, "geography") {
		s.Geography = drawGeography(t)
	}
	return s
}

func drawGeography(t *rapid.T) placement.Geography {
	day := make([]float64, 24)
	for h := range day {
		day[h] = float64(100 + 10*h)
	}
	return placement.Geography{
		Countries: map[string]string{"r1": "DE", "p2/r1": "US", "r2": "FR"},
		Energy:    map[string]placement.Energy{"s1": {Carbon: day, Price: []float64{.3}}, "s2": {Carbon: []float64{50}}},
		Data:      map[string]placement.DataSet{"logs": {Bytes: gib}, "genome": {Replicas: []placement.Place{{Provider: "p1", Region: "r1"}, {Provider: "p2", Region: "r2", Zone: "z1"}}}},
		Egress: []placement.Egress{
			{From: placement.Place{Provider: "p1", Region: "r1"}, To: placement.Place{Provider: "p1"}, PerGiB: .01},
			{From: placement.Place{Provider: "p1"}, PerGiB: .09}, {To: placement.Place{Provider: "p1"}, PerGiB: float64(rapid.IntRange(0, 2).Draw(t, "price"))},
		},
	}
}
