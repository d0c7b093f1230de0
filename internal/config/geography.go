package config

import (
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/auspex-project/auspex/fleet"
	"github.com/auspex-project/auspex/placement"
)

func (p Power) validate(r *rules) {
	for _, domain := range []struct {
		key  string
		caps map[string]float64
	}{{"power.racks.", p.Racks}, {"power.pdus.", p.PDUs}, {"power.sites.", p.Sites}} {
		for _, name := range slices.Sorted(maps.Keys(domain.caps)) {
			r.require(domain.caps[name] > 0, domain.key+name, "%g W is not more than 0", domain.caps[name])
		}
	}
	for _, site := range slices.Sorted(maps.Keys(p.Energy)) {
		key := "power.energy." + site
		e := p.Energy[site]
		isDay(r, key+".carbon", e.Carbon)
		isDay(r, key+".price", e.Price)
		r.require(len(e.Carbon)+len(e.Price) > 0, key, "gives neither carbon nor price")
	}
	isProbability(r, "power.risk", p.Risk)
}

func isDay(r *rules, key string, hourly []float64) {
	n := len(hourly)
	r.require(n == 0 || n == 1 || n == 24, key, "has %d values (want one, or 24 from 00:00 UTC on)", n)
	for i, x := range hourly {
		r.require(x >= 0, fmt.Sprintf("%s[%d]", key, i), "%g is negative", x)
	}
}

func (c *Config) validateGeography(r *rules) {
	for _, name := range slices.Sorted(maps.Keys(c.Registry)) {
		key := "registry." + name
		_, err := path.Match(name, "")
		r.require(err == nil, key, "is no pattern (want a name, or one with *, ? or [a-z])")
		r.require(c.Registry[name].Level >= 0, key+".level", "%d is negative", c.Registry[name].Level)
		if q := c.Registry[name].DedicatedQueue; q != "" && q != "default" {
			_, ok := c.Queues[q]
			r.require(ok || r.unsure("queues."+q), key+".dedicated_queue", "no queue has the name %q%s", q, didYouMean(q, slices.Sorted(maps.Keys(c.Queues))))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Regions)) {
		country := c.Regions[name].Country
		ok := len(country) == 2 && country[0] >= 'A' && country[0] <= 'Z' && country[1] >= 'A' && country[1] <= 'Z'
		r.require(ok, "regions."+name+".country", "%q is not two capital letters (such as DE)", country)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Data)) {
		key := "data." + name
		r.require(c.Data[name].Size >= 0, key+".size", "is negative")
		for i, text := range c.Data[name].Replicas {
			isPlace(r, fmt.Sprintf("%s.replicas[%d]", key, i), text)
		}
	}
	for i, e := range c.Egress {
		key := fmt.Sprintf("egress[%d]", i)
		isPlace(r, key+".from", e.From)
		isPlace(r, key+".to", e.To)
		r.require(e.PerGiB >= 0, key+".per_gib", "%g is negative", e.PerGiB)
	}
}

func isPlace(r *rules, key, text string) {
	_, err := placement.ParsePlace(text)
	r.refuse(key, err)
}

// registry returns what is vouched for; never nil, so that the word of nodes does
// not count.
func (c *Config) registry() fleet.Registry {
	registry := make(fleet.Registry, len(c.Registry))
	for name, m := range c.Registry {
		registry[name] = fleet.Entry{
			Level: m.Level, Compartments: m.Compartments, Attested: m.Attested,
			Dedicated: fleet.Dedication{Tenant: m.DedicatedTenant, Queue: m.DedicatedQueue},
		}
	}
	return registry
}

// geography returns what is known of places. Places that cannot be read have been
// refused by validate.
func (c *Config) geography() placement.Geography {
	g := placement.Geography{
		Countries: map[string]string{}, Energy: map[string]placement.Energy{}, Data: map[string]placement.DataSet{},
	}
	for name, region := range c.Regions {
		g.Countries[name] = region.Country
	}
	for site, e := range c.Power.Energy {
		g.Energy[site] = placement.Energy{Carbon: e.Carbon, Price: e.Price}
	}
	for name, d := range c.Data {
		set := placement.DataSet{Bytes: float64(d.Size)}
		for _, text := range d.Replicas {
			p, _ := placement.ParsePlace(text)
			set.Replicas = append(set.Replicas, p)
		}
		g.Data[name] = set
	}
	for _, e := range c.Egress {
		from, _ := placement.ParsePlace(e.From)
		to, _ := placement.ParsePlace(e.To)
		g.Egress = append(g.Egress, placement.Egress{From: from, To: to, PerGiB: e.PerGiB})
	}
	return g
}
