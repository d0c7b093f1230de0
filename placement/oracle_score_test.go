package placement_test

import (
	"math"
	"slices"
	"time"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/workload"
)

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
