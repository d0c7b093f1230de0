package packing

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sort"
)

// Problem is a fleet to be packed with a mix.
type Problem struct {
	Machines []Machine // those with devices
	Targets  []Target  // the commonest first
	Models   []string  // in the order of their bits in Machines and Targets
	Rounds   int       // of refinement; 0 = none
	Leaving  float64   // workloads that leave for each that comes, 0 to 1
	Refused  Refused   // what found no place of late
	Shut     Shut      // of what needs no devices
	Seed     uint64

	Sizes []Size   // of all machines
	Plain []Target // the mix of those without devices, the commonest first
}

const (
	arrived      = 1.3  // planned until demand reaches this share of the devices
	learningRate = .5   // of a round
	prior        = 5    // visits that Unplanned counts for
	fewDevices   = 4096 // smaller fleets are planned several times over
	mostMachines = 2048 // of larger fleets a part is planned
	forTheEnd    = .005 // of the devices is what a plan may refuse more on the way
)

// FewLeave is the part of what comes that may leave again of a fleet that counts for one
// that fills up.
const FewLeave = .1

// onTheWay is when, in arrived demand as a share of the devices, a plan is looked at
// before its end.
var onTheWay = [...]float64{.9, .95, 1}

// Solve returns what free devices are worth for the mix. Each round packs an empty
// copy of the fleet with tasks drawn from it by the worth so far. A device that
// had r free on its way and ended with e says that r is worth e; w(r) moves to the
// mean of what the devices said,
//
//	w <- w/2 + (Σ e + 5 w0) / (n + 5) / 2
//
// where w0 is Unplanned. A copy that only fills up tells nothing of a fleet that work
// leaves again: there w0 it is, with an end that is the nearer the more leave, and
// places for jobs of several devices are worth what Refused says.
//
// The worth that packed best in the end is returned, of those that on the way to a full
// fleet refused no more than w0 did: what pays only after too much has arrived is of no
// use to a fleet of which nobody knows when it will be full. All rounds get the same
// tasks, so that the worths differ and not their luck. Targets and Models are shared
// with it. It takes some 20 ms a round for 6,000 devices. The error is ctx's.
func (p Problem) Solve(ctx context.Context) (*Worth, error) {
	leaving := min(max(p.Leaving, 0), 1)
	var kept func(devices int32) float64
	var shut Shut
	if leaving > FewLeave {
		kept, shut = p.Refused.Kept, p.Shut
	}
	first := unplanned(p.Targets, p.Models, ending+leaving*(endingLeaving-ending), kept)
	first.Room = NewRoom(p.Plain, p.Sizes, shut)
	if p.Rounds == 0 || kept != nil || first.cores == 0 && first.memory == 0 {
		return first, nil
	}
	machines, devices := p.sample()
	if devices == 0 {
		return first, nil
	}
	best, w := first, first
	var unplanned, least packed
	for round := 0; ; round++ {
		rng := rand.New(rand.NewPCG(p.Seed, 0))
		t := newTrial(machines, p.Targets, w, rng)
		got, err := t.fill(ctx, float64(devices), rng)
		if err != nil {
			return nil, fmt.Errorf("plan packing: %w", err)
		}
		if round == 0 {
			unplanned, least = got, got
		} else if got.left < least.left && got.bearable(unplanned, float64(devices)) {
			best, least = w, got
		}
		if round == p.Rounds {
			return best, nil
		}
		w = t.refine(first)
	}
}

// packed is what came of a trial, in devices.
type packed struct {
	refused [len(onTheWay)]float64 // by then
	left    float64                // free in the end
}

// bearable reports whether about as much was placed on the way as in another trial.
func (p *packed) bearable(o packed, devices float64) bool {
	for i := range p.refused {
		if p.refused[i] > o.refused[i]+forTheEnd*devices {
			return false
		}
	}
	return true
}

// sample returns the machines with devices to plan on, each type in proportion:
// several copies of few, or of many a part.
func (p Problem) sample() (machines []Machine, devices int) {
	for _, m := range p.Machines {
		if len(m.Devices) > 0 {
			machines = append(machines, m)
			devices += len(m.Devices)
		}
	}
	sort.SliceStable(machines, func(i, j int) bool { return machines[i].before(&machines[j]) })
	if step := (len(machines) + mostMachines - 1) / mostMachines; step > 1 {
		kept := 0
		for i := step / 2; i < len(machines); i += step {
			machines[kept] = machines[i]
			kept++
		}
		machines = machines[:kept]
	}
	devices = 0
	for _, m := range machines {
		devices += len(m.Devices)
	}
	if devices == 0 {
		return nil, 0
	}
	for one, each := machines, devices; devices+each <= fewDevices; devices += each {
		machines = append(machines, one...)
	}
	return machines, devices
}

func (m *Machine) before(o *Machine) bool {
	switch {
	case len(m.Devices) != len(o.Devices):
		return len(m.Devices) < len(o.Devices)
	case m.Devices[0] != o.Devices[0]:
		return m.Devices[0] < o.Devices[0]
	case m.Cores != o.Cores:
		return m.Cores < o.Cores
	}
	return m.Memory < o.Memory
}

// refine returns the worth that the devices of a finished trial tell of.
func (t *trial) refine(first *Worth) *Worth {
	var sum, visits [Whole + 1]float64
	for i := range t.machines {
		m := &t.machines[i]
		for k, end := range m.free {
			for _, r := range append(m.path[k], end) {
				sum[r] += float64(end) / Whole
				visits[r]++
			}
		}
	}
	next := *t.worth
	for r := range next.residual {
		told := (sum[r] + prior*float64(first.residual[r])) / (visits[r] + prior)
		next.residual[r] += learningRate * (float32(told) - next.residual[r])
	}
	return &next
}
