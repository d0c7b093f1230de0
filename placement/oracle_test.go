package placement_test

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

// dumb is the engine as one would write it without a thought for speed: plain
// values in double precision, everything computed anew from the descriptions of
// nodes and workloads for every question. It is what the fast one is held to.
type dumb struct {
	nodes     []*dumbNode // by name
	forecasts map[string]*forecast.Forecast
	margins   forecast.Margins
	settings  placement.Settings
}

type dumbNode struct {
	fleet.Node
	draining bool
	placed   []*dumbPlaced
}

type dumbPlaced struct {
	*workload.Workload
	devices []int
}

func (d *dumb) class(c workload.Class) workload.ClassPolicy {
	i := slices.IndexFunc(d.settings.Classes, func(p workload.ClassPolicy) bool { return p.Class == c })
	return d.settings.Classes[i]
}

// uses returns what w is predicted to use of r in slot t, at its own peak, at
// most, and on average.
func (d *dumb) uses(w *workload.Workload, r resource.Name, t int) (profile, peak, limit, mean float64) {
	if f := d.forecasts[w.ID]; f != nil {
		if demand, ok := f.Demand(r); ok {
			limit := max(float64(demand.Limit), float64(demand.Peak))
			if demand.Limit == 0 {
				limit = max(w.Limit(r), float64(demand.Peak))
			}
			return float64(demand.Profile[t]), float64(demand.Peak), limit, float64(demand.Mean)
		}
	}
	x := w.Limit(r)
	return x, x, x, x
}

// peak returns the predicted peak of r on n with w in slot t.
func (d *dumb) peak(n *dumbNode, w *workload.Workload, r resource.Name, t int, risk float64) float64 {
	var profile, peak, limit float64
	members := 0
	for _, p := range append(d.workloads(n), w) {
		if p == nil {
			continue
		}
		a, b, c, _ := d.uses(p, r, t)
		profile, peak, limit = profile+a, peak+b, limit+c
		members++
	}
	q := float64(d.margins.At(r, members, risk))
	x := profile + q*(max(peak-profile, 0)+.01*limit)
	if limit > 0 {
		return min(x, limit)
	}
	return x
}

func (d *dumb) workloads(n *dumbNode) []*workload.Workload {
	var ws []*workload.Workload
	for _, p := range n.placed {
		ws = append(ws, p.Workload)
	}
	return ws
}

func (d *dumb) watts(n *dumbNode, w *workload.Workload, devices []int, t int) float64 {
	if len(n.placed) == 0 && w == nil {
		return 0
	}
	cores := d.peak(n, w, resource.CPU, t, .01)
	watts := n.Power.Watts(cores / n.Capacity.Get(resource.CPU))
	for _, dev := range n.Devices {
		watts += dev.IdleWatts
	}
	for _, p := range append(slices.Clone(n.placed), &dumbPlaced{w, devices}) {
		for _, k := range p.devices {
			watts += (n.Devices[k].MaxWatts - n.Devices[k].IdleWatts) * p.Accelerator.PerDevice()
		}
	}
	return watts
}

// free returns the share and memory left of each device of n.
func (d *dumb) free(n *dumbNode) (share, memory []float64) {
	for _, dev := range n.Devices {
		share, memory = append(share, 1), append(memory, dev.MemoryBytes)
	}
	for _, p := range n.placed {
		for _, k := range p.devices {
			share[k] -= p.Accelerator.PerDevice()
			memory[k] -= p.Accelerator.MemoryBytes
		}
	}
	return share, memory
}

// devices returns those w would get on n, nil when there are too few.
func (d *dumb) devices(n *dumbNode, w *workload.Workload) []int {
	share, memory := d.free(n)
	var fit []int
	for k, dev := range n.Devices {
		if (len(w.Accelerator.Models) == 0 || slices.Contains(w.Accelerator.Models, dev.Model)) &&
			share[k] > w.Accelerator.PerDevice()-1e-9 && memory[k] >= w.Accelerator.MemoryBytes {
			fit = append(fit, k)
		}
	}
	if w.Accelerator.PerDevice() < 1 {
		slices.SortStableFunc(fit, func(a, b int) int {
			switch {
			case share[a] < share[b]-1e-9:
				return -1
			case share[a] > share[b]+1e-9:
				return 1
			}
			return a - b
		})
	}
	if len(fit) < w.Accelerator.Devices {
		return nil
	}
	return fit[:w.Accelerator.Devices]
}

// within reports whether the next slot t, an hour of the day, begins before the
// end of the horizon.
func within(t int, now time.Time, horizon time.Duration) bool {
	hour := now.UTC().Truncate(time.Hour)
	ahead := time.Duration((t-hour.Hour()+24)%24) * time.Hour
	return hour.Add(ahead).Before(now.Add(horizon))
}

