package score

import (
	"time"

	"github.com/auspex-project/auspex/placement"
)

// Carbon prefers nodes whose added draw emits little: marginal watts, as in Power,
// times the carbon intensity of the site, averaged over the horizon's hours. A
// site whose intensity is unknown counts as the dirtiest.
type Carbon struct{}

// Electricity is Carbon for the price of a kilowatt-hour.
type Electricity struct{}

var (
	_ placement.Foresight = Carbon{}
	_ placement.Foresight = Electricity{}
	_ placement.Foreseen  = (*energy)(nil)
)

func (Carbon) Name() string           { return "carbon" }
func (Carbon) Unit() string           { return "g CO2e/h" }
func (Carbon) DefaultWeight() float64 { return 1 }

func (Carbon) Prepare(q *placement.Query) placement.Measure {
	return prepareEnergy(q, ofCarbon, func(e placement.Energy) (float64, bool) {
		carbon, _ := e.Over(q)
		return carbon, len(e.Carbon) > 0
	})
}

// Foresee implements placement.Foresight, as Power does.
func (Carbon) Foresee(q *placement.Query) placement.Standing { return Power{}.Foresee(q) }

// Foresee implements placement.Foresight, as Power does.
func (Electricity) Foresee(q *placement.Query) placement.Standing { return Power{}.Foresee(q) }

func (Electricity) Name() string           { return "electricity" }
func (Electricity) Unit() string           { return "currency/h" }
func (Electricity) DefaultWeight() float64 { return 1 }

func (Electricity) Prepare(q *placement.Query) placement.Measure {
	return prepareEnergy(q, ofPrice, func(e placement.Energy) (float64, bool) {
		_, price := e.Over(q)
		return price, len(e.Price) > 0
	})
}

// prepareEnergy returns a measure of watts times what each site has of something
// a kilowatt-hour; nil where no site has any.
func prepareEnergy(q *placement.Query, kind energyKind, of func(placement.Energy) (x float64, known bool)) placement.Measure {
	if len(q.State.Policy.Energy) == 0 {
		return nil
	}
	rates := placement.Recall(q.State, energyKey{kind, q.Stay.From, q.Slots, len(q.State.Domains)}, func() *rates {
		r := &rates{bySite: make(map[string]float64)}
		for site, e := range q.State.Policy.Energy {
			if x, known := of(e); known {
				r.bySite[site] = x / 1000 // a watt-hour
				r.most = max(r.most, x/1000)
			}
		}
		r.sites = make([]float64, len(q.State.Domains))
		for i, d := range q.State.Domains {
			r.sites[i] = r.at(d)
		}
		return r
	})
	watts, ok := Power{}.Prepare(q).(*power)
	if rates.most == 0 || !ok {
		return nil
	}
	return &energy{watts, rates}
}

// energyKey says what rates depend on beside the policy.
type energyKey struct {
	kind  energyKind
	from  time.Time
	slots int

	domains int
}

type energyKind int

const (
	ofCarbon energyKind = iota
	ofPrice
)

type energy struct {
	watts *power
	*rates
}

// rates are what sites have of something over a horizon.
type rates struct {
	bySite map[string]float64 // per watt-hour
	most   float64
	sites  []float64 // the same by power domain, for those of the kind site
}

func (m *rates) at(d *placement.Domain) float64 {
	if d.Kind != placement.SiteDomain {
		return m.most
	}
	if x, known := m.bySite[d.Name]; known {
		return x
	}
	return m.most
}

func (m *energy) Score(s *placement.State, b *placement.Block, candidates uint64, raw, value *placement.Lane) {
	each(candidates, func(i int) {
		watts := 0.0
		if b.Powered>>i&1 == 1 {
			watts = m.watts.added(s, b, i)
		}
		x := watts * m.of(s, b, i)
		raw[i], value[i] = float32(x), percent(1-float32(x/(m.watts.worst*m.most)))
	})
}

// of returns what a watt-hour costs at the site of node i.
func (m *energy) of(s *placement.State, b *placement.Block, i int) float64 {
	switch at := int(b.Feeds[i][placement.SiteDomain]); {
	case at < 0:
		return m.most
	case at < len(m.sites):
		return m.sites[at]
	default: // a node described since the query was made
		return m.at(s.Domains[at])
	}
}

func (m *energy) Rise(s *placement.State, b *placement.Block, builds uint64, mark int, value *placement.Lane) {
	each(builds, func(i int) {
		x := m.watts.least(s, b, i, mark) * m.of(s, b, i)
		value[i] = percent(1-float32(x/(m.watts.worst*m.most))) - 100
	})
}
