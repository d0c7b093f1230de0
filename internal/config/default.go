package config

import (
	"time"

	"github.com/auspex-project/auspex/placement/score"
	"github.com/auspex-project/auspex/workload"
)

const day = 24 * time.Hour

// Default returns what holds where the operator sets nothing. Paths are still
// empty; Load fills them in under data_dir.
func Default() *Config {
	c := &Config{
		DataDir: "auspex-data",
		Server: Server{
			GRPCAddress: "127.0.0.1:7070", HTTPAddress: "127.0.0.1:7071",
			MaxMessageBytes: 4 << 20, MaxBatch: 1024, MaxStreams: 1024, DrainTimeout: 10 * time.Second,
		},
		Log: Log{Level: "info", Format: "text"},
		Store: Store{
			Driver: "sqlite", Retention: 90 * day,
			Influx: Influx{URL: "http://127.0.0.1:8086", Bucket: "auspex/autogen"},
		},
		Collector: Collector{
			MaxClockSkew: time.Minute,
			Spool:        Spool{MaxBytes: 1 << 30},
			Host:         Host{Enabled: true, Interval: 15 * time.Second},
			Prometheus:   Prometheus{Interval: time.Minute, Step: time.Minute, Backfill: day},
		},
		Forecast: Forecast{Slot: time.Hour, Slots: 24, Refresh: 5 * time.Minute, Late: time.Hour},
		Training: Training{Schedule: "30 2 * * *", History: 60 * day, Seed: 1, Keep: 14, Shadow: Shadow{Enabled: true, Duration: 2 * day, Cases: 200}},
		Placement: Placement{
			ReservationTTL: time.Minute, HeartbeatTimeout: time.Minute, WaitFor: 30 * time.Second,
			ColdStart: "limit", KeepDecisions: 20_000, KeepFor: day,
		},
		Classes: map[string]Class{},
		Scoring: Scoring{Default: map[string]float64{}, Classes: map[string]map[string]float64{}},
		Queues:  map[string]Queue{},
		Power:   Power{Racks: map[string]float64{}, PDUs: map[string]float64{}, Sites: map[string]float64{}, Energy: map[string]Energy{}, Risk: .01},

		Registry: map[string]Machine{}, Regions: map[string]Region{}, Data: map[string]DataSet{},
	}
	for _, p := range workload.DefaultClasses() {
		c.Classes[string(p.Class)] = Class{string(p.Tier), p.Weight, p.Horizon, p.Risk, p.OvercommitMemory}
	}
	for _, s := range score.All() {
		if w := s.DefaultWeight(); w > 0 {
			c.Scoring.Default[s.Name()] = w
		}
	}
	return c
}

// newClass is what holds for a class of the operator's own where it is silent.
func newClass() Class {
	return Class{Tier: string(workload.Guaranteed), Weight: 1, Horizon: day, Risk: .01}
}
