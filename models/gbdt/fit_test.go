package gbdt

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func encoded(t testing.TB, m *Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := m.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestModelDoesNotDependOnCores(t *testing.T) {
	train, valid := synthetic(9000, 20, 1), synthetic(3000, 20, 2)
	train.Weights, train.Censored = make([]float32, train.Rows()), make([]bool, train.Rows())
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range train.Weights {
		train.Weights[i] = rng.Float32()
		train.Censored[i] = rng.IntN(20) == 0
	}
	o := Options{
		Quantiles: []float64{.5, .95}, Trees: 8, MaxLeaves: 40, MaxDepth: 12, RowFraction: .7, ColumnFraction: .6, Seed: 7,
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var first []byte
	for _, cores := range []int{1, 2, 8} {
		runtime.GOMAXPROCS(cores)
		got := encoded(t, mustFit(t, train, valid, o))
		if first == nil {
			first = got
		}
		if !bytes.Equal(got, first) {
			t.Errorf("the model on %d cores is another than on 1", cores)
		}
	}
	o.Seed++
	if bytes.Equal(encoded(t, mustFit(t, train, valid, o)), first) {
		t.Error("another seed gives the same model")
	}
}

func TestQuantileDoesNotDependOnItsNeighbours(t *testing.T) {
	train := synthetic(3000, 12, 1)
	o := Options{Quantiles: []float64{.5, .9}, Trees: 5, RowFraction: .5, ColumnFraction: .5}
	both := mustFit(t, train, nil, o)
	o.Quantiles = o.Quantiles[1:]
	alone := mustFit(t, train, nil, o)
	if !slices.Equal(both.ensembles[1].nodes, alone.ensembles[0].nodes) ||
		!slices.Equal(both.ensembles[1].values, alone.ensembles[0].values) {
		t.Error("the trees of quantile .9 differ when .5 is fitted as well")
	}
}

func TestRowOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := drawDataset(rt)
		o := Options{Quantiles: []float64{.3, .9}, Trees: 5, MinChildWeight: 2}
		want := encoded(t, mustFit(t, d, nil, o))
		rand.New(rand.NewPCG(1, 2)).Shuffle(d.Rows(), func(i, j int) {
			for _, c := range d.Columns {
				c[i], c[j] = c[j], c[i]
			}
			d.Targets[i], d.Targets[j] = d.Targets[j], d.Targets[i]
			d.Weights[i], d.Weights[j] = d.Weights[j], d.Weights[i]
			d.Censored[i], d.Censored[j] = d.Censored[j], d.Censored[i]
		})
		if !bytes.Equal(encoded(t, mustFit(t, d, nil, o)), want) {
			rt.Fatal("the same rows in another order give another model")
		}
	})
}

// Only the proportions of weights matter, but for the options in units of weight.
func TestWeightsHaveNoScale(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := drawDataset(rt)
		o := Options{Quantiles: []float64{.3, .9}, Trees: 5, MinChildWeight: 2, L2: 1, MinGain: .1}
		want := mustPredict(t, mustFit(t, d, nil, o), d)
		factor := math.Ldexp(1, rapid.IntRange(-40, 40).Draw(rt, "exponent"))
		for i := range d.Weights {
			d.Weights[i] *= float32(factor)
		}
		o.MinChildWeight, o.L2, o.MinGain = o.MinChildWeight*factor, o.L2*factor, o.MinGain*factor
		if got := mustPredict(t, mustFit(t, d, nil, o), d); !slices.Equal(got, want) {
			rt.Fatalf("weights times %v change the predictions", factor)
		}
	})
}

func TestQuantilesDoNotCross(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := drawDataset(rt)
		qs := []float64{.1, .3, .5, .7, .9, .99}
		m := mustFit(t, d, nil, Options{Quantiles: qs, Trees: 10, MinChildWeight: 1, LearningRate: .5})
		out := mustPredict(t, m, drawQueries(rt, len(d.Columns)))
		for i := 0; i < len(out); i += len(qs) {
			if !slices.IsSorted(out[i : i+len(qs)]) {
				rt.Fatalf("quantiles %v cross: %v", qs, out[i:i+len(qs)])
			}
		}
	})
}

func drawQueries(t *rapid.T, columns int) *Dataset {
	n := rapid.IntRange(1, 130).Draw(t, "queries")
	d := &Dataset{Targets: make([]float32, n)}
	rng := rand.New(rand.NewPCG(uint64(n), 3))
	for range columns {
		column := make([]float32, n)
		for i := range column {
			if column[i] = float32(rng.NormFloat64() * 5); rng.IntN(5) == 0 {
				column[i] = nan
			}
		}
		d.Columns = append(d.Columns, column)
	}
	return d
}

