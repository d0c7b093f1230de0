package backtest

import (
	"context"
	"fmt"
	"time"
)

// ColdStart is what a predictor does for workloads it never saw: machines of
// workloads held out of all learning and calibration, every one of which is taken
// to have started less than two hours before each prediction. Its margins hold for
// other workloads than those they were calibrated on at a confidence of 95 %.
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

// Unlearned are tracks, and a contestant that knows nothing of how they begin.
type Unlearned struct {
	Contestant Contestant
	Tracks     []int
}

// ColdStart judges a contestant on newborn workloads: its margins come from
// machines of held tracks, each predicted by one that has not learned from them, the
// cases from machines of unseen ones, of which c should not have learned either.
// It returns nil where there are too few of either.
func (s *Setting) ColdStart(ctx context.Context, c Contestant, held []Unlearned, unseen []int) (*ColdStart, error) {
	future := s.Random(unseen, s.Typical(), s.Replicates, s.Seed+2)
	if len(future) == 0 {
		return nil, nil
	}
	var scores [2]Predictor
	var judged *test
	for i, age := range [...]time.Duration{newborn, 0} {
		past, err := s.replayHeld(ctx, held, age)
		if err != nil {
			return nil, err
		}
		contest := s.Contest(future)
		contest.Newborn = age
		replay, err := contest.Replay(ctx, []Contestant{c})
		if err != nil {
			return nil, fmt.Errorf("backtest: cold start: %w", err)
		}
		judged = newTest(s, replay)
		if len(judged.moments) == 0 || len(past.Moments) == 0 {
			return nil, nil
		}
		judged.calibration = newCalibration(s, past.Moments)
		if age == newborn { // what is known of other workloads is all there is
			judged.calibration.pick = func(outcomes []outcome, risk float64) float32 {
				return surely(outcomes, risk, s.heldReplicates())
			}
		}
		p := &replay.Predictions[0]
		scores[i] = judged.judge(p, judged.calibratedPeaks(&past.Predictions[0], p, []float64{s.Risk})[0])
	}
	cold, warm := scores[0], scores[1]
	return &ColdStart{
		Windows: len(judged.moments), OracleSavings: judged.oracle,
		ViolationRate: cold.ViolationRate, RateInterval: cold.ViolationRateInterval, SeverityMean: cold.SeverityMean,
		Savings: cold.Savings, WarmSavings: warm.Savings, WarmRate: warm.ViolationRate,
	}, nil
}

func (s *Setting) heldReplicates() int { return (s.Replicates + 1) / 2 }

// replayHeld replays machines of tracks, all members of which are younger than age,
// or as old as they are where it is 0, as one contest.
func (s *Setting) replayHeld(ctx context.Context, held []Unlearned, age time.Duration) (*Replay, error) {
	out := &Replay{Predictions: make([]Predictions, 1)}
	machines := 0
	for g, h := range held {
		contest := s.Contest(s.Random(h.Tracks, s.Typical(), s.heldReplicates(), s.Seed+3+uint64(g)))
		contest.Newborn = age
		r, err := contest.Replay(ctx, []Contestant{h.Contestant})
		if err != nil {
			return nil, fmt.Errorf("backtest: cold start: %w", err)
		}
		for _, m := range r.Moments {
			m.Machine += machines
			out.Moments = append(out.Moments, m)
		}
		machines += len(contest.Machines)
		out.Predictions[0].Low = append(out.Predictions[0].Low, r.Predictions[0].Low...)
		out.Predictions[0].High = append(out.Predictions[0].High, r.Predictions[0].High...)
	}
	return out, nil
}
