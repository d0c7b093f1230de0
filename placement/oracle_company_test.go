package placement_test

import (
	"math"
	"slices"

	"github.com/auspex-project/auspex/workload"
)

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
