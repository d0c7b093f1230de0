package score

import (
	"slices"

	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/workload"
)

// Locality prefers nodes near the data the workload reads: bytes times the
// distance to the nearest replica, which is 0 on the node itself, 1 in its rack, 2
// in its zone, 3 in its region, 4 at its provider and 5 beyond or where there is
// no replica.
type Locality struct{}

var _ placement.Scorer = Locality{}

func (Locality) Name() string           { return "locality" }
func (Locality) Unit() string           { return "bytes x distance" }
func (Locality) DefaultWeight() float64 { return 2 }

const farthest = 5

func (Locality) Prepare(q *placement.Query) placement.Measure {
	m := &locality{}
	for _, d := range q.Workload.Data {
		bytes := float32(size(q, d))
		if bytes == 0 {
			continue
		}
		id := q.State.DataSet(d.Name)
		m.sets = append(m.sets, dataSet{id, bytes, q.State.Distances(id)})
		m.total += bytes
	}
	if m.total == 0 {
		return nil
	}
	return m
}

// size returns how much of a data set is read: all of it where the workload does
// not say.
func size(q *placement.Query, d workload.DataSet) float64 {
	if d.Bytes == 0 {
		return q.State.Policy.Data[d.Name].Bytes
	}
	return d.Bytes
}

type locality struct {
	sets  []dataSet
	total float32 // bytes
}

type dataSet struct {
	id       uint32
	bytes    float32
	distance []int8 // between places
}

func (*locality) Lasting() {}

// Locate implements placement.Located.
func (m *locality) Locate(_ *placement.State, value []float32) {
	for place := range value {
		cost := float32(0)
		for k := range m.sets {
			cost += m.sets[k].bytes * m.sets[k].to(uint32(place))
		}
		value[place] = percent(1 - cost/(farthest*m.total))
	}
}

// Apart implements placement.Located: a replica of their own makes a difference.
func (m *locality) Apart(s *placement.State) (nodes []int32) {
	for k := range m.sets {
		nodes = append(nodes, s.Catalogue.Holders[m.sets[k].id]...)
	}
	return nodes
}

func (m *locality) Score(_ *placement.State, b *placement.Block, candidates uint64, raw, value *placement.Lane) {
	each(candidates, func(i int) {
		cost := float32(0)
		for k := range m.sets {
			d := &m.sets[k]
			if !slices.Contains(b.Data[i], d.id) {
				cost += d.bytes * d.to(b.Place[i])
			}
		}
		raw[i], value[i] = cost, percent(1-cost/(farthest*m.total))
	})
}

func (d *dataSet) to(place uint32) float32 {
	if int(place) >= len(d.distance) { // a node described since the query was made
		return farthest
	}
	return 1 + float32(d.distance[place])
}
