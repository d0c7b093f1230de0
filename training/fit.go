package training

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/backtest"
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
	phase := fmt.Sprintf("fit %s of %s", e.resource, class)
	corrections, err := p.fitLevels(ctx, phase, r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", phase, err)
	}
	model, err := models.NewLearned(e.resource, p.Grid, corrections)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", phase, err)
	}
	if err := e.tune(class, model, corrections); err != nil {
		return nil, fmt.Errorf("%s: %w", phase, err)
	}
	if model, err = models.NewLearned(e.resource, p.Grid, corrections); err != nil {
		return nil, fmt.Errorf("%s: %w", phase, err)
	}
	return &candidate{class: class, model: model, rows: len(r.targets), took: time.Since(started)}, nil
}

// fitLevels fits the model of each level to its own outcome.
func (p *plan) fitLevels(ctx context.Context, phase string, r *rows) ([]models.Correction, error) {
	train, valid := r.datasets()
	o := p.boosting(train)
	bins, err := gbdt.Bin(train.Dataset, valid.Dataset, o)
	if err != nil {
		return nil, err
	}
	corrections := make([]models.Correction, len(models.Levels()))
	for level := range corrections {
		r.outcomes(train, level)
		r.outcomes(valid, level)
		o.Quantiles = models.Levels()[level : level+1]
		o.OnRound = func(round gbdt.Round) {
			p.OnProgress(Progress{phase, level*p.Trees + round.Tree, len(corrections) * p.Trees})
		}
		trees, err := bins.Fit(ctx, o)
		if err != nil {
			return nil, err
		}
		corrections[level] = models.Correction{Trees: trees, Trust: 1}
	}
	return corrections, nil
}

// boosting are the options all trees of a night are fitted with.
func (p *plan) boosting(train dataset) gbdt.Options {
	return gbdt.Options{Trees: p.Trees, LearningRate: .1, MaxDepth: 6, MaxLeaves: 31, MinChildWeight: minChildWeight(train),
		MaxBins: 128, RowFraction: .7, ColumnFraction: .7, Patience: 15, Seed: p.Seed, Workers: p.Workers}
}

// minChildWeight asks for as much in a leaf as some fifty rows of average weight.
func minChildWeight(d dataset) float64 {
	var total float64
	for _, w := range d.Weights {
		total += float64(w)
	}
	return 50 * total / float64(len(d.Weights))
}

// tune sets the trust and the shift of each correction to what would have served
// best on the calibration window: the trust of least loss, shifted so that the
// level holds. untuned is the model of full trust.
func (e *evidence) tune(class workload.Class, untuned *models.Learned, corrections []models.Correction) error {
	shares, err := e.shares(untuned)
	if err != nil {
		return err
	}
	var owns, learned [][]float32 // by level
	var targets, caps []float32
	for range corrections {
		owns, learned = append(owns, nil), append(learned, nil)
	}
	e.each(class, e.plan.calibrates, func(track, row int) {
		r := &e.judged[track].rows
		for k := range corrections {
			owns[k] = append(owns[k], r.row(row)[k])
			learned[k] = append(learned[k], shares[track][row*len(corrections)+k])
		}
		targets, caps = append(targets, r.targets[row]), append(caps, r.caps[row])
	})
	for k, level := range models.Levels() {
		corrections[k].Trust, corrections[k].Shift = tuned(level, owns[k], learned[k], targets, caps)
	}
	return nil
}

// tuned tries how far to go from own to learned. It is judged by what is served: no
// share is more than its cap, and none less than nothing.
func tuned(level float64, own, learned, targets, caps []float32) (trust, shift float32) {
	best := math.Inf(1)
	scores := make([]float32, len(targets))
	for _, try := range [...]float32{0, .25, .5, .75, 1} {
		told := func(i int) float32 { return own[i] + try*(learned[i]-own[i]) }
		for i, y := range targets {
			scores[i] = y - told(i)
		}
		by, ok := models.ConformalQuantile(scores, level)
		if !ok {
			return 1, 0
		}
		var loss float64
		for i, y := range targets {
			loss += backtest.Pinball(level, float64(min(max(told(i)+by, 0), caps[i])), float64(y))
		}
		if loss < best {
			best, trust, shift = loss, try, by
		}
	}
	return trust, shift
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

// dataset is some rows laid out by column.
type dataset struct {
	*gbdt.Dataset
	rows []int
}

// datasets lays the rows out by column, the newest apart.
func (r *rows) datasets() (train, valid dataset) {
	order := make([]int, len(r.targets))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return r.at[a].Compare(r.at[b]) })
	cut := len(order) - int(heldOut*float64(len(order)))
	return r.dataset(order[:cut]), r.dataset(order[cut:])
}

func (r *rows) dataset(of []int) dataset {
	names := models.Features()
	d := &gbdt.Dataset{Names: names, Columns: make([][]float32, len(names)), Targets: make([]float32, len(of))}
	for f := range d.Columns {
		d.Columns[f] = make([]float32, len(of))
	}
	d.Weights, d.Censored = make([]float32, len(of)), make([]bool, len(of))
	for i, k := range of {
		d.Censored[i] = r.censored[k]
		d.Weights[i] = models.Weight(r.row(k))
		for f, x := range r.row(k) {
			d.Columns[f][i] = x
		}
	}
	return dataset{d, of}
}

// outcomes makes d's targets those of one level.
func (r *rows) outcomes(d dataset, level int) {
	for i, k := range d.rows {
		d.Targets[i] = models.Outcome(r.row(k), r.targets[k], level)
	}
}
