package placement

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/auspex-project/auspex/resource"
)

// Geography is what the operator knows of places, sites and the data there.
type Geography struct {
	// Countries holds the country whose law a region stands under (ISO 3166-1
	// alpha-2), by region or by "provider/region".
	Countries map[string]string

	Energy map[string]Energy  // by site
	Data   map[string]DataSet // by name
	Egress []Egress           // the first that matches holds
}

// Energy is what a kilowatt-hour costs at a site, by hour of the day (UTC): 24
// values, one for all hours, or none where it is unknown.
type Energy struct {
	Carbon []float64 // grams of CO2 equivalent
	Price  []float64 // in the operator's currency
}

// DataSet is what is known of data beside the replicas that nodes name.
type DataSet struct {
	Bytes    float64 // 0 = unknown
	Replicas []Place // parts may be "" from the right: a replica anywhere in the region
}

// Egress is the price of moving data out of one place into another.
type Egress struct {
	From, To Place   // parts that are "" match any
	PerGiB   float64 // in the operator's currency
}

// ParsePlace reads provider/region/zone/rack, of which parts may be missing from
// the right; "*" is any place.
func ParsePlace(text string) (Place, error) {
	parts := strings.Split(text, "/")
	if text == "*" {
		return Place{}, nil
	}
	if len(parts) > 4 || slices.Contains(parts, "") {
		return Place{}, fmt.Errorf("place %q (want provider/region/zone/rack, or less from the left)", text)
	}
	parts = append(parts, "", "", "")
	return Place{parts[0], parts[1], parts[2], parts[3]}, nil
}

// Covers reports whether o lies in p, whose "" parts match any.
func (p Place) Covers(o Place) bool {
	in := func(part, of string) bool { return part == "" || part == of }
	return in(p.Provider, o.Provider) && in(p.Region, o.Region) && in(p.Zone, o.Zone) && in(p.Rack, o.Rack)
}

// Country returns the country of a place, "" where it is unknown.
func (g *Geography) Country(p Place) string {
	if c, ok := g.Countries[p.Provider+"/"+p.Region]; ok {
		return c
	}
	return g.Countries[p.Region]
}

// PerGiB returns what moving a GiB from one place to another costs; within one
// place nothing.
func (g *Geography) PerGiB(from, to Place) float64 {
	if from == to {
		return 0
	}
	return g.price(from, to)
}

// price is PerGiB between two different places.
func (g *Geography) price(from, to Place) float64 {
	for _, e := range g.Egress {
		if e.From.Covers(from) && e.To.Covers(to) {
			return e.PerGiB
		}
	}
	return 0
}

// mean returns the average of a list as in Energy over slots of length hours from
// the hour of day first on; known is false for an empty one.
func mean(hourly []float64, first, hours float64, slots int) (x float64, known bool) {
	if len(hourly) == 0 {
		return 0, false
	}
	for i := range slots {
		hour := int(first + float64(i)*hours)
		x += hourly[hour%24%len(hourly)]
	}
	return x / float64(slots), true
}

// Over returns the means of e over the horizon of q, in grams and currency a
// kilowatt-hour, 0 where unknown.
func (e Energy) Over(q *Query) (carbon, price float64) {
	hours := q.State.Grid.Slot.Hours()
	first := float64(q.Stay.From.UTC().Hour()) + float64(q.Stay.From.UTC().Minute())/60
	carbon, _ = mean(e.Carbon, first, hours, q.Slots)
	price, _ = mean(e.Price, first, hours, q.Slots)
	return carbon, price
}

// Validate reports everything that is wrong with g.
func (g Geography) Validate() error {
	var errs []error
	for _, region := range slices.Sorted(maps.Keys(g.Countries)) {
		if c := g.Countries[region]; len(c) != 2 || strings.ToUpper(c) != c {
			errs = append(errs, fmt.Errorf("country of region %s is %q (want two capital letters, such as DE)", region, c))
		}
	}
	for _, site := range slices.Sorted(maps.Keys(g.Energy)) {
		for _, list := range [][]float64{g.Energy[site].Carbon, g.Energy[site].Price} {
			if n := len(list); n != 0 && n != 1 && n != 24 {
				errs = append(errs, fmt.Errorf("energy of site %s: %d values (want one, or 24 by hour)", site, n))
			}
			for _, x := range list {
				if !(x >= 0) || math.IsInf(x, 0) {
					errs = append(errs, fmt.Errorf("energy of site %s: %g a kilowatt-hour (want 0 or more)", site, x))
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(g.Data)) {
		if err := resource.CheckAmount(resource.Disk, g.Data[name].Bytes); err != nil || name == "" {
			errs = append(errs, fmt.Errorf("data set %q: needs a name and a finite size", name))
		}
	}
	for _, e := range g.Egress {
		if !(e.PerGiB >= 0) || math.IsInf(e.PerGiB, 0) {
			errs = append(errs, fmt.Errorf("egress from %v to %v costs %g a GiB (want 0 or more)", e.From, e.To, e.PerGiB))
		}
	}
	return errors.Join(errs...)
}
