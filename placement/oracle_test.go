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

// score returns the points of w on n.
func (d *dumb) score(n *dumbNode, w *workload.Workload, now time.Time) float64 {
	var sum, weights float64
	for name, weight := range d.settings.Weights.Default {
		sum += weight * min(max(d.value(name, n, w, now), 0), 100)
		weights += weight
	}
	return sum / weights
}

func (d *dumb) value(scorer string, n *dumbNode, w *workload.Workload, now time.Time) float64 {
	policy := d.class(w.Class)
	resources := []resource.Name{resource.CPU, resource.Memory}
	switch scorer {
	case "fit":
		share := 0.0
		for _, r := range resources {
			var profile, peak, limit float64
			for _, p := range append(d.workloads(n), w) {
				for t := range 24 {
					a, _, _, _ := d.uses(p, r, t)
					profile += a / 24
				}
				_, b, c, _ := d.uses(p, r, 0)
				peak, limit = peak+b, limit+c
			}
			q := float64(d.margins.At(r, len(n.placed)+1, policy.Risk))
			share += min(profile+q*(max(peak-profile, 0)+.01*limit), limit) / n.Capacity.Get(r) / 2
		}
		return 100 * share
	case "balance":
		most := 0.0
		for _, r := range resources {
			use := 0.0
			for _, p := range append(d.workloads(n), w) {
				_, _, _, mean := d.uses(p, r, 0)
				use += mean
			}
			most = max(most, use/n.Capacity.Get(r))
		}
		return 100 * (1 - most)
	case "risk":
		least := 1.0
		for t := range 24 {
			if within(t, now, policy.Horizon) {
				for _, r := range resources {
					least = min(least, 1-d.peak(n, w, r, t, policy.Risk)/n.Capacity.Get(r))
				}
			}
		}
		return 100 * least
	case "power":
		return d.power(n, w)
	case "accelerator":
		return d.accelerator(n, w)
	case "room":
		return 0 // nobody plans here
	case "locality":
		return d.locality(n, w)
	case "cost":
		return d.cost(n, w)
	case "egress":
		return d.egress(n, w)
	case "electricity":
		return d.energy(n, w, now, func(e placement.Energy) []float64 { return e.Price })
	case "carbon":
		return d.energy(n, w, now, func(e placement.Energy) []float64 { return e.Carbon })
	case "taints":
		unkind, bad := false, 0.0
		for _, o := range d.nodes {
			for _, t := range o.Taints {
				unkind = unkind || t.Effect == fleet.PreferNoSchedule
				tolerated := slices.ContainsFunc(w.Tolerations, func(x workload.Toleration) bool {
					return x.Key == t.Key && (x.Value == "" || x.Value == t.Value)
				})
				if o == n && t.Effect == fleet.PreferNoSchedule && !tolerated {
					bad++
				}
			}
		}
		if !unkind {
			return 0
		}
		return 100 / (1 + bad)
	case "spread":
		return d.spread(n, w)
	case "affinity":
		return d.affinity(n, w)
	case "stability":
		if w.RunsOn == n.Name {
			return 100
		}
		return 0
	case "preference":
		met, wishes := 0.0, 0.0
		p := w.Locality.Preferred
		for _, wish := range []struct {
			list []string
			at   string
		}{{p.Providers, n.Provider}, {p.Regions, n.Region}, {p.Zones, n.Zone}, {p.Racks, n.Rack}, {p.Nodes, n.Name}} {
			if len(wish.list) > 0 {
				wishes++
				if slices.Contains(wish.list, wish.at) {
					met++
				}
			}
		}
		return 100 * met / max(wishes, 1)
	}
	panic("unknown scorer " + scorer)
}

func (d *dumb) power(n *dumbNode, w *workload.Workload) float64 {
	watts, worst := d.added(n, w)
	if worst == 0 {
		return 0
	}
	return 100 * (1 - watts/worst)
}

// added returns the watts w adds to n, and the most it could add anywhere.
func (d *dumb) added(n *dumbNode, w *workload.Workload) (watts, worst float64) {
	var idle, perCore, swing float64
	for _, o := range d.nodes {
		base := o.Power.Watts(0)
		for _, dev := range o.Devices {
			base += dev.IdleWatts
			swing = max(swing, dev.MaxWatts-dev.IdleWatts)
		}
		idle = max(idle, base)
		table := o.Power.Table()
		for i := 1; i < len(table); i++ {
			perCore = max(perCore, (table[i]-table[i-1])*10/o.Capacity.Get(resource.CPU))
		}
	}
	_, _, _, mean := d.uses(w, resource.CPU, 0)
	worst = idle + perCore*mean + swing*float64(w.Accelerator.Devices)
	before := 0.0
	for _, p := range n.placed {
		_, _, _, m := d.uses(p.Workload, resource.CPU, 0)
		before += m
	}
	cores := n.Capacity.Get(resource.CPU)
	watts = n.Power.Watts((before + mean) / cores)
	if len(n.placed) > 0 {
		watts -= n.Power.Watts(before / cores)
	} else {
		for _, dev := range n.Devices {
			watts += dev.IdleWatts
		}
	}
	for _, k := range d.devices(n, w) {
		watts += (n.Devices[k].MaxWatts - n.Devices[k].IdleWatts) * w.Accelerator.PerDevice()
	}
	return watts, worst
}

