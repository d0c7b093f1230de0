package learned

import (
	"context"
	"slices"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/gbdt"
)

const (
	level      = .98 // quantile that is learned; calibration does the rest
	clip       = 5   // of targets, in gaps
	fewestRows = 1000
	refitDays  = 7
	folds      = 6
	shortTrace = 10 // days of data up to which every day is refitted
)

// epoch is what answers in steps [from, to).
type epoch struct {
	from, to int
	warm     *gbdt.Model // of (peak - m14) / gap; nil: too little was known
	cold     *gbdt.Model // of peak / limit
	boosted  bool        // warm has won on the weeks before the test
}

// fit makes the epochs of the replay. Those of the test are fitted on all that was
// known when they begin. Those before it, which only calibrate, are fitted on
// everything before the test but themselves and a horizon on either side: margins
// then come from models that know about as much as those they are used with,
// where models fitted on the past alone would know far less.
func (l *Peak) fit(ctx context.Context) []epoch {
	s := l.setting
	warm := l.gather(ctx, l.seen, 0, l.options.Rows, s.Seed+1000)
	cold := l.gather(ctx, l.known, youngAge, l.options.Rows/2, s.Seed+2000)
	steps := s.Panel.StepsIn(s.Horizon)
	test := s.Test[0].From
	var epochs []epoch
	for _, e := range l.spans() {
		use := func(r *row) bool {
			if e.from >= test {
				return r.origin+steps <= e.from
			}
			return r.origin+steps <= test && (r.origin+steps <= e.from || r.origin >= e.to+steps)
		}
		e.warm = l.boost(ctx, filter(warm, use), func(r *row) float32 { return min(max((r.actual-r.m14)/r.gap(), -clip), clip) })
		e.cold = l.boost(ctx, filter(cold, use), func(r *row) float32 { return r.actual / r.limit })
		epochs = append(epochs, e)
	}
	wins := l.wins(epochs, filter(warm, func(r *row) bool { return r.origin+steps <= test }))
	for i := range epochs {
		epochs[i].boosted = wins
	}
	return epochs
}

func filter(rows []row, keep func(*row) bool) []*row {
	var out []*row
	for i := range rows {
		if keep(&rows[i]) {
			out = append(out, &rows[i])
		}
	}
	return out
}

// spans cuts the days before the test into folds, and the test into weeks, or into
// days where the trace is short.
func (l *Peak) spans() []epoch {
	s := l.setting
	before := s.Days[:len(s.Days)-len(s.Test)]
	every := refitDays
	if len(s.Days) <= shortTrace {
		every = 1
	}
	var out []epoch
	for days := range slices.Chunk(before, (len(before)+folds-1)/folds) {
		out = append(out, epoch{from: days[0].From})
	}
	for days := range slices.Chunk(s.Test, every) {
		out = append(out, epoch{from: days[0].From})
	}
	for i := range out {
		out[i].to = s.Panel.Steps
		if i+1 < len(out) {
			out[i].to = out[i+1].from
		}
	}
	return out
}

func (l *Peak) boost(ctx context.Context, rows []*row, target func(*row) float32) *gbdt.Model {
	if len(rows) < fewestRows {
		return nil
	}
	m, err := gbdt.Fit(ctx, dataset(rows, target), nil, gbdt.Options{
		Quantiles: []float64{level}, Trees: l.options.Trees, MaxLeaves: 15, LearningRate: .06, MinChildWeight: 50,
		RowFraction: .7, ColumnFraction: .7, Seed: l.setting.Seed, Workers: l.setting.Workers,
	})
	if err != nil {
		return nil // it ended early, or there is nothing to learn from: the summed history answers
	}
	return m
}

// wins reports whether the models would have saved more than the summed history
// alone, both calibrated, on the rows of the weeks before the test, none of which
// has seen its own.
func (l *Peak) wins(epochs []epoch, rows []*row) bool {
	from := l.setting.Test[0].From - l.setting.Panel.StepsIn(28*day)
	var plain, boosted trial
	for _, r := range rows {
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
func (l *Peak) trained(ctx context.Context) ([]epoch, time.Duration) {
	started := time.Now()
	epochs := l.fit(ctx)
	return epochs, time.Since(started)
}
