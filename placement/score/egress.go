package score

import (
	"math"
	"slices"

	"github.com/auspex-project/auspex/placement"
)

// Egress prefers nodes to which the data the workload reads move for little: bytes
// times the price a GiB of moving them from the cheapest replica. The scale is the
// dearest place that has a node. Data without a replica cost nothing anywhere.
type Egress struct{}

var _ placement.Scorer = Egress{}

func (Egress) Name() string           { return "egress" }
func (Egress) Unit() string           { return "currency" }
func (Egress) DefaultWeight() float64 { return 2 }

const gib = 1 << 30

func (Egress) Prepare(q *placement.Query) placement.Measure {
	m := &egress{}
	if len(q.State.Policy.Egress) == 0 {
		return nil
	}
	for _, d := range q.Workload.Data {
		id := q.State.DataSet(d.Name)
		prices := q.State.Prices(id)
		gibs := size(q, d) / gib
		if gibs == 0 || prices == nil {
			continue
		}
		set := priced{id: id, from: q.State.Catalogue.Replicas[id], gibs: gibs, prices: prices}
		most := float32(0)
		for i, price := range prices {
			if i < len(q.State.Catalogue.At) && q.State.Catalogue.At[i] > 0 {
				most = max(most, float32(price*gibs))
			}
		}
		m.worst += most
		m.sets = append(m.sets, set)
	}
	if m.worst == 0 {
		return nil
	}
	return m
}

type egress struct {
	sets  []priced
	worst float32
}

type priced struct {
	id     uint32
	from   []uint32 // places
	gibs   float64
	prices []float64 // a GiB, by place
}

// at returns what moving the data to a place costs.
func (d *priced) at(s *placement.State, place uint32) float32 {
	if int(place) < len(d.prices) {
		return float32(d.prices[place] * d.gibs)
	}
	// A node described since the query was made.
	cheapest := math.Inf(1)
	for _, from := range d.from {
		cheapest = min(cheapest, s.Policy.PerGiB(s.Places[from], s.Places[place]))
	}
	return float32(cheapest * d.gibs)
}

func (*egress) Lasting() {}

// Locate implements placement.Located.
func (m *egress) Locate(s *placement.State, value []float32) {
	for place := range value {
		cost := float32(0)
		for k := range m.sets {
			cost += m.sets[k].at(s, uint32(place))
		}
		value[place] = percent(1 - cost/m.worst)
	}
}

// Apart implements placement.Located: a replica of their own makes a difference.
func (m *egress) Apart(s *placement.State) (nodes []int32) {
	for k := range m.sets {
		nodes = append(nodes, s.Catalogue.Holders[m.sets[k].id]...)
	}
	return nodes
}

func (m *egress) Score(s *placement.State, b *placement.Block, candidates uint64, raw, value *placement.Lane) {
	each(candidates, func(i int) {
		cost := float32(0)
		for k := range m.sets {
			if d := &m.sets[k]; !slices.Contains(b.Data[i], d.id) {
				cost += d.at(s, b.Place[i])
			}
		}
		raw[i], value[i] = cost, percent(1-cost/m.worst)
	})
}
