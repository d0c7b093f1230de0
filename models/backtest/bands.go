package backtest

import (
	"context"
	"fmt"
	"time"
)

// Band is what was predicted for one machine through the test days beside what
// it used, in the units of the resource; all slices go together.
type Band struct {
	Machine   string
	Members   int // at most
	Times     []time.Time
	Usage     []float32 // largest in the hour that begins then
	Peak      []float32 // the oracle's over the horizon
	Median    []float32 // predicted peak at even odds
	Predicted []float32 // at the nominal risk
	Limit     []float32
}

// Bands lets a contestant predict the first few of some machines, all of which
// calibrate it.
func (s *Setting) Bands(ctx context.Context, c Contestant, machines []*Machine, few int) ([]Band, error) {
	replay, err := s.Contest(machines).Replay(ctx, []Contestant{c})
	if err != nil {
		return nil, fmt.Errorf("backtest: bands: %w", err)
	}
	t := newTest(s, replay)
	p := &replay.Predictions[0]
	peaks := t.calibratedPeaks(p, p, []float64{s.Risk, .5})
	byMachine := map[int]*Band{}
	var order []int
	sums := map[int]*Sum{}
	hour := s.Panel.StepsIn(every)
	for j, m := range t.moments {
		b := byMachine[m.Machine]
		if b == nil {
			if len(order) == few {
				continue
			}
			order = append(order, m.Machine)
			b = &Band{Machine: machines[m.Machine].String()}
			byMachine[m.Machine], sums[m.Machine] = b, NewSum(s.Panel, hour, hour, hour)
		}
		b.Members = max(b.Members, m.Members)
		sum := sums[m.Machine]
		sum.Follow(machines[m.Machine].At(m.Origin), m.Origin)
		b.Times = append(b.Times, s.Panel.Time(m.Origin))
		b.Usage = append(b.Usage, sum.Max(m.Origin, m.Origin+hour))
		b.Peak = append(b.Peak, m.Actual)
		b.Predicted = append(b.Predicted, peaks[0][j])
		b.Median = append(b.Median, peaks[1][j])
		b.Limit = append(b.Limit, m.Limit)
	}
	var bands []Band
	for _, m := range order {
		bands = append(bands, *byMachine[m])
	}
	return bands, nil
}