func TestConstantTargetIsPredictedExactly(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := drawDataset(rt)
		y := rapid.Float32Range(-maxTarget, maxTarget).Draw(rt, "target")
		for i := range d.Targets {
			d.Targets[i] = y
		}
		m := mustFit(t, d, nil, Options{Quantiles: []float64{.1, .99}, MinChildWeight: 1})
		for _, got := range mustPredict(t, m, d) {
			if got != y {
				rt.Fatalf("predicted %v, want %v", got, y)
			}
		}
		if sum(m.Importance()) != 0 {
			rt.Fatalf("importance %v without a split", m.Importance())
		}
	})
}

// What Predict returns is what training saw, to the bit: bins, routes of missing values and sums agree.
func TestPredictReturnsTheScoresOfTraining(t *testing.T) {
	train := synthetic(5000, 13, 1)
	// Values so close that some must serve as thresholds themselves, and infinities.
	for i, x := range train.Columns[11] {
		if x = math.Float32frombits(math.Float32bits(1) + uint32(x*10)); x > 1.000003 {
			x = float32(math.Inf(i%2*2 - 1))
		}
		train.Columns[11][i] = x
	}
	o, err := Options{Quantiles: []float64{.8}, Trees: 20, MaxDepth: 9, MaxLeaves: 60, RowFraction: .5, MaxBins: 50}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	cuts := sketch(train.Columns, o.MaxBins, 0, 1)
	view := newView(train, cuts, 1)
	b := newBooster(pinball{.8}, view, view, cuts, o)
	if err := b.boost(t.Context()); err != nil {
		t.Fatal(err)
	}
	m := &Model{features: train.names(), gains: make([]float64, len(train.Columns))}
	m.add(.8, b.base, b.trees, cuts)
	byColumn := mustPredict(t, m, train)
	byRow := make([]float32, len(byColumn))
	if err := m.Predict(rowMajor(train), byRow); err != nil {
		t.Fatal(err)
	}
	for i := range b.scores {
		if b.scores[i] != b.heldScores[i] || b.scores[i] != byColumn[i] || b.scores[i] != byRow[i] {
			t.Fatalf("row %d: trained %v, held out %v, by column %v, by row %v",
				i, b.scores[i], b.heldScores[i], byColumn[i], byRow[i])
		}
	}
}

func TestMissingValuesAreInformation(t *testing.T) {
	for _, level := range []float32{-10, 10} {
		t.Run(fmt.Sprint("missing means ", level), func(t *testing.T) {
			d := &Dataset{Columns: [][]float32{nil}}
			for i := range 400 {
				x := float32(i % 100)
				if i%4 == 0 {
					d.Columns[0] = append(d.Columns[0], nan)
					d.Targets = append(d.Targets, level)
				} else {
					d.Columns[0] = append(d.Columns[0], x)
					d.Targets = append(d.Targets, x/100)
				}
			}
			m := mustFit(t, d, nil, Options{Quantiles: []float64{.5}})
			out := make([]float32, 2)
			if err := m.Predict([]float32{nan, 50}, out); err != nil {
				t.Fatal(err)
			}
			if math.Abs(float64(out[0]-level)) > .1 || math.Abs(float64(out[1]-.5)) > .2 {
				t.Errorf("predicted %v for missing and %v for 50, want %v and .5", out[0], out[1], level)
			}
		})
	}
}

// A value that was never missing in training goes with the heavier side when it is missing later.
func TestUnseenMissingGoesWithTheMajority(t *testing.T) {
	for _, heavy := range []string{"left", "right"} {
		t.Run(heavy, func(t *testing.T) {
			d := &Dataset{Columns: [][]float32{nil}}
			for i := range 100 {
				y, x := float32(0), float32(i)
				if i >= 30 {
					y = 1 + float32(i%10)/10
				}
				if heavy == "left" {
					x = -x
				}
				d.Columns[0] = append(d.Columns[0], x)
				d.Targets = append(d.Targets, y)
			}
			m := mustFit(t, d, nil, Options{Quantiles: []float64{.5}, MaxDepth: 1})
			out := make([]float32, 2)
			if err := m.Predict([]float32{d.Columns[0][0], nan}, out); err != nil {
				t.Fatal(err)
			}
			if out[0] > .3 || out[1] < 1 {
				t.Errorf("predicted %v for the minority and %v for missing, want about 0 and more than 1", out[0], out[1])
			}
		})
	}
}