// allows reports whether w may run on n.
func (d *dumb) allows(n *dumbNode, w *workload.Workload, now time.Time) bool {
	policy := d.class(w.Class)
	ok := !n.draining && d.mayStay(n, w, now)
	for k, v := range w.Selector {
		ok = ok && n.Labels[k] == v
	}
	for _, r := range w.Requirements {
		ok = ok && meets(n.Labels, r)
	}
	for _, taint := range n.Taints {
		ok = ok && (taint.Effect == fleet.PreferNoSchedule || slices.ContainsFunc(w.Tolerations, func(t workload.Toleration) bool {
			return t.Key == taint.Key && (t.Value == "" || t.Value == taint.Value)
		}))
	}
	e := d.vouched(n)
	ok = ok && e.Level >= w.Security.Level && (e.Attested || !w.Security.Attested)
	for _, c := range w.Security.Compartments {
		ok = ok && slices.Contains(e.Compartments, c)
	}
	ok = ok && (e.Dedicated.Tenant == "" || e.Dedicated.Tenant == w.Security.Tenant) &&
		(e.Dedicated.Queue == "" || e.Dedicated.Queue == "default")
	if len(w.Security.Countries) > 0 {
		country, own := d.settings.Countries[n.Provider+"/"+n.Region]
		if !own {
			country = d.settings.Countries[n.Region]
		}
		ok = ok && slices.Contains(w.Security.Countries, country)
	}
	for _, p := range n.placed {
		if p.Security.Tenant != w.Security.Tenant {
			ok = ok && !p.Security.Exclusive && !w.Security.Exclusive
		}
	}
	in := func(list []string, x string) bool { return len(list) == 0 || slices.Contains(list, x) }
	l := w.Locality.Required
	ok = ok && in(l.Providers, n.Provider) && in(l.Regions, n.Region) && in(l.Zones, n.Zone) && in(l.Racks, n.Rack) && in(l.Nodes, n.Name)
	for _, data := range w.Data {
		if data.Required {
			far := map[workload.Level]float64{workload.AtNode: 0, workload.AtRack: 1, workload.AtZone: 2, workload.AtRegion: 3, "": 3, workload.AtProvider: 4}
			ok = ok && d.distance(n, data.Name) <= far[data.Within]
		}
	}
	ok = ok && d.companyAllows(n, w)
	devices := d.devices(n, w)
	ok = ok && (w.Accelerator.Devices == 0 || devices != nil)

	own := w.Requests.Get(resource.Memory) // who asks for none adds nothing to what is promised
	requested := own
	for _, p := range n.placed {
		requested += p.Requests.Get(resource.Memory)
	}
	ok = ok && w.Requests.Get(resource.CPU) <= n.Capacity.Get(resource.CPU) &&
		(policy.OvercommitMemory || own == 0 || requested <= n.Capacity.Get(resource.Memory))
	if policy.OvercommitMemory {
		ok = ok && w.Requests.Get(resource.Memory) <= n.Capacity.Get(resource.Memory)
	}
	for t := range 24 {
		if within(t, now, policy.Horizon) {
			for _, r := range []resource.Name{resource.CPU, resource.Memory} {
				ok = ok && d.peak(n, w, r, t, policy.Risk) <= n.Capacity.Get(r)*(1+1e-5)
			}
		}
		if !ok {
			return false
		}
		after := d.watts(n, w, devices, t)
		ok = ok && (n.CapWatts == 0 || after <= n.CapWatts*(1+1e-6))
		for _, domain := range []struct {
			cap float64
			of  func(*dumbNode) string
		}{
			{d.settings.RackCaps[n.Rack], func(o *dumbNode) string { return o.Rack }},
			{d.settings.PDUCaps[n.PDU], func(o *dumbNode) string { return o.PDU }},
			{d.settings.SiteCaps[n.Site], func(o *dumbNode) string { return o.Site }},
		} {
			if domain.cap == 0 || !n.Power.Known() && len(n.Devices) == 0 {
				continue // what is not known to draw anything changes nothing
			}
			sum := after
			for _, o := range d.nodes {
				if o != n && domain.of(o) == domain.of(n) {
					sum += d.watts(o, nil, nil, t)
				}
			}
			ok = ok && sum <= domain.cap*(1+1e-6)
		}
	}
	return ok
}

// vouched returns what counts of the security of n.
func (d *dumb) vouched(n *dumbNode) fleet.Entry {
	if d.settings.Registry == nil {
		return n.Entry()
	}
	if e, ok := d.settings.Registry[n.Name]; ok {
		return e
	}
	return d.settings.Registry["n*"]
}

// mayStay reports whether no maintenance of n falls into the horizon of w or,
// should it be longer, the time it runs, both in whole hours.
func (d *dumb) mayStay(n *dumbNode, w *workload.Workload, now time.Time) bool {
	from := now.Truncate(time.Hour)
	until := now.Add(d.class(w.Class).Horizon).Add(time.Hour - 1).Truncate(time.Hour)
	if slots := until.Sub(from); slots > 24*time.Hour {
		until = from.Add(24 * time.Hour)
	}
	if end := from.Add(w.Runtime.Truncate(time.Hour) + 2*time.Hour); end.After(until) {
		until = end
	}
	for _, m := range n.Maintenance {
		if m.From.Before(until) && from.Before(m.Until) {
			return false
		}
	}
	return true
}

func meets(labels map[string]string, r workload.Requirement) bool {
	value, has := labels[r.Key]
	switch r.Operator {
	case workload.In:
		return has && slices.Contains(r.Values, value)
	case workload.NotIn:
		return !has || !slices.Contains(r.Values, value)
	case workload.Exists:
		return has
	case workload.NotExists:
		return !has
	}
	x, err := strconv.Atoi(value)
	bound, _ := strconv.Atoi(r.Values[0])
	return err == nil && (r.Operator == workload.GreaterThan && x > bound || r.Operator == workload.LessThan && x < bound)
}

// best returns the nodes w may run on and the highest score among them.
func (d *dumb) best(w *workload.Workload, now time.Time) (feasible []string, highest float64) {
	highest = math.Inf(-1)
	for _, n := range d.nodes {
		if d.allows(n, w, now) {
			feasible = append(feasible, n.Name)
			highest = max(highest, d.score(n, w, now))
		}
	}
	return feasible, highest
}
