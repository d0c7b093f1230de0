package nodes

import (
	"slices"
	"time"

	"github.com/auspex-project/auspex/models"
	"github.com/auspex-project/auspex/resource"
	"github.com/auspex-project/auspex/timeseries"
)

// seat is where it is noted, sample by sample as they come in, what one member of a
// pledged node uses.
type seat struct {
	resource  resource.Name
	start     time.Time
	slot      time.Duration
	slots     int // that are promised
	limit     float32
	partsSlot int
	parts     []float32 // the largest usage by part of them; nil until one was measured
}

// seat gives every member of what is pending a seat, those that have one theirs.
func (w *Watch) seat() {
	w.seats = map[string][]*seat{}
	for i := range w.kept.Pending {
		p := &w.kept.Pending[i]
		for k := range p.Of {
			of := &p.Of[k]
			if of.seats == nil {
				for _, limit := range of.Limits {
					of.seats = append(of.seats, &seat{resource: of.Resource, start: p.Start, slot: w.grid.Slot, slots: w.slotsOf(p.Horizon), limit: limit, partsSlot: of.PartsSlot})
				}
			}
			for m, id := range of.Members {
				w.seats[id] = append(w.seats[id], of.seats[m])
			}
		}
	}
}

// Seats are those of one workload.
type Seats []*seat

// Seats returns where the samples of a workload are noted, until the next call of
// Pledge or Judge.
func (w *Watch) Seats(workload string) Seats { return w.seats[workload] }

// Note counts a sample, once however often it comes. An amount that nothing can use is
// left out, as histories do: one that is no number would stay in the record.
func (all Seats) Note(sample *timeseries.Sample) {
	for _, s := range all {
		s.note(sample)
	}
}

func (s *seat) note(sample *timeseries.Sample) {
	amount := sample.Usage.Get(s.resource)
	if sample.Time.Before(s.start) || !sample.Usage.Has(s.resource) || !models.Usable(s.resource, amount) {
		return
	}
	part := int(sample.Time.Sub(s.start) / (s.slot / time.Duration(s.partsSlot)))
	if part >= s.slots*s.partsSlot {
		return
	}
	if s.parts == nil {
		s.parts = make([]float32, s.slots*s.partsSlot)
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
func (of *pledge) came(slots int) (largest float32, ok bool) {
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
