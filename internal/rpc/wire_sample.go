package rpc

import (
	"fmt"

	auspexv1 "github.com/auspex-project/auspex/api/auspex/v1"
	"github.com/auspex-project/auspex/timeseries"
	"github.com/auspex-project/auspex/workload"
)

// sampleFromWire converts one sample. It checks only what the vocabulary cannot
// hold; whether the sample is good is for whoever takes it.
func sampleFromWire(s *auspexv1.UsageSample) (timeseries.Sample, error) {
	if s.GetTime() == nil {
		return timeseries.Sample{}, fmt.Errorf("sample of %s: no time", s.GetWorkload())
	}
	if err := s.GetTime().CheckValid(); err != nil {
		return timeseries.Sample{}, fmt.Errorf("sample of %s: time: %w", s.GetWorkload(), err)
	}
	return timeseries.Sample{
		Key: timeseries.Key{
			Workload: s.GetWorkload(),
			App:      s.GetApp(),
			Class:    workload.Class(s.GetClass()),
			Queue:    s.GetQueue(),
			Node:     s.GetNode(),
			Source:   pushed,
		},
		Time:  s.GetTime().AsTime(),
		Usage: amountsFromWire(s.GetUsage()),
		Limit: amountsFromWire(s.GetLimit()),
	}, nil
}