// energy returns the points of the watts w adds to n times what an hour there has
// of something.
func (d *dumb) energy(n *dumbNode, w *workload.Workload, now time.Time, of func(placement.Energy) []float64) float64 {
	average := func(list []float64) float64 {
		sum, hours := 0.0, 0.0
		for h := range 24 {
			if within(h, now, d.class(w.Class).Horizon) {
				sum, hours = sum+list[h%len(list)], hours+1
			}
		}
		return sum / hours
	}
	most := 0.0
	for _, e := range d.settings.Energy {
		if list := of(e); len(list) > 0 {
			most = max(most, average(list))
		}
	}
	here := most
	if list := of(d.settings.Energy[n.Site]); len(list) > 0 {
		here = average(list)
	}
	watts, worst := d.added(n, w)
	if most == 0 || worst == 0 {
		return 0
	}
	return 100 * (1 - watts*here/(worst*most))
}

// egress returns the points of what it costs to move to n what w reads.
func (d *dumb) egress(n *dumbNode, w *workload.Workload) float64 {
	price := func(o *dumbNode, name string) float64 {
		if slices.Contains(o.Data, name) {
			return 0
		}
		cheapest := math.Inf(1)
		from := slices.Clone(d.settings.Data[name].Replicas)
		for _, x := range d.nodes {
			if slices.Contains(x.Data, name) {
				from = append(from, placement.Place{Provider: x.Provider, Region: x.Region, Zone: x.Zone, Rack: x.Rack})
			}
		}
		to := placement.Place{Provider: o.Provider, Region: o.Region, Zone: o.Zone, Rack: o.Rack}
		for _, f := range from {
			x := 0.0
			for _, e := range slices.Backward(d.settings.Egress) {
				if (e.From.Provider == "" || e.From.Provider == f.Provider) && (e.From.Region == "" || e.From.Region == f.Region) &&
					(e.To.Provider == "" || e.To.Provider == to.Provider) && f != to {
					x = e.PerGiB
				}
			}
			cheapest = min(cheapest, x)
		}
		if math.IsInf(cheapest, 1) {
			return 0
		}
		return cheapest
	}
	var cost, worst float64
	for _, data := range w.Data {
		bytes := data.Bytes
		if bytes == 0 {
			bytes = d.settings.Data[data.Name].Bytes
		}
		most := 0.0
		for _, o := range d.nodes {
			elsewhere := *o
			elsewhere.Data = nil // the scale is that of places, not of nodes
			if len(d.settings.Data[data.Name].Replicas) > 0 || slices.ContainsFunc(d.nodes, func(x *dumbNode) bool { return slices.Contains(x.Data, data.Name) }) {
				most = max(most, price(&elsewhere, data.Name))
			}
		}
		cost += price(n, data.Name) * bytes / gib
		worst += most * bytes / gib
	}
	if worst == 0 {
		return 0
	}
	return 100 * (1 - cost/worst)
}

func (d *dumb) accelerator(n *dumbNode, w *workload.Workload) float64 {
	share, _ := d.free(n)
	count := max(float64(len(share)), 1)
	var free, whole float64
	for _, s := range share {
		free += s
		if s > 1-1e-9 {
			whole++
		}
	}
	switch {
	case w.Accelerator.Devices == 0:
		return 100 * (1 - free/count)
	case w.Accelerator.PerDevice() < 1:
		return 100 * (1 - (share[d.devices(n, w)[0]] - w.Accelerator.PerDevice()))
	}
	return 100 * (1 - (whole-float64(w.Accelerator.Devices))/count)
}

func (d *dumb) locality(n *dumbNode, w *workload.Workload) float64 {
	var cost, total float64
	for _, data := range w.Data {
		bytes := data.Bytes
		if bytes == 0 {
			bytes = d.settings.Data[data.Name].Bytes
		}
		cost += bytes * d.distance(n, data.Name)
		total += bytes
	}
	if total == 0 {
		return 0
	}
	return 100 * (1 - cost/(5*total))
}

