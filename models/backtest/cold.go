package backtest

import (
	"context"
	"fmt"
	"time"
)

// ColdStart is what a predictor does for workloads it never saw: machines of
// workloads held out of all learning and calibration, every one of which is taken
// to have started less than two hours before each prediction.
type ColdStart struct {
	Windows       int      `json:"windows"`
	OracleSavings float64  `json:"oracle_savings"`
	ViolationRate float64  `json:"violation_rate"`
	RateInterval  Interval `json:"violation_rate_interval"`
	SeverityMean  float64  `json:"severity_mean"`
	Savings       float64  `json:"savings"`
	WarmSavings   float64  `json:"warm_savings"` // of the same predictor for the same machines with their past
	WarmRate      float64  `json:"warm_violation_rate"`
}

const newborn = 2 * time.Hour

// ColdStart judges a contestant on newborn workloads: its margins come from
// machines of held tracks, the cases from machines of unseen ones; it should have
// learned from neither. It returns nil where there are too few of either.
func (s *Setting) ColdStart(ctx context.Context, c Contestant, held, unseen []int) (*ColdStart, error) {
	group := s.Typical()
	past := s.Random(held, group, s.Replicates, s.Seed+1)
	future := s.Random(unseen, group, s.Replicates, s.Seed+2)
	if len(past) == 0 || len(future) == 0 {
		return nil, nil
	}
	var scores [2]Predictor
	var judged *test
	for i, age := range [...]time.Duration{newborn, 0} {
		var replays [2]*Replay
		for k, machines := range [...][]*Machine{past, future} {
			contest := s.Contest(machines)
			contest.Newborn = age
			var err error
			if replays[k], err = contest.Replay(ctx, []Contestant{c}); err != nil {
				return nil, fmt.Errorf("backtest: cold start: %w", err)
			}
		}
		judged = newTest(s, replays[1])
		if len(judged.moments) == 0 || len(replays[0].Moments) == 0 {
			return nil, nil
		}
		judged.calibration = newCalibration(s, replays[0].Moments)
		p := &replays[1].Predictions[0]
		scores[i] = judged.judge(p, judged.calibratedPeaks(&replays[0].Predictions[0], p, []float64{s.Risk})[0])
	}
	cold, warm := scores[0], scores[1]
	return &ColdStart{
		Windows: len(judged.moments), OracleSavings: judged.oracle,
		ViolationRate: cold.ViolationRate, RateInterval: cold.ViolationRateInterval, SeverityMean: cold.SeverityMean,
		Savings: cold.Savings, WarmSavings: warm.Savings, WarmRate: warm.ViolationRate,
	}, nil
}
