package learned

import (
	"context"
	"slices"
	"time"

	"github.com/auspex-project/auspex/models/gbdt"
)

const (
	clip       = 5 // of targets, in gaps
	fewestRows = 1000
	refitDays  = 7
	folds      = 6
	shortTrace = 10 // days of data up to which every day is refitted
)

// epoch is what answers in steps [from, to).
type epoch struct {
	from, to int
	warm     *gbdt.Model   // of (peak - m14) / gap; nil: too little was known
	cold     []*gbdt.Model // of peak / limit, each learned without one of the parts
	team     team          // which has won on the weeks before the test
}

// fit makes the epochs of the replay. Those of the test are fitted on all that was
// known when they begin. Those before it, which only calibrate, are fitted on
// everything before the test but themselves and a horizon on either side: margins
// then come from models that know about as much as those they are used with,
// where models fitted on the past alone would know far less.
func (l *Peak) fit(ctx context.Context) []epoch {
	s := l.setting
	warm := l.gather(ctx, l.seen, 0, l.options.Rows, s.Seed+1000)
	cold := make([][]row, parts)
	for g := range cold {
		cold[g] = l.gather(ctx, l.without(g), youngAge, newbornTimes*l.options.Rows/parts, s.Seed+2000+uint64(100*g))
	}
	steps := s.Panel.StepsIn(s.Horizon)
	test := s.Test[0].From
	before := filter(warm, func(r *row) bool { return r.origin+steps <= test })
	var epochs []epoch
	for _, e := range l.spans() {
		use := func(r *row) bool {
			if e.from >= test {
				return r.origin+steps <= e.from
			}
			return r.origin+steps <= test && (r.origin+steps <= e.from || r.origin >= e.to+steps)
		}
		if known := filter(warm, use); e.from >= test || len(known) >= len(before)/2 {
			e.warm = l.boost(ctx, known, level, l.options.Trees, func(r *row) float32 { return min(max((r.actual-r.m14)/r.gap(), -clip), clip) })
		}
		e.cold = make([]*gbdt.Model, parts)
		for g := range e.cold {
			e.cold[g] = l.boost(ctx, filter(cold[g], use), coldLevel, newbornTimes*l.options.Trees, func(r *row) float32 { return r.actual / r.limit })
		}
		epochs = append(epochs, e)
	}
	best := l.pick(epochs, before)
	for i := range epochs {
		epochs[i].team = best
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
		out = append(out, epoch{from: days[0].From, to: days[len(days)-1].To})
	}
	for days := range slices.Chunk(s.Test, every) {
		out = append(out, epoch{from: days[0].From, to: days[len(days)-1].To})
	}
	return out
}

func (l *Peak) boost(ctx context.Context, rows []*row, level float64, trees int, target func(*row) float32) *gbdt.Model {
	if len(rows) < fewestRows {
		return nil
	}
	m, err := gbdt.Fit(ctx, dataset(rows, target), nil, gbdt.Options{
		Quantiles: []float64{level}, Trees: trees, MaxLeaves: 15, LearningRate: .06, MinChildWeight: 50,
		RowFraction: .7, ColumnFraction: .7, Seed: l.setting.Seed, Workers: l.setting.Workers,
	})
	if err != nil {
		return nil // it ended early, or there is nothing to learn from: the summed history answers
	}
	return m
}

func epochAt(epochs []epoch, origin int) *epoch {
	for i := len(epochs) - 1; i >= 0; i-- {
		if epochs[i].from <= origin {
			return &epochs[i]
		}
	}
	return nil
}

// trained is how long fitting took.
func (l *Peak) trained(ctx context.Context) ([]epoch, time.Duration) {
	started := time.Now()
	epochs := l.fit(ctx)
	return epochs, time.Since(started)
}
