package packing

import (
	"cmp"
	"slices"
)

// Mix counts what arrives. The zero value is empty. It is bounded and follows a
// mix that drifts: beyond maxClasses classes or maxTasks tasks it halves all counts
// and forgets what came less than once since.
type Mix struct {
	classes map[Class]*tally
	tasks   float64
}

type tally struct{ tasks, cores, memory float64 }

const (
	maxClasses = 1024
	maxTasks   = 1 << 16
)

// Target is a class of a mix and its part of all tasks.
type Target struct {
	Class
	Part       float64 // of all tasks; the parts of a mix sum to 1
	NeedCores  float64 // mean over its tasks
	NeedMemory float64 // bytes, mean over its tasks
}

// Add counts an arrival.
func (m *Mix) Add(t Task) {
	if m.classes == nil {
		m.classes = make(map[Class]*tally)
	}
	c := m.classes[t.Class]
	if c == nil {
		c = new(tally)
		m.classes[t.Class] = c
	}
	c.tasks++
	c.cores += t.NeedCores
	c.memory += t.NeedMemory
	m.tasks++
	for m.tasks >= maxTasks || len(m.classes) > maxClasses {
		m.halve()
	}
}

func (m *Mix) halve() {
	m.tasks = 0
	for class, c := range m.classes {
		c.tasks, c.cores, c.memory = c.tasks/2, c.cores/2, c.memory/2
		if c.tasks < 1 {
			delete(m.classes, class)
			continue
		}
		m.tasks += c.tasks
	}
}

// Targets returns the classes of the mix, the commonest first.
func (m *Mix) Targets() []Target {
	targets := make([]Target, 0, len(m.classes))
	for class, c := range m.classes {
		targets = append(targets, Target{Class: class, Part: c.tasks / m.tasks, NeedCores: c.cores / c.tasks, NeedMemory: c.memory / c.tasks})
	}
	slices.SortFunc(targets, func(a, b Target) int {
		return cmp.Or(cmp.Compare(b.Part, a.Part), cmp.Compare(a.Devices, b.Devices), cmp.Compare(a.Share, b.Share),
			cmp.Compare(a.Cores, b.Cores), cmp.Compare(a.Memory, b.Memory), cmp.Compare(a.Models, b.Models))
	})
	return targets
}

// Commonest returns the shortest prefix of targets, commonest first, that makes up
// a part of all tasks, scaled to sum to 1.
func Commonest(targets []Target, part float64) []Target {
	sum := 0.0
	for i, t := range targets {
		if sum += t.Part; sum >= part || i == len(targets)-1 {
			common := slices.Clone(targets[:i+1])
			for k := range common {
				common[k].Part /= sum
			}
			return common
		}
	}
	return nil
}
