package gbdt

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Fit learns the quantiles of the targets of train, or with Options.Mean their mean. valid, which may be nil, holds
// rows of a later time as a rule: each quantile keeps the number of trees at which its loss on them was lowest, and
// stops after Options.Patience rounds without a lower one.
//
// The model depends on the data, the options and the seed, and not on the number of cores. Fit returns the error of a
// context that ends, and says what is wrong with bad options or data. All goroutines it starts have ended when it
// returns.
func Fit(ctx context.Context, train, valid *Dataset, o Options) (*Model, error) {
	b, err := Bin(train, valid, o)
	if err != nil {
		return nil, err
	}
	return b.Fit(ctx, o)
}

// Bins are a training and a validation set whose columns have been sorted into bins. They serve to fit models of
// several targets, quantiles or losses, for each of which Fit would sort again. Not safe for concurrent use.
type Bins struct {
	train, valid     *Dataset // valid may be nil
	cuts             []cuts
	binned, validBin *binned
	maxBins          int
	seed             uint64
}

// Bin sorts the columns of train, and of valid unless that is nil, as Options.MaxBins and Options.Seed say. It keeps
// both sets: their targets, weights and censoring may be replaced before each Fit, their columns must not change. Its
// errors say what is wrong with options or data.
func Bin(train, valid *Dataset, o Options) (*Bins, error) {
	o.Quantiles, o.Mean = nil, true // whatever is fitted
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := checkBoth(train, valid); err != nil {
		return nil, err
	}
	workers := crew(o.Workers)
	b := &Bins{train: train, valid: valid, maxBins: o.MaxBins, seed: o.Seed, cuts: sketch(train.Columns, o.MaxBins, o.Seed, workers)}
	b.binned = discretize(train.Columns, b.cuts, workers)
	if valid != nil {
		b.validBin = discretize(valid.Columns, b.cuts, workers)
	}
	return b, nil
}

func checkBoth(train, valid *Dataset) error {
	if err := train.check(); err != nil {
		return fmt.Errorf("gbdt training set: %w", err)
	}
	if valid == nil {
		return nil
	}
	if err := valid.checkValid(train); err != nil {
		return fmt.Errorf("gbdt validation set: %w", err)
	}
	return nil
}

// Fit returns the model, to the bit, that the function Fit returns for the sets b was made of with their present
// targets. MaxBins and Seed must be those given to Bin.
func (b *Bins) Fit(ctx context.Context, o Options) (*Model, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if o.MaxBins != b.maxBins || o.Seed != b.seed {
		return nil, fmt.Errorf("gbdt fit: %d bins and seed %d, the columns were sorted into %d with seed %d", o.MaxBins, o.Seed, b.maxBins, b.seed)
	}
	if err := checkBoth(b.train, b.valid); err != nil {
		return nil, err
	}
	train := b.train
	if o.Mean && train.Weights == nil { // units fine enough for shares of a row
		even := *train
		even.Weights = make([]float32, train.Rows())
		for i := range even.Weights {
			even.Weights[i] = 1
		}
		train = &even
	}
	data := &view{Dataset: train, binned: b.binned, weights: fixedPoint(train.Weights)}
	var held *view
	if b.valid != nil {
		held = &view{Dataset: b.valid, binned: b.validBin, weights: fixedPoint(b.valid.Weights)}
	}

	m := &Model{features: train.names(), gains: make([]float64, len(train.Columns))}
	for _, q := range o.levels() {
		p := pinball{q}
		if o.Mean {
			p.q = .5
		}
		booster := newBooster(p, data, held, b.cuts, o)
		if err := booster.boost(ctx); err != nil {
			return nil, fmt.Errorf("gbdt fit of %s: %w", nameOf(q), err)
		}
		m.add(q, booster.base, booster.trees[:booster.best], b.cuts)
	}
	m.sliced = slice(m.ensembles)
	return m, nil
}

// view is a dataset in the form trees are grown on.
type view struct {
	*Dataset
	*binned
	weights weights
}

func (v *view) censored(row int) bool { return v.Censored != nil && v.Censored[row] }

// booster fits the trees of one quantile.
type booster struct {
	pinball
	options     Options
	grower      *grower
	rng         *rand.Rand
	train, held *view // held may be nil

	base       float32
	trees      []*tree
	best       int       // how many trees to keep
	scores     []float32 // of the rows of train, summed as Predict does
	heldScores []float32
	residuals  []residual
	inBag      []uint32
	outOfBag   []uint32
}

func newBooster(p pinball, train, held *view, cuts []cuts, o Options) *booster {
	scale := train.weights.scale
	s := splitter{pinball: p, minChild: max(1, o.minChildWeight(p.q, train.weights.total(train.rows)/scale)*scale), minGain: o.MinGain * scale, l2: o.L2 * scale}
	b := &booster{
		pinball: p, options: o, grower: newGrower(train.binned, cuts, s, o),
		// By quantile, not by its position, so that its trees do not depend on what else is fitted.
		rng:   rand.New(rand.NewPCG(o.Seed, math.Float64bits(p.q))),
		train: train, held: held,
		scores: make([]float32, train.rows), residuals: make([]residual, train.rows),
	}
	if held != nil {
		b.heldScores = make([]float32, held.rows)
	}
	return b
}

