package models

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models/gbdt"
	"github.com/auspex-project/auspex/resource"
)

// Learned predicts the quantiles of a workload's maximum over the coming span:
// those of its own past, each corrected by gradient-boosted trees, the same for
// all workloads of a class. The
// slots of its profile are those of the workload's own past; its peak is the
// largest usage of its memory, or a learned quantile where that is more: most surprises
// are workloads that pass their own maximum for the first time.
type Learned struct {
	resource resource.Name
	grid     forecast.Grid
	levels   []Correction // by level
}

// Correction is what is learned about one quantile: it becomes
//
//	own quantile + Trust * Trees * spread + Shift
//
// as a share of the scale.
type Correction struct {
	Trees *gbdt.Model // fitted to Outcome
	Trust float32     // in [0, 1]
	Shift float32     // by calibration
}

var _ Predictor = (*Learned)(nil)

// PeakLevel is the index in Levels of the quantile that may raise the peak: the 95th
// percentile. Raised by rarer ones, sums of machines save less at the same violations
// (docs/models.md).
const PeakLevel = 2

// NewLearned returns the predictor of n that corrects each of Levels, with
// trees fitted on Features.
func NewLearned(n resource.Name, g forecast.Grid, corrections []Correction) (*Learned, error) {
	if len(corrections) != len(levels) {
		return nil, fmt.Errorf("learned model of %s: %d corrections for %d quantiles", n, len(corrections), len(levels))
	}
	for i, c := range corrections {
		switch {
		case !slices.Equal(c.Trees.Features(), featureNames()):
			return nil, fmt.Errorf("learned model of %s: fitted on %d features that are not the %d this program computes (train again)", n, len(c.Trees.Features()), featureCount)
		case !slices.Equal(c.Trees.Quantiles(), levels[i:i+1]):
			return nil, fmt.Errorf("learned model of %s: predicts quantiles %v (want %v)", n, c.Trees.Quantiles(), levels[i:i+1])
		case !(c.Trust >= 0 && c.Trust <= 1):
			return nil, fmt.Errorf("learned model of %s: trust of %g", n, c.Trust)
		case !(math.Abs(float64(c.Shift)) <= 1e6):
			return nil, fmt.Errorf("learned model of %s: shift of %g", n, c.Shift)
		}
	}
	return &Learned{resource: n, grid: g, levels: corrections}, nil
}

// Features returns the names of the columns of a learned model, and Row the
// values for one workload at one moment, as shares of Scale.
func Features() []string { return featureNames() }

// Row appends the features of s's use of n at now to row. ok is false when
// there is too little history to learn or predict from.
func Row(row []float32, s *Subject, n resource.Name, now time.Time, g forecast.Grid) (_ []float32, scale float64, ok bool) {
	u := s.usage(n)
	if u == nil || u.last.Sub(u.first) < minOwn || now.Sub(u.last) > Memory || s.Limit(n) <= 0 && u.peak <= 0 {
		return row, 0, false
	}
	return appendFeatures(row, s, n, now, g), scaleOf(s, n), true
}

func (l *Learned) Predict(s *Subject, n resource.Name, now time.Time, g forecast.Grid) (forecast.Demand, bool) {
	if n != l.resource || g != l.grid {
		return forecast.Demand{}, false
	}
	row, scale, ok := Row(nil, s, n, now, g)
	if !ok {
		return forecast.Demand{}, false
	}
	limit := s.Limit(n)
	d, ok := ownDemand(s.usage(n), limit, now, g)
	if !ok {
		return forecast.Demand{}, false
	}
	shares := make([]float32, len(levels))
	if err := l.Shares(row, shares); err != nil {
		return forecast.Demand{}, false // ruled out by NewLearned
	}
	d.Quantiles = make([]forecast.Quantile, len(levels))
	for i, share := range shares {
		v := share * float32(scale)
		if limit > 0 {
			v = min(v, float32(limit))
		}
		d.Quantiles[i] = forecast.Quantile{P: levels[i], Value: v}
	}
	d.Peak = RaisedPeak(d.Peak, d.Quantiles[PeakLevel].Value)
	return d, true
}

// LeansOn returns the features that the trees gain most by, over all quantiles, the
// first first, and their shares of the gain.
func (l *Learned) LeansOn(most int) (features []string, shares []float64) {
	names, total := featureNames(), make([]float64, featureCount)
	for _, level := range l.levels {
		for f, share := range level.Trees.Importance() {
			total[f] += share / float64(len(l.levels))
		}
	}
	order := make([]int, len(names))
	for f := range order {
		order[f] = f
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(total[b], total[a]) })
	for _, f := range order[:min(most, len(order))] {
		if total[f] > 0 {
			features, shares = append(features, names[f]), append(shares, total[f])
		}
	}
	return features, shares
}

// Grid returns the grid whose spans the model predicts the maxima of.
func (l *Learned) Grid() forecast.Grid { return l.grid }