func TestTreesSeeTheirShare(t *testing.T) {
	const rows, columns = 4000, 12
	train := synthetic(rows, columns, 1)
	o, err := Options{Quantiles: []float64{.5}, RowFraction: .3, ColumnFraction: .25, Trees: 30}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	cuts := sketch(train.Columns, o.MaxBins, 0, 1)
	b := newBooster(pinball{.5}, newView(train, cuts, 1), nil, cuts, o)
	if err := b.boost(t.Context()); err != nil {
		t.Fatal(err)
	}
	everUsed, mostUsed := map[int]bool{}, 0
	for _, tree := range b.trees {
		used := map[int]bool{}
		for _, n := range tree.nodes {
			if n.left != 0 {
				used[n.feature], everUsed[n.feature] = true, true
			}
		}
		mostUsed = max(mostUsed, len(used))
	}
	if mostUsed != 3 || len(everUsed) < 10 {
		t.Errorf("a tree splits on up to %d columns, all together on %d of %d, want 3 and nearly all", mostUsed, len(everUsed), columns)
	}
	if share := float64(len(b.inBag)) / rows; math.Abs(share-.3) > .05 || len(b.inBag)+len(b.outOfBag) != rows {
		t.Errorf("the last tree saw %d of %d rows and left out %d", len(b.inBag), rows, len(b.outOfBag))
	}
}

// y = x + Exp(1) has the quantile x - ln(1-q).
func TestFitApproachesTheTrueQuantile(t *testing.T) {
	draw := func(n int, seed uint64) *Dataset {
		rng := rand.New(rand.NewPCG(seed, 1))
		d := &Dataset{Columns: make([][]float32, 2)}
		for range n {
			x := rng.Float64() * 4
			d.Columns[0] = append(d.Columns[0], float32(x))
			d.Columns[1] = append(d.Columns[1], rng.Float32())
			d.Targets = append(d.Targets, float32(x+rng.ExpFloat64()))
		}
		return d
	}
	qs := []float64{.1, .5, .9, .95}
	m := mustFit(t, draw(8000, 1), draw(2000, 2), Options{Quantiles: qs, Trees: 60, MaxDepth: 3})
	test := draw(10_000, 3)
	out := mustPredict(t, m, test)
	for k, q := range qs {
		var miss, covered float64
		for i, x := range test.Columns[0] {
			got := out[i*len(qs)+k]
			miss += math.Abs(float64(got) - (float64(x) - math.Log1p(-q)))
			if test.Targets[i] <= got {
				covered++
			}
		}
		n := float64(test.Rows())
		if miss/n > .05+.02/(1-q) || math.Abs(covered/n-q) > .02 {
			t.Errorf("quantile %v is off by %v in the mean and covers %v", q, miss/n, covered/n)
		}
	}
	if shares := m.Importance(); shares[0] < .95 || math.Abs(sum(shares)-1) > 1e-9 {
		t.Errorf("importance %v, want nearly all in feature 0", shares)
	}
}

// Targets cut off at a limit: taken at face value they hide the tail, marked as censored they do not.
func TestCensoredTargetsPullUpOnly(t *testing.T) {
	const q, n = .9, 8000
	rng := rand.New(rand.NewPCG(1, 1))
	d := &Dataset{Columns: [][]float32{make([]float32, n)}, Targets: make([]float32, n), Censored: make([]bool, n)}
	truth := make([]float32, n)
	for i := range n {
		d.Columns[0][i] = float32(rng.IntN(2))
		truth[i] = float32(rng.ExpFloat64()) * (1 + d.Columns[0][i])
		limit := float32(rng.ExpFloat64() * 4)
		d.Targets[i], d.Censored[i] = min(truth[i], limit), truth[i] > limit
	}
	o := Options{Quantiles: []float64{q}, Trees: 30}
	aware := mustPredict(t, mustFit(t, d, nil, o), d)
	d.Censored = nil
	naive := mustPredict(t, mustFit(t, d, nil, o), d)
	for group := range 2 {
		var sums [2]float64
		count := 0.0
		for i, x := range d.Columns[0] {
			if int(x) == group {
				sums[0] += float64(aware[i])
				sums[1] += float64(naive[i])
				count++
			}
		}
		want := -math.Log(1-q) * float64(1+group)
		gotAware, gotNaive := sums[0]/count, sums[1]/count
		if math.Abs(gotAware-want) > .5*math.Abs(gotNaive-want) || gotAware > want*1.05 {
			t.Errorf("group %d: %v with censoring, %v without, want %v", group, gotAware, gotNaive, want)
		}
	}
}

