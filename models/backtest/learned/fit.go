package learned

import (
	"context"
	"slices"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/models/gbdt"
)

const (
	level      = .98 // quantile that is learned; calibration does the rest
	clip       = 5   // of targets, in gaps
	fewestRows = 2000
	refitDays  = 7
	shortTrace = 10 // days of data up to which every day is refitted
)

// epoch is what answers from a step on: the models fitted on what was known then.
type epoch struct {
	from    int
	warm    *gbdt.Model // of (peak - m14) / gap; nil: too little was known
	cold    *gbdt.Model // of peak / limit
	boosted bool        // warm has won on the weeks before
}

// fit makes the epochs of the replay.
func (l *Peak) fit(ctx context.Context, first int) []epoch {
	s := l.setting
	warm := l.gather(ctx, 0, mostRows, s.Seed+1000)
	cold := l.gather(ctx, youngAge, mostRows/3, s.Seed+2000)
	steps := s.Panel.StepsIn(s.Horizon)
	known := func(rows []row, now int) []row {
		n, _ := slices.BinarySearchFunc(rows, now-steps+1, func(r row, step int) int { return r.origin - step })
		return rows[:n]
	}
	var epochs []epoch
	for _, from := range l.refits(first) {
		e := epoch{from: from}
		e.warm = boost(ctx, s, known(warm, from), func(r *row) float32 { return min(max((r.actual-r.m14)/r.gap(), -clip), clip) })
		e.cold = boost(ctx, s, known(cold, from), func(r *row) float32 { return r.actual / r.limit })
		e.boosted = l.wins(epochs, known(warm, from), from)
		epochs = append(epochs, e)
	}
	return epochs
}

// refits returns when models are fitted: the last day before first, then weekly
// through the calibration and the test days so that one falls on the beginning of
// the test; every day of a short trace.
func (l *Peak) refits(first int) []int {
	s := l.setting
	every := refitDays
	if len(s.Days) <= shortTrace {
		every = 1
	}
	start := len(s.Days) - len(s.Test)
	var out []int
	for d := start % every; d < len(s.Days); d += every {
		if next := d + every; next < len(s.Days) && s.Days[next].From <= first {
			continue // nothing is asked of it
		}
		out = append(out, s.Days[d].From)
	}
	return out
}

func boost(ctx context.Context, s *backtest.Setting, rows []row, target func(*row) float32) *gbdt.Model {
	if len(rows) < fewestRows {
		return nil
	}
	m, err := gbdt.Fit(ctx, dataset(rows, target), nil, gbdt.Options{
		Quantiles: []float64{level}, Trees: 200, MaxLeaves: 15, LearningRate: .06, MinChildWeight: 50,
		RowFraction: .7, ColumnFraction: .7, Seed: s.Seed, Workers: s.Workers,
	})
	if err != nil {
		return nil // it ended early, or there is nothing to learn from: the summed history answers
	}
	return m
}

// wins reports whether the models of the epochs before would have saved more than
// the summed history alone, both calibrated, on the rows of the weeks before now.
func (l *Peak) wins(epochs []epoch, rows []row, now int) bool {
	from := now - l.setting.Panel.StepsIn(28*day)
	var plain, boosted trial
	for i := range rows {
		r := &rows[i]
		e := epochAt(epochs, r.origin)
		if r.origin < from || e == nil || e.warm == nil {
			continue
		}
		plain.add(r, r.m21)
		boosted.add(r, e.peak(&r.view))
	}
	return boosted.savings(l.setting.Risk) > plain.savings(l.setting.Risk)
}

// trial is a way to predict rows, before calibration.
type trial struct {
	rows   []*row
	low    []float32
	needed []float32
}

func (t *trial) add(r *row, low float32) {
	t.rows = append(t.rows, r)
	t.low = append(t.low, low)
	t.needed = append(t.needed, forecast.Needed(low, r.all, r.limit, r.actual))
}

// savings returns what is saved with the margin that holds in all but risk.
func (t *trial) savings(risk float64) float64 {
	q, ok := models.ConformalQuantile(slices.Clone(t.needed), 1-risk)
	if !ok {
		return 0
	}
	var predicted, limit float64
	for i, r := range t.rows {
		predicted += float64(forecast.Peak(t.low[i], r.all, r.limit, q))
		limit += float64(r.limit)
	}
	return 1 - predicted/limit
}

func epochAt(epochs []epoch, origin int) *epoch {
	for i := len(epochs) - 1; i >= 0; i-- {
		if epochs[i].from <= origin {
			return &epochs[i]
		}
	}
	return nil
}

// peak is the learned one, never under the summed history of two weeks.
func (e *epoch) peak(v *view) float32 {
	return min(v.limit, v.m14+max(0, predict(e.warm, v)*v.gap()))
}

func predict(m *gbdt.Model, v *view) float32 {
	var out [1]float32
	if err := m.Predict(v.features, out[:]); err != nil {
		panic(err) // the model was fitted on rows of look
	}
	return out[0]
}

// trained is how long fitting took.
func (l *Peak) trained(ctx context.Context, first int) ([]epoch, time.Duration) {
	started := time.Now()
	epochs := l.fit(ctx, first)
	return epochs, time.Since(started)
}