// distance returns how far n is from the nearest replica: 0 on it, 1 in its rack,
// up to 5 beyond its provider.
func (d *dumb) distance(n *dumbNode, data string) float64 {
	far := func(p placement.Place) float64 {
		switch {
		case p.Provider != n.Provider || p.Provider == "":
			return 5
		case p.Region != n.Region || p.Region == "":
			return 4
		case p.Zone != n.Zone || p.Zone == "":
			return 3
		case p.Rack != n.Rack || p.Rack == "":
			return 2
		}
		return 1
	}
	nearest := 5.0
	for _, o := range d.nodes {
		if slices.Contains(o.Data, data) {
			nearest = min(nearest, far(placement.Place{Provider: o.Provider, Region: o.Region, Zone: o.Zone, Rack: o.Rack}))
		}
	}
	for _, p := range d.settings.Data[data].Replicas {
		nearest = min(nearest, far(p))
	}
	if slices.Contains(n.Data, data) {
		nearest = 0
	}
	return nearest
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

// part names the part of a level that n is in, "" for none.
func part(n *dumbNode, level workload.Level) string {
	switch {
	case level == workload.AtNode:
		return n.Name
	case level == workload.AtProvider:
		return n.Provider
	case level == workload.AtRegion && n.Region != "":
		return n.Provider + "/" + n.Region
	case level == workload.AtZone && n.Zone != "":
		return n.Provider + "/" + n.Region + "/" + n.Zone
	case level == workload.AtRack && n.Rack != "":
		return n.Provider + "/" + n.Region + "/" + n.Zone + "/" + n.Rack
	}
	return ""
}

func isPeer(p workload.Peers, asker, w *workload.Workload) bool {
	if p.App == "" && len(p.Labels) == 0 {
		return w.App == asker.App
	}
	for k, v := range p.Labels {
		if w.Labels[k] != v {
			return false
		}
	}
	return p.App == "" || p.App == w.App
}

// near counts the peers in the same part as n; all counts those in the fleet.
func (d *dumb) near(n *dumbNode, w *workload.Workload, p workload.Peers, level workload.Level) (near, all int) {
	for _, o := range d.nodes {
		for _, x := range o.placed {
			if isPeer(p, w, x.Workload) {
				all++
				if at := part(n, level); at != "" && at == part(o, level) {
					near++
				}
			}
		}
	}
	return near, all
}

// over returns how many more than may be the part of n would hold with w; in no
// part none may.
func (d *dumb) over(n *dumbNode, w *workload.Workload, s workload.Spread) (over int, in bool) {
	l, contains := w.Locality.Required, func(list []string, x string) bool { return len(list) == 0 || slices.Contains(list, x) }
	fewest := math.MaxInt
	for _, o := range d.nodes {
		if part(o, s.Over) != "" && contains(l.Providers, o.Provider) && contains(l.Regions, o.Region) && contains(l.Zones, o.Zone) && contains(l.Racks, o.Rack) {
			there, _ := d.near(o, w, s.Peers, s.Over)
			fewest = min(fewest, there)
		}
	}
	here, _ := d.near(n, w, s.Peers, s.Over)
	if isPeer(s.Peers, w, w) {
		here++
	}
	if fewest == math.MaxInt {
		return 0, part(n, s.Over) != ""
	}
	return max(0, here-fewest-s.MaxSkew), part(n, s.Over) != ""
}

// companyAllows reports whether what runs on n, or near it, lets w come.
func (d *dumb) companyAllows(n *dumbNode, w *workload.Workload) bool {
	own, _ := d.near(n, w, workload.Peers{App: w.App}, workload.AtNode)
	if w.MaxPerNode > 0 && own >= w.MaxPerNode {
		return false
	}
	for _, s := range w.Spread {
		if over, in := d.over(n, w, s); !s.Preferred && (over > 0 || !in) {
			return false
		}
	}
	for _, a := range w.Affinity {
		near, all := d.near(n, w, a.Peers, a.Within)
		switch {
		case a.Preferred:
		case a.Apart && near > 0:
			return false
		case !a.Apart && near == 0 && !(all == 0 && isPeer(a.Peers, w, w)):
			return false
		}
	}
	for _, o := range d.nodes {
		for _, x := range o.placed {
			for _, a := range x.Affinity {
				if a.Apart && !a.Preferred && isPeer(a.Peers, x.Workload, w) && part(n, a.Within) != "" && part(n, a.Within) == part(o, a.Within) {
					return false
				}
			}
		}
	}
	return true
}

func (d *dumb) spread(n *dumbNode, w *workload.Workload) float64 {
	var sum, count float64
	for _, s := range w.Spread {
		if s.Preferred {
			count++
			if over, in := d.over(n, w, s); in {
				sum += 1 / (1 + float64(over))
			}
		}
	}
	return 100 * sum / max(count, 1)
}

func (d *dumb) affinity(n *dumbNode, w *workload.Workload) float64 {
	var sum, count float64
	for _, a := range w.Affinity {
		if !a.Preferred {
			continue
		}
		count++
		switch near, _ := d.near(n, w, a.Peers, a.Within); {
		case a.Apart:
			sum += 1 / (1 + float64(near))
		case near > 0:
			sum++
		}
	}
	return 100 * sum / max(count, 1)
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

func (d *dumb) cost(n *dumbNode, w *workload.Workload) float64 {
	asks := map[resource.Name]float64{
		resource.CPU: w.Requests.Get(resource.CPU), resource.Memory: w.Requests.Get(resource.Memory),
		resource.GPU: float64(w.Accelerator.Devices) * w.Accelerator.PerDevice(),
	}
	var worst, share float64
	for r, x := range asks {
		for _, o := range d.nodes {
			if o.Capacity.Get(r) > 0 {
				worst = max(worst, x*o.CostPerHour/o.Capacity.Get(r))
			}
		}
		if n.Capacity.Get(r) > 0 {
			share = max(share, x/n.Capacity.Get(r))
		}
	}
	if worst == 0 {
		return 0
	}
	return 100 * (1 - share*n.CostPerHour/worst)
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
