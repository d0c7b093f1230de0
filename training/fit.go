package training

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/gbdt"
	"github.com/auspex-project/auspex/workload"
)

// candidate is a model fitted this night.
type candidate struct {
	class workload.Class // whose rows it was fitted on; AnyClass for the shared one
	model *models.Learned
	rows  int
	took  time.Duration
	id    string // of its artefact, "" until saved
}

// heldOut is the share of the rows, the newest, that decides how many trees are
// kept.
const heldOut = .15

// fit learns the quantiles of the span's maximum from r.
func (p *plan) fit(ctx context.Context, e *evidence, class workload.Class, r *rows) (*candidate, error) {
	started := time.Now()
	train, valid := r.datasets()
	options := gbdt.Options{
		Quantiles: models.Levels(), Trees: p.Trees, LearningRate: .08, MaxDepth: 6, MaxLeaves: 31,
		MinChildWeight: 50, MaxBins: 128, RowFraction: .7, ColumnFraction: .7, Patience: 15, Seed: p.Seed, Workers: p.Workers,
	}
	phase := fmt.Sprintf("fit %s of %s", e.resource, class)
	rounds := 0
	options.OnRound = func(gbdt.Round) {
		rounds++
		p.OnProgress(Progress{phase, rounds, p.Trees * len(options.Quantiles)})
	}
	trained, err := gbdt.Fit(ctx, train, valid, options)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", phase, err)
	}
	model, err := models.NewLearned(e.resource, p.Grid, trained, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", phase, err)
	}
	shift, err := e.shift(class, model)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", phase, err)
	}
	if model, err = models.NewLearned(e.resource, p.Grid, trained, shift); err != nil {
		return nil, fmt.Errorf("%s: %w", phase, err)
	}
	return &candidate{class: class, model: model, rows: len(r.targets), took: time.Since(started)}, nil
}

// shift returns what has to be added to each level for it to hold on the
// calibration window.
func (e *evidence) shift(class workload.Class, model *models.Learned) ([]float32, error) {
	levels := models.Levels()
	scores := make([][]float32, len(levels))
	shares, err := e.shares(model)
	if err != nil {
		return nil, err
	}
	e.each(class, e.plan.calibrates, func(track, row int) {
		j := &e.judged[track]
		for i := range levels {
			scores[i] = append(scores[i], j.rows.targets[row]-shares[track][row*len(levels)+i])
		}
	})
	return conformalShift(scores), nil
}

// conformalShift returns the calibrated correction of each level: nothing where
// the scores are too few.
func conformalShift(scores [][]float32) []float32 {
	shift := make([]float32, len(scores))
	for i, level := range models.Levels() {
		if q, ok := models.ConformalQuantile(scores[i], level); ok {
			shift[i] = q
		}
	}
	return shift
}

// shares predicts all judged rows: by track, then row, then level.
func (e *evidence) shares(model *models.Learned) ([][]float32, error) {
	out := make([][]float32, len(e.judged))
	for k := range e.judged {
		r := &e.judged[k].rows
		out[k] = make([]float32, len(r.at)*len(models.Levels()))
		if err := model.Shares(r.features, out[k]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// datasets lays the rows out by column, the newest apart.
func (r *rows) datasets() (train, valid *gbdt.Dataset) {
	order := make([]int, len(r.targets))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(r.at[a].UnixNano(), r.at[b].UnixNano()) })
	cut := len(order) - int(heldOut*float64(len(order)))
	return r.dataset(order[:cut]), r.dataset(order[cut:])
}

func (r *rows) dataset(of []int) *gbdt.Dataset {
	names := models.Features()
	d := &gbdt.Dataset{Names: names, Columns: make([][]float32, len(names)), Targets: make([]float32, len(of))}
	for f := range d.Columns {
		d.Columns[f] = make([]float32, len(of))
	}
	for i, k := range of {
		for f, x := range r.row(k) {
			d.Columns[f][i] = x
		}
		d.Targets[i] = models.Outcome(r.row(k), r.targets[k])
	}
	return d
}
