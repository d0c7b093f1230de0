package score

import (
	"math"

	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/resource"
)

// Power prefers nodes that draw little more because of the workload: watts at the
// average use with it, less those without it. A node that wakes up for it pays
// its idle draw. The scale is the dearest node of the fleet waking up.
type Power struct{}

var (
	_ placement.Foresight = Power{}
	_ placement.Foreseen  = (*power)(nil)
)

func (Power) Name() string           { return "power" }
func (Power) Unit() string           { return "W" }
func (Power) DefaultWeight() float64 { return 1 }

func (Power) Prepare(q *placement.Query) placement.Measure {
	c := q.State.Catalogue
	m := &power{query: q, worst: c.IdleWatts + c.DeviceSwing*float64(q.Accelerator.Devices)}
	if cpu := q.Need(resource.CPU); cpu != nil {
		m.cpu, m.index = cpu.Mean, cpu.Index
		m.worst += c.WattsPerCore * float64(cpu.Mean)
	}
	if m.worst == 0 || m.index < 0 {
		return nil
	}
	return m
}

type power struct {
	cpu   float32 // average use the workload adds, cores
	index int
	query *placement.Query
	worst float64
}

func (m *power) Score(s *placement.State, b *placement.Block, candidates uint64, raw, value *placement.Lane) {
	each(candidates, func(i int) {
		watts := 0.0
		if b.Powered>>i&1 == 1 {
			watts = m.added(s, b, i)
		}
		raw[i], value[i] = float32(watts), percent(1-float32(watts/m.worst))
	})
}

func (m *power) added(s *placement.State, b *placement.Block, i int) float64 {
	curve := &s.Curves[b.Curve[i]]
	before := float64(b.Columns[m.index].Mean[i])
	cores := max(b.Capacity[m.index][i], 1e-9)
	watts := curve.Watts((before + float64(m.cpu)) / cores)
	if b.Count[i] > 0 {
		watts -= curve.Watts(before / cores)
	} else {
		watts += float64(b.DeviceWatts[i])
	}
	if need := m.query.Accelerator; need.Devices > 0 {
		var chosen [64]int
		devices, _ := m.query.Devices(s, b, i, chosen[:0])
		for _, k := range devices {
			watts += float64(b.Swing(i, k, need.Share))
		}
	}
	return watts
}

// Foresee implements placement.Foresight: it tells nodes apart that sleep, and those
// that are awake and far enough from full use to draw more with any work.
func (Power) Foresee(*placement.Query) placement.Standing { return powerStanding{} }

type powerStanding struct{}

const (
	asleep, awake = 1, 2 // marks

	// halfUsed is the average use, as a share of all cores, up to which a node counts as
	// awake and ready to draw more.
	halfUsed = .5
)

func (powerStanding) Stand(_ *placement.State, b *placement.Block, i int) (value float32, mark int) {
	switch cores := b.Capacity[cpuColumn][i]; {
	case b.Powered>>i&1 == 0:
	case b.Count[i] == 0:
		mark = asleep
	case float64(b.Columns[cpuColumn].Mean[i]) <= halfUsed*cores:
		mark = awake
	}
	return 100, mark
}

// least returns at least what is added to the draw of a node of build i with a mark.
func (m *power) least(s *placement.State, b *placement.Block, i, mark int) float64 {
	curve, cores := &s.Curves[b.Curve[i]], max(b.Capacity[cpuColumn][i], 1e-9)
	switch mark {
	case asleep:
		return curve.Watts(float64(m.cpu)/cores) + float64(b.DeviceWatts[i]) + m.swing(b, i)
	case awake:
		use := min(float64(max(m.cpu, 0))/cores, 1-halfUsed) // a curve ends at full use
		return max(curve.Flattest(), 0)*use + m.swing(b, i)
	}
	return 0
}

// swing returns at least what the devices the workload needs add on a node of build i.
func (m *power) swing(b *placement.Block, i int) float64 {
	need, least := m.query.Accelerator, float32(math.Inf(1))
	if need.Devices == 0 {
		return 0
	}
	for k := range b.Node[i].Devices {
		least = min(least, b.Swing(i, k, need.Share))
	}
	if len(b.Node[i].Devices) == 0 {
		return 0
	}
	return float64(need.Devices) * float64(least)
}

func (m *power) Rise(s *placement.State, b *placement.Block, builds uint64, mark int, value *placement.Lane) {
	each(builds, func(i int) {
		value[i] = percent(1-float32(m.least(s, b, i, mark)/m.worst)) - 100
	})
}
