package training

import (
	"context"
	"strconv"
	"time"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/models/backtest/baseline"
	"github.com/auspex-project/auspex/workload"
)

// Rating says how well one contestant predicted the maxima of single workloads
// over the test window, all of them calibrated alike on the window before.
// Losses are in shares of the limit.
type Rating struct {
	Name     string             `json:"name"`
	Pinball  map[string]float64 `json:"pinball"` // by level: "0.5", ...
	Mean     float64            `json:"pinball_mean"`
	Coverage map[string]float64 `json:"coverage"` // share of cases at or under the level's quantile
	Chance   map[string]float64 `json:"chance"`   // how far chance may have moved the coverage; -1 when that cannot be told
	Cases    int                `json:"cases"`
}

// predictions are the shares predicted for judged rows: by track, then row,
// then level, not yet calibrated.
type predictions struct {
	name   string
	shares [][]float32
	done   bool // calibrated already
}

// baselines predict single workloads in the ratings.
func (p *plan) baselines() []baseline.Summed {
	span := p.Grid.Span()
	return []baseline.Summed{
		baseline.Limit(), baseline.Seasonal(1, span), baseline.Seasonal(7, span), baseline.VPA(), baseline.Autopilot(),
		baseline.S(7), baseline.S(14), baseline.SA(),
	}
}

// baselinePredictions lets every baseline and the own percentiles predict the
// judged rows once, for all classes.
func (e *evidence) baselinePredictions(ctx context.Context) ([]predictions, error) {
	levels := len(models.Levels())
	all := []predictions{e.ownPredictions()}
	for _, b := range e.plan.baselines() {
		shares := make([][]float32, len(e.judged))
		err := backtest.Parallel(ctx, e.plan.Workers, len(e.judged), func(k int) {
			r := &e.judged[k].rows
			shares[k] = make([]float32, 0, len(r.at)*levels)
			for i, v := range b.Estimate(e.panel, e.panel.Tracks[k], e.judged[k].steps) {
				for range levels {
					shares[k] = append(shares[k], v/r.scales[i])
				}
			}
		})
		if err != nil {
			return nil, err
		}
		all = append(all, predictions{name: b.Name(), shares: shares})
	}
	return all, nil
}

// percentilesName is that of the link behind the learned models.
const percentilesName = "percentiles"

func (e *evidence) ownPredictions() predictions {
	own := predictions{name: percentilesName, shares: make([][]float32, len(e.judged))}
	for k := range e.judged {
		j := &e.judged[k]
		for i, o := range j.owns {
			for _, v := range o.quantiles {
				own.shares[k] = append(own.shares[k], v/j.rows.scales[i])
			}
		}
	}
	return own
}

// rate calibrates predictions for a class and scores them on the test window.
func (e *evidence) rate(class workload.Class, p predictions) Rating {
	levels := models.Levels()
	shift := make([]float32, len(levels))
	if !p.done {
		scores := make([][]float32, len(levels))
		e.each(class, e.plan.calibrates, func(track, row int) {
			for i := range levels {
				scores[i] = append(scores[i], e.judged[track].rows.targets[row]-p.shares[track][row*len(levels)+i])
			}
		})
		shift = conformalShift(scores)
	}
	r := Rating{Name: p.name, Pinball: map[string]float64{}, Coverage: map[string]float64{}, Chance: map[string]float64{}}
	loss, covered := make([]float64, len(levels)), make([]clustered, len(levels))
	e.each(class, e.plan.judges, func(track, row int) {
		y := e.judged[track].rows.targets[row]
		for i, level := range levels {
			q := min(max(p.shares[track][row*len(levels)+i]+shift[i], 0), e.judged[track].rows.caps[row])
			loss[i] += backtest.Pinball(level, float64(q), float64(y))
			covered[i].count(e.judged[track].app(), y <= q*(1+1e-5))
		}
		r.Cases++
	})
	for i, level := range levels {
		key := strconv.FormatFloat(level, 'g', -1, 64)
		if r.Cases > 0 {
			r.Pinball[key] = loss[i] / float64(r.Cases)
			r.Coverage[key] = covered[i].share()
			r.Chance[key] = covered[i].chance()
			r.Mean += loss[i] / float64(r.Cases) / float64(len(levels))
		}
	}
	return r
}

// learnedPredictions are those of a model that is calibrated already, and how
// long a forecast took.
func (e *evidence) learnedPredictions(name string, m *models.Learned) (predictions, time.Duration, error) {
	started := time.Now()
	shares, err := e.shares(m)
	if err != nil {
		return predictions{}, 0, err
	}
	forecasts := 0
	for k := range e.judged {
		forecasts += len(e.judged[k].rows.at)
	}
	return predictions{name: name, shares: shares, done: true}, time.Since(started) / time.Duration(max(forecasts, 1)), nil
}