func (b *booster) boost(ctx context.Context) error {
	b.start()
	lowest, waited := b.heldLoss(), 0
	for round := 1; round <= b.options.Trees && waited < b.options.Patience; round++ {
		// 1. What the tree may see.
		b.draw()
		b.updateStats()

		// 2. Its splits, then its leaves.
		t, leaves, err := b.grower.grow(ctx)
		if err != nil {
			return err
		}
		b.fitLeaves(t, leaves)
		b.trees = append(b.trees, t)

		// 3. The predictions so far.
		b.addTree(t, leaves)

		// 4. Whether it helps rows it has not seen.
		loss := b.heldLoss()
		waited++
		if b.held == nil || loss < lowest {
			lowest, waited, b.best = loss, 0, len(b.trees)
		}
		if b.options.OnRound != nil {
			b.options.OnRound(Round{Quantile: b.level(), Tree: round, ValidLoss: loss})
		}
	}
	return nil
}

// level is the quantile as models keep it.
func (b *booster) level() float64 {
	if b.options.Mean {
		return meanQuantile
	}
	return b.q
}

// start predicts the same for every row: the center of all targets.
func (b *booster) start() {
	b.base = b.center(b.gatherResiduals(b.residuals, nil))
	for i := range b.scores {
		b.scores[i] = b.base
	}
	for i := range b.heldScores {
		b.heldScores[i] = b.base
	}
}

// draw chooses the columns and rows of the next tree.
func (b *booster) draw() {
	features := make([]int, len(b.train.Columns))
	for f := range features {
		features[f] = f
	}
	if b.options.ColumnFraction < 1 {
		b.rng.Shuffle(len(features), func(i, j int) { features[i], features[j] = features[j], features[i] })
		features = features[:int(math.Ceil(b.options.ColumnFraction*float64(len(features))))]
		slices.Sort(features)
	}
	b.inBag, b.outOfBag = b.inBag[:0], b.outOfBag[:0]
	for row := range uint32(b.train.rows) {
		if b.options.RowFraction == 1 || b.rng.Float64() < b.options.RowFraction {
			b.inBag = append(b.inBag, row)
		} else {
			b.outOfBag = append(b.outOfBag, row)
		}
	}
	b.grower.use(features, b.inBag)
}

func (b *booster) updateStats() {
	n := b.train.rows
	if b.options.Mean {
		s := squared{b.reach()}
		b.grower.do(chunks(n), func(_, task int) {
			for i, hi := chunk(task, n); i < hi; i++ {
				b.grower.stats[i] = s.stat(b.train.Targets[i], b.scores[i], b.train.weights.at(i), b.train.censored(i))
			}
		})
		return
	}
	b.grower.do(chunks(n), func(_, task int) {
		for i, hi := chunk(task, n); i < hi; i++ {
			b.grower.stats[i] = b.stat(b.train.Targets[i], b.scores[i], b.train.weights.at(i), b.train.censored(i))
		}
	})
}

// center is what a leaf predicts of its residuals: their quantile, or their mean.
func (b *booster) center(rs []residual) float32 {
	if b.options.Mean {
		return mean(rs)
	}
	return b.quantile(rs)
}

// fitLeaves gives every leaf the center of its residuals, shrunk.
func (b *booster) fitLeaves(t *tree, leaves []*leaf) {
	b.grower.do(len(leaves), func(_, task int) {
		l := leaves[task]
		step := b.center(b.gatherResiduals(b.residuals[l.lo:l.hi], b.inBag[l.lo:l.hi]))
		shrink := b.options.LearningRate
		if l2 := b.grower.l2; l2 > 0 {
			shrink *= l.total.weight() / (l.total.weight() + l2)
		}
		t.nodes[l.node].value = float32(shrink * float64(step))
	})
}

// gatherResiduals fills rs with the residuals of the rows, or of all if nil.
func (b *booster) gatherResiduals(rs []residual, rows []uint32) []residual {
	for i := range rs {
		row := i
		if rows != nil {
			row = int(rows[i])
		}
		rs[i] = newResidual(b.train.Targets[row], b.scores[row], b.train.weights.at(row), b.train.censored(row))
	}
	return rs
}

// addTree adds the values of a tree to all predictions. The rows it grew on are at hand by leaf.
func (b *booster) addTree(t *tree, leaves []*leaf) {
	b.grower.do(len(leaves), func(_, task int) {
		l := leaves[task]
		for _, row := range b.inBag[l.lo:l.hi] {
			b.scores[row] += t.nodes[l.node].value
		}
	})
	if len(b.outOfBag) > 0 {
		t.addTo(b.scores, b.train.binned, b.outOfBag, b.grower.crew)
	}
	if b.held != nil {
		t.addTo(b.heldScores, b.held.binned, nil, b.grower.crew)
	}
}

// heldLoss is the mean loss on the validation set, NaN without one. Its sums are taken in a fixed order.
func (b *booster) heldLoss() float64 {
	if b.held == nil {
		return math.NaN()
	}
	n := b.held.rows
	losses, weights := make([]float64, chunks(n)), make([]float64, chunks(n))
	loss := b.loss
	if b.options.Mean {
		loss = squared{}.loss
	}
	b.grower.do(len(losses), func(_, task int) {
		for i, hi := chunk(task, n); i < hi; i++ {
			w := float64(b.held.weights.at(i))
			losses[task] += w * loss(b.held.Targets[i], b.heldScores[i], b.held.censored(i))
			weights[task] += w
		}
	})
	return sum(losses) / sum(weights)
}

func sum(xs []float64) (total float64) {
	for _, x := range xs {
		total += x
	}
	return total
}
