package training

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/models/backtest"
	"github.com/auspex-project/auspex/models/gbdt"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// slotRows are slots to come that a profiler learns from: what was known some time
// before (models.SlotFeatures), and the largest and the mean usage that came, as
// shares of the scale.
type slotRows struct {
	features       []float32
	largest, means []float32   // NaN where nothing was measured
	scales, caps   []float32   // of the amounts; what a share is at most
	at             []time.Time // when it was asked
	slot           []time.Time // begin of the slot
}

// slotsDrawn is how many slots of a span are learned from when it is asked for,
// evenly spaced from one drawn by workload and time.
const slotsDrawn = 2

func (r *slotRows) add(p *plan, s *models.Subject, n resource.Name, now time.Time) {
	columns, ok := models.NewSlotColumns(p.Grid).Known(nil, s, n, now)
	if !ok {
		return
	}
	slots, width := p.Grid.Slots, len(models.SlotFeatures())
	most := float32(1)
	if s.Limit(n) <= 0 {
		most = limitless
	}
	lot := int(draw(p.Seed+1, s.ID, now) % uint64(slots))
	for d := range min(slotsDrawn, slots) {
		ahead := (lot + d*slots/slotsDrawn) % slots
		k := (p.Grid.Index(now) + ahead) % slots
		r.features = append(r.features, columns[k*width:(k+1)*width]...)
		r.scales, r.caps = append(r.scales, float32(models.Scale(s, n))), append(r.caps, most)
		r.at, r.slot = append(r.at, now), append(r.slot, now.Add(time.Duration(ahead)*p.Grid.Slot))
	}
}

// answer fills in what came.
func (r *slotRows) answer(t *models.Timeline) {
	for i, at := range r.slot {
		largest, mean := t.At(at)
		r.largest = append(r.largest, min(largest/r.scales[i], r.caps[i]))
		r.means = append(r.means, min(mean/r.scales[i], r.caps[i]))
	}
}

// append adds the rows of o whose outcome is known and came before until.
func (r *slotRows) append(o slotRows, until time.Time) {
	width := len(models.SlotFeatures())
	for i, v := range o.largest {
		if v == v && o.slot[i].Before(until) {
			r.features = append(r.features, o.features[i*width:(i+1)*width]...)
			r.largest, r.means = append(r.largest, v), append(r.means, o.means[i])
			r.at = append(r.at, o.at[i])
		}
	}
}

func (r *slotRows) row(i int) []float32 {
	width := len(models.SlotFeatures())
	return r.features[i*width : (i+1)*width]
}

// datasets lays at most limit rows out by column, evenly thinned, the newest apart.
// Targets are left to be set.
func (r *slotRows) datasets(limit int) (train, valid dataset) {
	var order []int
	for i, every := 0, max(1, (len(r.at)+limit-1)/limit); i < len(r.at); i += every {
		order = append(order, i)
	}
	slices.SortStableFunc(order, func(a, b int) int { return r.at[a].Compare(r.at[b]) })
	cut := len(order) - int(heldOut*float64(len(order)))
	return r.dataset(order[:cut]), r.dataset(order[cut:])
}

func (r *slotRows) dataset(of []int) dataset {
	names := models.SlotFeatures()
	d := &gbdt.Dataset{Names: names, Columns: make([][]float32, len(names)), Targets: make([]float32, len(of)), Weights: make([]float32, len(of))}
	for f := range d.Columns {
		d.Columns[f] = make([]float32, len(of))
	}
	for i, k := range of {
		row := r.row(k)
		d.Weights[i] = models.SlotWeight(row)
		for f, x := range row {
			d.Columns[f][i] = x
		}
	}
	return dataset{d, of}
}

// outcomes makes d's targets those of shares.
func (r *slotRows) outcomes(d dataset, shares []float32) {
	for i, k := range d.rows {
		d.Targets[i] = models.SlotOutcome(r.row(k), shares[k])
	}
}

// fitProfile learns slots to come from r.
func (p *plan) fitProfile(ctx context.Context, n resource.Name, r *slotRows) (*models.Profiler, error) {
	phase := fmt.Sprintf("fit slots of %s", n)
	train, valid := r.datasets(slotsDrawn * p.MaxRows)
	o := p.boosting(train)
	o.OnRound = func(round gbdt.Round) { p.OnProgress(Progress{phase, round.Tree, p.Trees}) }
	bins, err := gbdt.Bin(train.Dataset, valid.Dataset, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", phase, err)
	}
	fit := func(shares []float32, o gbdt.Options) (*gbdt.Model, error) {
		r.outcomes(train, shares)
		r.outcomes(valid, shares)
		return bins.Fit(ctx, o)
	}
	ofLargest, ofMean := o, o
	ofLargest.Quantiles, ofMean.Mean = models.SlotLevels(), true
	quantiles, err := fit(r.largest, ofLargest)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", phase, err)
	}
	mean, err := fit(r.means, ofMean)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", phase, err)
	}
	return models.NewProfiler(n, p.Grid, mean, quantiles)
}

// profiles returns what m makes workloads add to sums: by track, judged row and
// slot. Pasts that do not speak for themselves are left as they are, as in service.
func (e *evidence) profiles(ctx context.Context, m *models.Profiler) ([][]float32, error) {
	slots, levels := e.plan.Grid.Slots, len(models.SlotLevels())
	all := make([][]float32, len(e.judged))
	errs := make([]error, len(e.judged))
	err := backtest.Parallel(ctx, e.plan.Workers, len(e.judged), func(k int) {
		j := &e.judged[k]
		columns := models.NewSlotColumns(e.plan.Grid)
		all[k] = make([]float32, 0, len(j.owns)*slots)
		quantiles := make([]float32, slots*levels)
		var rows []float32
		for i, at := range j.rows.at {
			scale := j.rows.scales[i]
			var ok bool
			if rows, ok = columns.Before(rows[:0], j.timeline, at, float64(scale)); !ok || !j.owns[i].past.Settled() {
				all[k] = append(all[k], j.owns[i].profile...)
				continue
			}
			if err := m.Quantiles(rows, quantiles); err != nil {
				errs[k] = err
				return
			}
			for s := range slots {
				all[k] = append(all[k], max(quantiles[(s+1)*levels-1]*scale, j.owns[i].floor))
			}
		}
	})
	for _, failed := range errs {
		if failed != nil {
			return nil, failed
		}
	}
	return all, err
}

// note keeps a sample in the timeline, at most at its limit.
func (r *resourceExtract) note(n resource.Name, s *timeseries.Sample) {
	if !s.Usage.Has(n) {
		return
	}
	usage := s.Usage.Get(n)
	if most := s.Limit.Get(n); most > 0 {
		usage = min(usage, most)
	}
	r.timeline.Add(s.Time, usage)
}
