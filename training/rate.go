package training

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/models/backtest/baseline"
	"github.com/auspex-project/auspex/models/trial"
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
	Chance   map[string]float64 `json:"chance"`   // how far chance may have moved the coverage of a promised level; -1 when that cannot be told
	Cases    int                `json:"cases"`

	misses       []trial.Estimate // by trial.Promised: share of cases above the quantile
	toChallenger trial.Estimate   // its loss minus the challenger's, case by case
	toChampion   trial.Estimate   // the same against the champion's
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
		baseline.Limit(), baseline.BorgDefault(), baseline.RCLike(99, 10*time.Hour), baseline.RCLike(99, 7*24*time.Hour), baseline.Seasonal(1, span), baseline.Seasonal(7, span), baseline.VPA(), baseline.Autopilot(),
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

func (e *evidence) ownPredictions() predictions {
	own := predictions{name: PercentilesName, shares: make([][]float32, len(e.judged))}
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

// rate scores contestants for a class on the cases of the test window, side by
// side. Those at index challenger and champion are what all are compared with;
// -1 is none.
func (e *evidence) rate(class workload.Class, all []predictions, challenger, champion int) []Rating {
	levels := models.Levels()
	shifts := make([][]float32, len(all))
	ratings := make([]Rating, len(all))
	tallies := make([]trial.Tally, len(all))
	held, losses := make([][]int, len(all)), make([][]float64, len(all))
	for k, p := range all {
		shifts[k] = e.shift(class, p)
		held[k], losses[k] = make([]int, len(levels)), make([]float64, len(levels))
		ratings[k] = Rating{Name: p.name, Pinball: map[string]float64{}, Coverage: map[string]float64{}, Chance: map[string]float64{}}
	}
	against := func(means []float64, k, rival int) float64 {
		if rival < 0 {
			return 0
		}
		return means[k] - means[rival]
	}
	means := make([]float64, len(all)) // losses of one case
	measures := make([][]float64, len(all))
	e.each(class, e.plan.judges, func(track, row int) {
		j := &e.judged[track]
		for k, p := range all {
			means[k], measures[k] = 0, measures[k][:0]
			for i, level := range levels {
				q := min(max(p.shares[track][row*len(levels)+i]+shifts[k][i], 0), j.rows.caps[row])
				loss := backtest.Pinball(level, float64(q), float64(j.rows.targets[row]))
				losses[k][i] += loss
				means[k] += loss / float64(len(levels))
				miss := 1.0
				if j.rows.targets[row] <= q*(1+1e-5) {
					held[k][i]++
					miss = 0
				}
				if slices.Contains(trial.Promised(), level) {
					measures[k] = append(measures[k], miss)
				}
			}
		}
		for k := range all {
			tallies[k].Add(j.app(), j.rows.at[row], append(measures[k], against(means, k, challenger), against(means, k, champion))...)
			ratings[k].Cases++
		}
	})
	for k := range all {
		ratings[k].sum(&tallies[k], held[k], losses[k])
	}
	return ratings
}

// sum makes averages of what was counted, by level.
func (r *Rating) sum(t *trial.Tally, held []int, losses []float64) {
	if r.Cases == 0 {
		return
	}
	cases := float64(r.Cases)
	for i, level := range models.Levels() {
		r.Pinball[trial.LevelKey(level)] = losses[i] / cases
		r.Coverage[trial.LevelKey(level)] = float64(held[i]) / cases
		r.Mean += losses[i] / cases / float64(len(losses))
	}
	for i, level := range trial.Promised() {
		miss := t.Estimate(i)
		r.misses = append(r.misses, miss)
		chance := miss.Reach(trial.Alpha / float64(len(trial.Promised())))
		if math.IsInf(chance, 1) {
			chance = -1
		}
		r.Chance[trial.LevelKey(level)] = chance
	}
	r.toChallenger, r.toChampion = t.Estimate(len(r.misses)), t.Estimate(len(r.misses)+1)
}

// shift is what calibration on the window before the test adds to p, by level.
func (e *evidence) shift(class workload.Class, p predictions) []float32 {
	levels := models.Levels()
	if p.done {
		return make([]float32, len(levels))
	}
	scores := make([][]float32, len(levels))
	e.each(class, e.plan.calibrates, func(track, row int) {
		for i := range levels {
			scores[i] = append(scores[i], e.judged[track].rows.targets[row]-p.shares[track][row*len(levels)+i])
		}
	})
	return conformalShift(scores)
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
