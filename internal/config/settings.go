package config

import (
	"fmt"
	"maps"
	"slices"

	"github.com/auspex-project/auspex/allocator"
	"github.com/auspex-project/auspex/placement"
	"github.com/auspex-project/auspex/placement/score"
	"github.com/auspex-project/auspex/workload"
)

// Settings returns the part of c that can change while the program runs, as
// placement takes it.
func (c *Config) Settings() (placement.Settings, error) {
	queues, err := allocator.NewTree(c.queues())
	if err != nil {
		return placement.Settings{}, fmt.Errorf("queues: %w", err)
	}
	s := placement.Settings{
		Queues:           queues,
		Weights:          placement.Weights{Default: c.Scoring.Default, Classes: map[workload.Class]map[string]float64{}},
		Registry:         c.registry(),
		RackCaps:         c.Power.Racks,
		PDUCaps:          c.Power.PDUs,
		SiteCaps:         c.Power.Sites,
		Geography:        c.geography(),
		PowerRisk:        c.Power.Risk,
		ColdStart:        placement.ColdStart(c.Placement.ColdStart),
		ReservationTTL:   c.Placement.ReservationTTL,
		HeartbeatTimeout: c.Placement.HeartbeatTimeout,
		WaitFor:          c.Placement.WaitFor,
		KeepDecisions:    c.Placement.KeepDecisions,
		KeepFor:          c.Placement.KeepFor,
		Seed:             c.Placement.Seed,
	}
	for class, weights := range c.Scoring.Classes {
		s.Weights.Classes[workload.Class(class)] = weights
	}
	for _, name := range slices.Sorted(maps.Keys(c.Classes)) {
		k := c.Classes[name]
		s.Classes = append(s.Classes, workload.ClassPolicy{
			Class: workload.Class(name), Tier: workload.Tier(k.Tier), Weight: k.Weight,
			Horizon: k.Horizon, Risk: k.Risk, OvercommitMemory: k.OvercommitMemory,
		})
	}
	return s, s.Validate(score.All())
}
