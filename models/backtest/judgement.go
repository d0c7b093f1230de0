package backtest

import (
	"slices"

	"github.com/auspex-project/auspex/forecast"
)

// test judges contestants on the moments of the test days.
type test struct {
	*Setting
	calibration *calibration
	index       []int    // of the replay's moments
	moments     []Moment // those
	blocks      []block  // beside moments
	forecasts   int      // of single workloads in all of the replay
	machines    int
	days        int
	limits      float64
	oracle      float64
}

// block is the machine and the day of a moment: what is drawn as one by the
// bootstrap.
type block struct{ machine, day int32 }

func newTest(s *Setting, r *Replay) *test {
	t := &test{Setting: s, calibration: newCalibration(s, r.Moments)}
	rows := map[int]int32{}
	for i, m := range r.Moments {
		t.forecasts += m.Members
		day, ok := s.testDay(m.Origin)
		if !ok {
			continue
		}
		if _, known := rows[m.Machine]; !known {
			rows[m.Machine] = int32(len(rows))
		}
		t.index = append(t.index, i)
		t.moments = append(t.moments, m)
		t.blocks = append(t.blocks, block{rows[m.Machine], int32(day)})
		t.limits += float64(m.Limit)
		t.oracle += float64(m.Actual)
	}
	t.machines, t.days = len(rows), len(s.Test)
	t.oracle = 1 - t.oracle/max(t.limits, 1e-30)
	return t
}

// testDay returns which of the test days a step is in.
func (s *Setting) testDay(step int) (int, bool) {
	for d, day := range s.Test {
		if step >= day.From && step < day.To {
			return d, true
		}
	}
	return 0, false
}

// risks that margins are calibrated at: those savings are asked for and those
// quantiles are judged at, and the nominal one.
func (t *test) risks() []float64 {
	risks := []float64{t.Risk}
	for _, level := range pinballLevels {
		risks = append(risks, 1-level)
	}
	return append(risks, .02, .05, .1)
}

// calibratedPeaks predicts every moment of the test with the margins known at the
// beginning of its day, from what past predicted by then: by risk, then by moment.
func (t *test) calibratedPeaks(past, p *Predictions, risks []float64) [][]float32 {
	asked := make([][]band, t.days)
	for j := range t.moments {
		day, b := t.blocks[j].day, t.calibration.bandOf(&t.moments[j])
		if !slices.Contains(asked[day], b) {
			asked[day] = append(asked[day], b)
		}
	}
	byDay := make([]map[band][]float32, t.days)
	for d, day := range t.Test {
		byDay[d] = t.calibration.margins(past.Low, past.High, day.From, risks, asked[d])
	}
	peaks := make([][]float32, len(risks))
	for r := range peaks {
		peaks[r] = make([]float32, len(t.moments))
	}
	for j, i := range t.index {
		m := &t.moments[j]
		margins := byDay[t.blocks[j].day]
		of, ok := margins[t.calibration.bandOf(m)]
		if !ok {
			of, ok = margins[band{size: pooled}]
		}
		for r := range peaks {
			q := float32(1) // nothing is known yet: the sum of maxima
			if ok {
				q = of[r]
			}
			peaks[r][j] = max(0, forecast.Peak(p.Low[i], p.High[i], m.Limit, q))
		}
	}
	return peaks
}

// rawPeaks are the predictions as they were made.
func (t *test) rawPeaks(p *Predictions) []float32 {
	peaks := make([]float32, len(t.moments))
	for j, i := range t.index {
		peaks[j] = min(p.Low[i], t.moments[j].Limit)
	}
	return peaks
}

// violated reports whether moment j passed the peak predicted.
func (t *test) violated(j int, peak float32) bool {
	m := &t.moments[j]
	return m.Actual > peak+rounding*m.Limit
}

// savingsAt returns the savings at each matched violation rate, its one scale
// chosen on the test window itself: peaks has what each moment is predicted with
// a scale, needed the scale each would have needed.
func (t *test) savingsAt(needed []float32, peak func(j int, scale float32) float32) map[string]float64 {
	sorted := slices.Clone(needed)
	slices.Sort(sorted)
	out := map[string]float64{}
	for _, rate := range matchedRates {
		allowed := int(rate * float64(len(sorted)))
		scale := sorted[len(sorted)-1-allowed]
		var predicted float64
		for j := range t.moments {
			predicted += float64(peak(j, scale))
		}
		out[key(rate)] = 1 - predicted/t.limits
	}
	return out
}
