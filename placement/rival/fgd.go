package rival

import (
	"math"
	"math/bits"

	"github.com/auspex-project/auspex/packing"
	"github.com/auspex-project/auspex/placement"
)

// FGD is Fragmentation Gradient Descent: it takes the node, and for a part of a
// device the device, where what the common classes of the mix cannot use grows the
// least (Weng et al., ATC'23, algorithm 1). The mix is that of the fleet's Worth: the
// classes that make up 95 % of it.
type FGD struct{}

var _ placement.Scorer = FGD{}

func (FGD) Name() string           { return "fgd" }
func (FGD) Unit() string           { return "devices fragmented" }
func (FGD) DefaultWeight() float64 { return 1 }

// common is the part of the mix that counts.
const common = .95

func (FGD) Prepare(q *placement.Query) placement.Measure {
	w := q.State.Catalogue.Worth
	if w == nil || len(w.Targets) == 0 {
		return nil
	}
	m := &fgd{query: q, mix: packing.Commonest(w.Targets, common), share: milli(q.Accelerator.Share), cores: cores(q)}
	for bit, number := range q.State.Models(w.Models) {
		if need := int(number) + 1; need > len(m.models) {
			m.models = append(m.models, make([]packing.Models, need-len(m.models))...)
		}
		m.models[number] = 1 << bit
	}
	return m
}

type fgd struct {
	query  *placement.Query
	mix    []packing.Target
	models []packing.Models // by the number the fleet has for a model
	share  int32
	cores  func(b *placement.Block, i int) (before, after float64)
}

var _ placement.Chooser = (*fgd)(nil)

func (m *fgd) Score(_ *placement.State, b *placement.Block, candidates uint64, raw, value *placement.Lane) {
	for c := candidates; c != 0; c &= c - 1 {
		i := bits.TrailingZeros64(c) & (placement.BlockSize - 1)
		grown, points, _ := m.best(b, i)
		raw[i], value[i] = float32(grown), float32(points)
	}
}

// Choose implements placement.Chooser.
func (m *fgd) Choose(_ *placement.State, b *placement.Block, i int) (devices uint64, ok bool) {
	_, _, devices = m.best(b, i)
	return devices, devices != 0
}

// best returns by how much the fragmentation of a node grows, the points that is
// worth, and the devices it is for, none where too few fit.
func (m *fgd) best(b *placement.Block, i int) (grown float64, points int, chosen uint64) {
	var left [packing.MostDevices]int32
	var models [packing.MostDevices]packing.Models
	all := b.Occupants[i].Devices
	all = all[:min(len(all), packing.MostDevices)]
	for k := range all {
		left[k] = milli(all[k].Free)
		if number := int(b.Models[i][k]); number < len(m.models) {
			models[k] = m.models[number]
		}
	}
	coresBefore, coresAfter := m.cores(b, i)
	s := packing.State{Cores: coresBefore, Free: left[:len(all)], Models: models[:len(all)]}
	before := packing.Fragment(s, m.mix)
	s.Cores = coresAfter

	need := m.query.Accelerator
	if need.Devices != 1 || m.share == packing.Whole {
		for k := range all {
			if bits.OnesCount64(chosen) < need.Devices && b.Suits(i, k, need, m.query.Models) {
				chosen |= 1 << k
				left[k] -= m.share
			}
		}
		if bits.OnesCount64(chosen) < need.Devices {
			chosen = 0
		}
		grown = packing.Fragment(s, m.mix) - before
		return grown, sigmoid(-grown), chosen
	}
	points = -1
	for k := range all {
		if !b.Suits(i, k, need, m.query.Models) || k > 0 && left[k] == left[k-1] && models[k] == models[k-1] {
			continue // or as good as the one before
		}
		left[k] -= m.share
		g := packing.Fragment(s, m.mix) - before
		left[k] += m.share
		if p := sigmoid(-g); p > points {
			grown, points, chosen = g, p, 1<<k
		}
	}
	return grown, max(points, 0), chosen
}

// sigmoid puts a decrease of fragmentation on the scale of points, in whole ones:
// the coarseness is part of what makes FGD pack well, see docs/packing.md.
func sigmoid(decrease float64) int { return int(100 / (1 + math.Exp(-decrease))) }
