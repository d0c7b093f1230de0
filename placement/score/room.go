package score

import (
	"github.com/auspex-project/auspex/packing"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/resource"
)

// Room keeps cores and memory usable for workloads without devices. It goes by the
// mix of them that the fleet has learned: how many more of each class a node could
// take before and with the workload (see packing.Room). Until enough has arrived to
// learn from all nodes are alike to it.
type Room struct{}

var _ placement.Scorer = Room{}

func (Room) Name() string           { return placement.RoomScorer }
func (Room) Unit() string           { return "nodes of room lost" }
func (Room) DefaultWeight() float64 { return 0 }

func (Room) Prepare(q *placement.Query) placement.Measure {
	w := q.State.Catalogue.Worth
	if w == nil || w.Room == nil {
		return nil
	}
	m := &room{room: w.Room, query: q, cpu: q.Need(resource.CPU)}
	if memory := q.Need(resource.Memory); memory != nil {
		m.memory = memory.Request
	}
	return m
}

type room struct {
	room   *packing.Room
	query  *placement.Query
	cpu    *placement.Need // nil: none
	memory float64         // asked for, bytes
}

func (m *room) Score(_ *placement.State, b *placement.Block, candidates uint64, raw, value *placement.Lane) {
	each(candidates, func(i int) {
		cores, coresAfter := m.query.Room(b, i, cpuColumn, m.cpu)
		memory := float64(b.Ceiling[memoryColumn][i]) - b.Columns[memoryColumn].Requested[i]
		lost := m.room.Lost(float64(cores), memory, float64(coresAfter), memory-m.memory)
		x := lost / halfway
		raw[i], value[i] = lost, percent(.5-.5*x/(1+max(x, -x)))
	})
}