// Shares predicts rows, each as Row made it, one after the other: out receives
// for each row the calibrated quantiles of the maximum by Levels, as shares of
// the row's scale, rising and not negative.
func (l *Learned) Shares(rows, out []float32) error {
	corrections := make([]float32, len(rows)/featureCount) // of one level
	for k, level := range l.levels {
		if err := level.Trees.Predict(rows, corrections); err != nil {
			return fmt.Errorf("learned model of %s: %w", l.resource, err)
		}
		for i, c := range corrections {
			row := rows[i*featureCount:]
			out[i*len(levels)+k] = row[k] + level.Trust*c*row[ownSpread] + level.Shift
		}
	}
	for shares := range slices.Chunk(out, len(levels)) {
		least := float32(0)
		for k, share := range shares {
			least = max(least, share)
			shares[k] = least
		}
	}
	return nil
}

// Outcome returns what the model of Levels()[level] is fitted to for a row with
// the outcome share: its difference from the own quantile, in spreads. Trees so
// start from a fair guess for each workload, not from one for all; and outcomes
// at the limit, which are many and equal, do not hide what lies below them from
// the upper quantiles.
func Outcome(row []float32, share float32, level int) float32 {
	return min(max((share-row[level])/row[ownSpread], -farOut), farOut)
}

// Censored reports whether share, what came after row, tells of n only what is
// needed at least: usage ended at a limit that was never reached before, and there
// it kills. What a limit merely slows down, like CPU, is asked how much it uses
// within its limit, and is taken at its word. So is what is at its limit again: its
// own quantiles are the limit, no forecast can be more, and taken for more it would
// lend its weight to workloads unlike it that do surpass themselves.
func Censored(n resource.Name, row []float32, share float32) bool {
	return kills(n) && share >= HitShare && row[len(levels)-1] < HitShare
}

// farOut bounds outcomes, in spreads.
const farOut = 50

// Weight returns what a row counts for in fitting: with it, the loss of
// outcomes is that of shares.
func Weight(row []float32) float32 { return row[ownSpread] }

// RaisedPeak returns the peak of a workload that has used own at most and is
// predicted to pass predicted seldom.
func RaisedPeak(own, predicted float32) float32 { return max(own, predicted) }

// learnedHeader is the part of an artefact beside its trees.
type learnedHeader struct {
	Resource    resource.Name `json:"resource"`
	SlotSeconds int64         `json:"slot_seconds"`
	Slots       int           `json:"slots"`
	Trust       []float32     `json:"trust"` // by level
	Shift       []float32     `json:"shift"`
}

// learnedHeaderFile is the file of the header; treesFile those of the models.
const learnedHeaderFile = "learned.json"

func treesFile(level float64) string { return fmt.Sprintf("peak-%g.gbdt", level) }

// Encode returns l as the files of an artefact.
func (l *Learned) Encode() (map[string][]byte, error) {
	h := learnedHeader{Resource: l.resource, SlotSeconds: int64(l.grid.Slot / time.Second), Slots: l.grid.Slots}
	files := map[string][]byte{}
	for i, c := range l.levels {
		h.Trust, h.Shift = append(h.Trust, c.Trust), append(h.Shift, c.Shift)
		var trees bytes.Buffer
		if err := c.Trees.Encode(&trees); err != nil {
			return nil, fmt.Errorf("encode learned model: %w", err)
		}
		files[treesFile(levels[i])] = trees.Bytes()
	}
	header, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encode learned model: %w", err)
	}
	files[learnedHeaderFile] = header
	return files, nil
}

// DecodeLearned reads what Encode wrote.
func DecodeLearned(files map[string][]byte) (*Learned, error) {
	var h learnedHeader
	if err := json.Unmarshal(files[learnedHeaderFile], &h); err != nil {
		return nil, fmt.Errorf("decode learned model: %s: %w", learnedHeaderFile, err)
	}
	g := forecast.Grid{Slot: time.Duration(h.SlotSeconds) * time.Second, Slots: h.Slots}
	if err := g.Validate(); err != nil {
		return nil, fmt.Errorf("decode learned model: %w", err)
	}
	if err := h.Resource.Validate(); err != nil {
		return nil, fmt.Errorf("decode learned model: %w", err)
	}
	if len(h.Trust) != len(levels) || len(h.Shift) != len(levels) {
		return nil, fmt.Errorf("decode learned model: %s: %d trusts and %d shifts for %d quantiles", learnedHeaderFile, len(h.Trust), len(h.Shift), len(levels))
	}
	corrections := make([]Correction, len(levels))
	for i, level := range levels {
		trees, err := gbdt.Decode(bytes.NewReader(files[treesFile(level)]))
		if err != nil {
			return nil, fmt.Errorf("decode learned model: %s: %w", treesFile(level), err)
		}
		corrections[i] = Correction{trees, h.Trust[i], h.Shift[i]}
	}
	l, err := NewLearned(h.Resource, g, corrections)
	if err != nil {
		return nil, fmt.Errorf("decode %w", err)
	}
	return l, nil
}
