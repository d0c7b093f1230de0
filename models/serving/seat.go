package serving

import (
	"slices"
	"time"

	"github.com/auspex-project/auspex/forecast"
	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// seat is where it is noted, sample by sample as they come in, what one member of a
// pledged node uses.
type seat struct {
	resource  resource.Name
	start     time.Time // of the span
	limit     float32
	partsSlot int
	parts     []float32 // the largest usage by part of the span; nil until one was measured
}

// seat gives every member of what is pending a seat, those that have one theirs.
func (w *nodeWatch) seat() {
	w.seats = map[string][]*seat{}
	for i := range w.kept.Pending {
		p := &w.kept.Pending[i]
		for k := range p.Of {
			of := &p.Of[k]
			if of.seats == nil {
				for _, limit := range of.Limits {
					of.seats = append(of.seats, &seat{resource: of.Resource, start: p.Start, limit: limit, partsSlot: of.PartsSlot})
				}
			}
			for m, id := range of.Members {
				w.seats[id] = append(w.seats[id], of.seats[m])
			}
		}
	}
}

// note counts a sample, once however often it comes. An amount that nothing can use is
// left out, as histories do: one that is no number would stay in the record.
func (s *seat) note(sample *timeseries.Sample, g forecast.Grid) {
	amount := sample.Usage.Get(s.resource)
	if sample.Time.Before(s.start) || !sample.Usage.Has(s.resource) || !models.Usable(s.resource, amount) {
		return
	}
	part := int(sample.Time.Sub(s.start) / (g.Slot / time.Duration(s.partsSlot)))
	if part >= g.Slots*s.partsSlot {
		return
	}
	if s.parts == nil {
		s.parts = make([]float32, g.Slots*s.partsSlot)
	}
	s.parts[part] = max(s.parts[part], min(float32(amount), s.limit), 1e-30) // seen, if only idle
}

// measured counts the slots in which something was.
func (s *seat) measured() (n int) {
	for parts := range slices.Chunk(s.parts, s.partsSlot) {
		if slices.Max(parts) > 0 {
			n++
		}
	}
	return n
}

// came returns the largest sum of a node; ok is false where a member was not
// measured in most of the slots.
func (of *nodePledge) came(slots int) (largest float32, ok bool) {
	sums := make([]float32, slots*of.PartsSlot)
	for _, s := range of.seats {
		if float64(s.measured()) < minMeasured*float64(slots) {
			return 0, false
		}
		for i, v := range s.parts {
			sums[i] += v
		}
	}
	return slices.Max(sums), len(of.seats) > 0
}
