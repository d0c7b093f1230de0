package models

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models/gbdt"
	"github.com/auspex-project/auspex/resource"
)

// Profiler predicts each slot to come of a workload: the mean of its usage there,
// and quantiles of its largest, by gradient-boosted trees that all workloads
// share. The highest quantile is what the workload adds to its node's sum: of a
// few that were tried, its sums save most (docs/models.md).
type Profiler struct {
	resource  resource.Name
	grid      forecast.Grid
	mean      *gbdt.Model
	quantiles *gbdt.Model // at slotLevels
}

// slotLevels are the probabilities of a slot's quantiles.
var slotLevels = [...]float64{.5, .9, .98}

// SlotLevels returns the probabilities of the quantiles of a slot, rising.
func SlotLevels() []float64 { return slotLevels[:] }

// NewProfiler returns the profiler of n over g with trees fitted on SlotFeatures:
// one model to SlotOutcome of mean usage, one at SlotLevels to that of the largest.
func NewProfiler(n resource.Name, g forecast.Grid, mean, quantiles *gbdt.Model) (*Profiler, error) {
	for _, m := range [...]*gbdt.Model{mean, quantiles} {
		if !slices.Equal(m.Features(), aheadNames()) {
			return nil, fmt.Errorf("profiler of %s: fitted on %d features that are not the %d this program computes (train again)", n, len(m.Features()), aheadCount)
		}
	}
	switch {
	case !mean.Mean():
		return nil, fmt.Errorf("profiler of %s: predicts quantiles %v in place of the mean", n, mean.Quantiles())
	case !slices.Equal(quantiles.Quantiles(), slotLevels[:]):
		return nil, fmt.Errorf("profiler of %s: predicts quantiles %v (want %v)", n, quantiles.Quantiles(), slotLevels)
	}
	return &Profiler{resource: n, grid: g, mean: mean, quantiles: quantiles}, nil
}

// Grid returns the grid whose slots are predicted.
func (p *Profiler) Grid() forecast.Grid { return p.grid }

// Means predicts rows of SlotFeatures, one after the other: out receives for each
// the mean usage as a share of its scale.
func (p *Profiler) Means(rows, out []float32) error {
	if err := p.mean.Predict(rows, out); err != nil {
		return fmt.Errorf("profiler of %s: %w", p.resource, err)
	}
	for i, z := range out {
		out[i] = SlotShare(rows[i*aheadCount:], z)
	}
	return nil
}

// Quantiles is Means for the quantiles of the largest usage: for each row by
// SlotLevels, rising.
func (p *Profiler) Quantiles(rows, out []float32) error {
	if err := p.quantiles.Predict(rows, out); err != nil {
		return fmt.Errorf("profiler of %s: %w", p.resource, err)
	}
	for i, z := range out {
		out[i] = SlotShare(rows[i/len(slotLevels)*aheadCount:], z)
	}
	return nil
}

// refine puts what p predicts of s into d, whose profile so far is that of its
// own past. A past that does not speak for itself yet is left as it is.
func (p *Profiler) refine(d *forecast.Demand, s *Subject, now time.Time, past Past) {
	if p == nil || !past.Settled() || p.grid.Slots != len(d.Profile) {
		return
	}
	u, scale := s.usage(d.Resource), scaleOf(s, d.Resource)
	columns := ahead{grid: p.grid}
	rows, ok := columns.rows(make([]float32, 0, aheadCount*p.grid.Slots), u.pastAt(now), scale)
	if !ok {
		return
	}
	means, quantiles := make([]float32, p.grid.Slots), make([]float32, p.grid.Slots*len(slotLevels))
	if p.Means(rows, means) != nil || p.Quantiles(rows, quantiles) != nil {
		return // ruled out by NewProfiler
	}
	floor := min(float32(u.floorAt(now)), d.Peak)
	d.SlotQuantiles = make([]forecast.SlotQuantile, len(slotLevels))
	for i, level := range slotLevels {
		values := make([]float32, p.grid.Slots)
		for k := range values {
			values[k] = min(quantiles[k*len(slotLevels)+i]*float32(scale), d.Peak)
		}
		d.SlotQuantiles[i] = forecast.SlotQuantile{P: level, Values: values}
	}
	highest := d.SlotQuantiles[len(slotLevels)-1].Values // what is added to sums, as it is told
	for k := range highest {
		highest[k] = max(highest[k], floor)
		d.Profile[k] = highest[k]
		means[k] = min(means[k]*float32(scale), d.Profile[k])
	}
	d.SlotMeans = means
	d.Mean = 0
	for _, mean := range means {
		d.Mean += mean / float32(len(means))
	}
}

// profilerHeader is the part of an artefact beside its trees.
type profilerHeader struct {
	Resource    resource.Name `json:"resource"`
	SlotSeconds int64         `json:"slot_seconds"`
	Slots       int           `json:"slots"`
}

// The files of an artefact.
const (
	profilerHeaderFile = "profile.json"
	slotMeanFile       = "slot-mean.gbdt"
	slotQuantilesFile  = "slot-quantiles.gbdt"
)

// Encode returns p as the files of an artefact.
func (p *Profiler) Encode() (map[string][]byte, error) {
	header, err := json.Marshal(profilerHeader{p.resource, int64(p.grid.Slot / time.Second), p.grid.Slots})
	if err != nil {
		return nil, fmt.Errorf("encode profiler: %w", err)
	}
	files := map[string][]byte{profilerHeaderFile: header}
	for name, m := range map[string]*gbdt.Model{slotMeanFile: p.mean, slotQuantilesFile: p.quantiles} {
		var trees bytes.Buffer
		if err := m.Encode(&trees); err != nil {
			return nil, fmt.Errorf("encode profiler: %w", err)
		}
		files[name] = trees.Bytes()
	}
	return files, nil
}

// DecodeProfiler reads what Encode wrote.
func DecodeProfiler(files map[string][]byte) (*Profiler, error) {
	var h profilerHeader
	if err := json.Unmarshal(files[profilerHeaderFile], &h); err != nil {
		return nil, fmt.Errorf("decode profiler: %s: %w", profilerHeaderFile, err)
	}
	g := forecast.Grid{Slot: time.Duration(h.SlotSeconds) * time.Second, Slots: h.Slots}
	if err := g.Validate(); err != nil {
		return nil, fmt.Errorf("decode profiler: %w", err)
	}
	if err := h.Resource.Validate(); err != nil {
		return nil, fmt.Errorf("decode profiler: %w", err)
	}
	var trees [2]*gbdt.Model
	for i, name := range [...]string{slotMeanFile, slotQuantilesFile} {
		m, err := gbdt.Decode(bytes.NewReader(files[name]))
		if err != nil {
			return nil, fmt.Errorf("decode profiler: %s: %w", name, err)
		}
		trees[i] = m
	}
	p, err := NewProfiler(h.Resource, g, trees[0], trees[1])
	if err != nil {
		return nil, fmt.Errorf("decode %w", err)
	}
	return p, nil
}