func TestEarlyStopping(t *testing.T) {
	// Nothing to learn: the columns are noise.
	noise := func(seed uint64) *Dataset {
		d := synthetic(500, 12, seed)
		rng := rand.New(rand.NewPCG(seed, 9))
		for i := range d.Targets {
			d.Targets[i] = float32(rng.NormFloat64())
		}
		return d
	}
	rounds := map[float64][]float64{}
	o := Options{Quantiles: []float64{.5, .9}, Trees: 500, Patience: 7, OnRound: func(r Round) {
		rounds[r.Quantile] = append(rounds[r.Quantile], r.ValidLoss)
		if r.Tree != len(rounds[r.Quantile]) {
			t.Errorf("round %d of quantile %v follows %d", r.Tree, r.Quantile, len(rounds[r.Quantile])-1)
		}
	}}
	valid := noise(2)
	m := mustFit(t, noise(1), valid, o)
	for k, q := range o.Quantiles {
		losses, kept := rounds[q], m.Trees()[k]
		if len(losses) != kept+o.Patience {
			t.Errorf("quantile %v: %d rounds for %d trees kept, want %d more", q, len(losses), kept, o.Patience)
		}
		if kept > 0 && losses[kept-1] != slices.Min(losses) {
			t.Errorf("quantile %v: kept the loss %v, the best is %v", q, losses[kept-1], slices.Min(losses))
		}
	}

	m = mustFit(t, noise(1), nil, Options{Quantiles: []float64{.5}, Trees: 40, Patience: 1})
	if got := m.Trees()[0]; got != 40 {
		t.Errorf("%d trees without a validation set, want 40", got)
	}
}

func TestZeroWeightRowsHaveNoSay(t *testing.T) {
	clean := synthetic(1000, 12, 1)
	o := Options{Quantiles: []float64{.9}, Trees: 10}
	want := mustPredict(t, mustFit(t, clean, nil, o), clean)
	dirty := synthetic(1000, 12, 1)
	dirty.Weights = make([]float32, 1000, 1100)
	for i := range dirty.Weights {
		dirty.Weights[i] = 1
	}
	dirty.Weights = dirty.Weights[:1100]
	for i := range 100 {
		dirty.Targets = append(dirty.Targets, 1e6)
		for f := range dirty.Columns {
			dirty.Columns[f] = append(dirty.Columns[f], clean.Columns[f][i])
		}
	}
	got := mustPredict(t, mustFit(t, dirty, nil, o), clean)
	// The bins may differ a little: they count rows, not weight.
	if a, b := meanLoss(clean, got, .9, 0, 1), meanLoss(clean, want, .9, 0, 1); math.Abs(a-b) > .05*b {
		t.Errorf("loss %v with outliers of no weight, %v without", a, b)
	}
}

// By default a leaf holds as many rows as its quantile needs, and the data can spare.
func TestLeavesHoldEnoughRows(t *testing.T) {
	for _, c := range []struct{ set, q, total, want float64 }{
		{0, .5, 1e6, 50}, {0, .9, 1e6, 250}, {0, .1, 1e6, 250}, {0, .99, 1e6, 2500},
		{0, .99, 50_000, 500}, {0, .99, 100, 20}, {0, .5, 3000, 30}, {7, .99, 1e6, 7},
	} {
		if got := (Options{MinChildWeight: c.set}).minChildWeight(c.q, c.total); math.Abs(got-c.want) > 1e-9*c.want {
			t.Errorf("%v at %v of %v: %v, want %v", c.set, c.q, c.total, got, c.want)
		}
	}
}

func newView(d *Dataset, cuts []cuts, c crew) *view {
	return &view{Dataset: d, binned: discretize(d.Columns, cuts, c), weights: fixedPoint(d.Weights)}
}

// Columns binned once give the models that each Fit would, whatever was fitted before.
func TestBinsFitManyTargets(t *testing.T) {
	train, valid := synthetic(3000, 20, 1), synthetic(800, 20, 2)
	o := Options{Trees: 12, MaxBins: 32, Seed: 3, RowFraction: .7, ColumnFraction: .7}
	bins, err := Bin(train, valid, o)
	if err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		o.Quantiles, o.Mean = []float64{.5, .9}, false
		if round == 1 {
			o.Quantiles, o.Mean = nil, true
		}
		for _, d := range []*Dataset{train, valid} {
			for i, y := range d.Targets {
				d.Targets[i] = y*y - float32(i%(round+3))
			}
		}
		many, err := bins.Fit(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(encoded(t, many), encoded(t, mustFit(t, train, valid, o))) {
			t.Errorf("round %d: another model", round)
		}
	}
	for _, other := range []Options{{Trees: 1, MaxBins: 64, Seed: 3}, {Trees: 1, MaxBins: 32, Seed: 4}} {
		if _, err := bins.Fit(t.Context(), other); err == nil {
			t.Errorf("fitted with %d bins and seed %d", other.MaxBins, other.Seed)
		}
	}
	train.Targets[7] = float32(math.NaN())
	if _, err := bins.Fit(t.Context(), o); err == nil {
		t.Error("fitted to what is no number")
	}
}
